// Attacks the servers of `photos serve` from pages in a real browser. `.ci/browser` starts it.
//
// A page of another origin, and a page whose host name resolves to this machine (DNS rebinding), try
// to read and to change each server: by fetch with and without a preflight request, by forms, by
// images, scripts and beacons. Every response of a server must be a refusal, and nothing may change.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { chromium } = await import(process.env.PLAYWRIGHT);

const FOREIGN_HOST = "evil.example";
const folder = mkdtempSync(join(tmpdir(), "photos-browser-"));
const data = join(folder, "data");

/** Waits until `probe` returns a value, at most a minute. Returns the value. */
async function until(what, probe) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not in a minute: ${what}`);
}

/** Waits for a promise, at most a minute. A server that lets requests pass must not stop the check. */
async function inTime(what, promise) {
  let timer;
  const timeout = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not in a minute: ${what}`)), 60_000)));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Starts `photos serve` with the example photos. Returns the process and what it announces. */
async function startServe() {
  const ports = ["--port", "0", "--s3-port", "0", "--dynamodb-port", "0"];
  const serve = spawn(process.env.PHOTOS, ["serve", "--data", data, ...ports, "examples/photos"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let messages = "";
  serve.stderr.on("data", (text) => (messages += text));
  process.once("exit", () => serve.kill());
  await until("the examples are uploaded", () => messages.includes(" uploaded"));
  const running = JSON.parse(readFileSync(join(data, ".engine/serve.json"), "utf8"));
  // An upload ends before its file is in the catalogue, and a file may join another file's photo
  // later. So every file must be in the archive, and the photos must be unchanged for two seconds.
  const examples = countFiles("examples/photos");
  let previous;
  await until("all files are in the catalogue", async () => {
    if (countFiles(join(data, "archive")) < examples) return false;
    const photos = JSON.stringify(await listPhotos(running.gallery));
    const settled = photos === previous;
    previous = photos;
    if (!settled) await new Promise((resolve) => setTimeout(resolve, 2000));
    return settled;
  });
  return { serve, running };
}

/** Returns the number of files in a folder and its subfolders. 0 if there is no such folder. */
function countFiles(root) {
  if (!existsSync(root)) return 0;
  return readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

/** Returns the names of all files in the buckets. */
function listFiles() {
  return ["inbox", "archive"].flatMap((bucket) => {
    const root = join(data, bucket);
    return existsSync(root) ? readdirSync(root, { recursive: true }).map((name) => `${bucket}/${name}`).sort() : [];
  });
}

/** Returns the photos that the gallery lists. */
async function listPhotos(gallery) {
  return (await (await fetch(`${gallery}/v1/photos?limit=200`)).json()).items;
}

/** Runs in the page: sends each kind of request to a server. Returns the texts that the page read. */
async function attack({ server, paths, headers }) {
  const read = [];
  const attempt = async (path, options) => {
    try {
      const response = await fetch(server + path, options);
      if (response.ok) read.push(`${options.method} ${path}: ${(await response.text()).slice(0, 80)}`);
    } catch {
      // The browser let the page read nothing.
    }
  };
  for (const path of paths) {
    for (const mode of ["cors", "no-cors"]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const body = method === "POST" ? "{}" : undefined;
        await attempt(path, { method, mode, body, credentials: "include" });
      }
    }
    // These need a preflight request.
    for (const method of ["PUT", "DELETE", "POST"]) {
      await attempt(path, { method, body: "{}", headers: { ...headers, "content-type": "application/json" } });
    }
    navigator.sendBeacon(server + path, "{}");
    await new Promise((resolve) => {
      const image = Object.assign(new Image(), { onload: () => resolve(read.push(`image ${path}`)), onerror: resolve });
      image.src = server + path;
    });
    await new Promise((resolve) => {
      const script = Object.assign(document.createElement("script"), { onload: resolve, onerror: resolve });
      script.src = server + path;
      document.head.append(script);
    });
  }
  return read;
}

/** Runs in the page: sends a form with a file to a server, as a presigned POST does. */
async function sendForms({ server, paths }) {
  for (const path of paths) {
    for (const type of ["multipart/form-data", "text/plain", "application/x-www-form-urlencoded"]) {
      const frame = Object.assign(document.createElement("iframe"), { name: `frame${Math.random()}` });
      const form = document.createElement("form");
      Object.assign(form, { method: "post", enctype: type, action: server + path, target: frame.name });
      for (const [name, value] of Object.entries({ key: "2018-02-01/DSC_0001.JPG", policy: "e30=", file: "overwritten" })) {
        form.append(Object.assign(document.createElement("input"), { name, value }));
      }
      document.body.append(frame, form);
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
      form.submit();
      await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 2000))]);
    }
  }
}

const { serve, running } = await startServe();
const hostile = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><body>"));
await new Promise((resolve) => hostile.listen(0, "127.0.0.1", resolve));
const foreignOrigin = `http://${FOREIGN_HOST}:${hostile.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP ${FOREIGN_HOST} 127.0.0.1`],
});
const targets = {
  gallery: { server: running.gallery, paths: ["/v1/photos", "/photos/2018-02-01/DSC_0001.JPG"], headers: {} },
  s3: { server: running.s3, paths: ["/inbox", "/archive/2018-02-01/DSC_0001.JPG"], headers: {} },
  dynamodb: { server: running.dynamodb, paths: ["/"], headers: { "x-amz-target": "DynamoDB_20120810.ListTables" } },
};
const files = listFiles();
const photos = await listPhotos(running.gallery);

let refused = 0;
const failures = [];
try {
  for (const [name, target] of Object.entries(targets)) {
    const page = await browser.newPage();
    page.on("response", (response) => {
      if (!response.url().startsWith(target.server) && !response.url().includes(`:${new URL(target.server).port}/`)) return;
      if (response.status() === 403) refused += 1;
      else failures.push(`${name}: ${response.request().method()} ${response.url()} has status ${response.status()}`);
    });
    await page.goto(foreignOrigin);
    for (const text of await inTime(`${name} attacked`, page.evaluate(attack, target))) failures.push(`${name}: a foreign page read ${text}`);
    await inTime(`forms for ${name}`, page.evaluate(sendForms, target));

    // The same server under a host name of the attacker: to the browser, it is the page's own origin.
    const rebound = target.server.replace("127.0.0.1", FOREIGN_HOST);
    for (const path of target.paths) await page.goto(rebound + path);
    const own = { ...target, server: rebound };
    for (const text of await inTime(`${name} rebound`, page.evaluate(attack, own))) failures.push(`${name}: a rebound page read ${text}`);
    await page.close();
  }

  // A site that is being developed on this machine may read the gallery, and show its pictures.
  const site = await browser.newPage();
  await site.goto(`http://localhost:${hostile.address().port}`);
  const listed = await site.evaluate(async (url) => (await (await fetch(url)).json()).items, `${running.gallery}/v1/photos`);
  assert.ok(listed.length > 0, "a page of this machine reads the gallery");
  const picture = listed.flatMap((photo) => photo.images)[0].url;
  const shown = (url) =>
    new Promise((resolve) => {
      const image = Object.assign(new Image(), { onload: () => resolve(true), onerror: () => resolve(false) });
      image.src = url;
    });
  assert.ok(await site.evaluate(shown, picture), `a page of this machine shows ${picture}`);

  assert.deepEqual(failures, []);
  assert.ok(refused >= 60, `only ${refused} requests reached a server`);
  assert.deepEqual(listFiles(), files, "no file changed");
  assert.deepEqual(await listPhotos(running.gallery), photos, "no photo changed");
  console.log(`${refused} requests of foreign pages were refused; nothing was read, and nothing changed.`);
} catch (error) {
  // What was seen until now matters more than the error.
  console.error(failures.join("\n"));
  throw error;
} finally {
  await browser.close();
  hostile.close();
  serve.kill("SIGINT");
  await new Promise((resolve) => serve.once("exit", resolve));
  rmSync(folder, { recursive: true });
}
