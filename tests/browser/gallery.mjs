// Shows the pictures of `photos serve` on a plain page with PhotoSwipe, in a real browser. `.ci/browser`
// starts it.
//
// The page of another origin on this machine reads the photos once from the API and once from the
// static files. Every tile must show its picture, and the lightbox the picture of its photo. The first
// 24 tiles must weigh at most 1.2 MB. `PHOTOS_FOLDER` names another folder than the examples.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { chromium } = await import(process.env.PLAYWRIGHT);

const TILES = 24;
const MAX_BYTES = 1_200_000;
const folder = process.env.PHOTOS_FOLDER ?? "examples/photos";
const scratch = mkdtempSync(join(tmpdir(), "photos-browser-"));
const data = join(scratch, "data");

/** Waits until `probe` returns a value, at most five minutes. Returns the value. */
async function until(what, probe) {
  for (const end = Date.now() + 300_000; Date.now() < end; ) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`not in five minutes: ${what}`);
}

/** Starts `photos serve`. Returns the URL of its gallery after all photos are published with pictures. */
async function startServe() {
  const ports = ["--port", "0", "--s3-port", "0"];
  const serve = spawn(process.env.PHOTOS, ["serve", "--data", data, ...ports, folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let messages = "";
  serve.stderr.on("data", (text) => (messages += text));
  process.once("exit", () => serve.kill());
  await until("the photos are uploaded", () => messages.includes(" uploaded"));
  const { gallery } = JSON.parse(readFileSync(join(data, ".engine/serve.json"), "utf8"));
  // The number of photos must stay the same for some time, in the API and in the static files.
  let previous;
  await until("the photos are published", async () => {
    const index = await readJson(`${gallery}/gallery/index.json`);
    if (!index) return false;
    const counts = [index.photos, await countPhotos(gallery)].join();
    const settled = counts === previous && new Set(counts.split(",")).size === 1;
    previous = counts;
    if (!settled) await new Promise((resolve) => setTimeout(resolve, 12_000));
    return settled;
  });
  return { serve, gallery };
}

/** Returns the number of photos on all pages of the API. */
async function countPhotos(gallery) {
  let photos = 0;
  for (let cursor = ""; cursor !== null; ) {
    const page = await readJson(`${gallery}/v1/photos?limit=200${cursor && `&cursor=${cursor}`}`);
    if (!page) return undefined;
    photos += page.items.length;
    cursor = page.next;
  }
  return photos;
}

/** Returns the JSON at a URL, or nothing if it is not there yet. Opens a connection for each request. */
function readJson(url) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 10_000 }, async (response) => {
      const text = await new Response(response).text();
      resolve(response.statusCode === 200 ? JSON.parse(text) : undefined);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

/** Returns the page. It is what an owner of a site would write. */
function page(gallery, source) {
  return `<!doctype html><meta charset="utf-8"><title>Photos</title>
<link rel="stylesheet" href="/photoswipe.css">
<style>body{margin:0}main{display:grid;grid-template-columns:repeat(6,1fr);gap:4px}
img{width:100%;height:160px;object-fit:cover;display:block}</style>
<main id="grid"></main>
<script type="module">
import PhotoSwipeLightbox from "/photoswipe-lightbox.esm.js";
const gallery = ${JSON.stringify(gallery)};
const json = async (path) => (await fetch(gallery + path)).json();
async function fromApi() { return (await json("/v1/photos?limit=200")).items; }
async function fromFiles() {
  const index = await json("/gallery/index.json");
  const files = index.months.flatMap((month) => month.files.map((file) => file.path));
  const months = await Promise.all(files.map((path) => json("/gallery/" + path)));
  return months.flatMap((month) => month.items);
}
const photos = (await ${source}()).filter((photo) => photo.images.length).slice(0, ${TILES});
for (const photo of photos) {
  const [largest] = photo.images;
  const link = Object.assign(document.createElement("a"), { href: largest.url });
  link.dataset.pswpWidth = largest.width;
  link.dataset.pswpHeight = largest.height;
  link.style.background = photo.color;
  const image = document.createElement("img");
  image.sizes = "16vw";
  image.srcset = photo.images.map((image) => image.url + " " + image.width + "w").join(", ");
  image.src = photo.images.at(-1).url;
  image.alt = photo.alt ?? "";
  link.append(image);
  document.getElementById("grid").append(link);
}
new PhotoSwipeLightbox({ gallery: "#grid", children: "a", pswpModule: () => import("/photoswipe.esm.js") }).init();
document.body.dataset.ready = photos.length;
</script>`;
}

/** Opens the page, and checks its tiles and its lightbox. Returns the weight of the tiles in bytes. */
async function checkPage(browser, site, gallery, source) {
  const view = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  view.setDefaultTimeout(120_000);
  const errors = [];
  let bytes = 0;
  view.on("pageerror", (error) => errors.push(String(error)));
  view.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  view.on("requestfailed", (request) => errors.push(request.url()));
  view.on("response", async (response) => {
    if (!response.url().includes("/gallery/r/")) return;
    if (!response.ok()) errors.push(`${response.status()} ${response.url()}`);
    bytes += Number(response.headers()["content-length"] ?? 0);
  });
  await view.goto(`${site}/?${source}`);
  await view.waitForFunction(() => document.body.dataset.ready).catch(() => assert.deepEqual(errors, []));
  await view.waitForFunction(() => [...document.images].every((image) => image.complete));
  const tiles = await view.evaluate(() => [...document.images].filter((image) => image.naturalWidth > 0).length);
  const shown = Number(await view.evaluate(() => document.body.dataset.ready));
  assert.ok(shown > 0, "the page has tiles");
  assert.equal(tiles, shown, "every tile shows its picture");
  const weight = bytes;
  await view.locator("#grid a").first().click();
  await view.waitForFunction(() => {
    const large = document.querySelector(".pswp__img:not(.pswp__img--placeholder)");
    return large && large.complete && large.naturalWidth > 0;
  });
  assert.deepEqual(errors, []);
  await view.close();
  assert.ok(weight <= MAX_BYTES, `the first ${shown} tiles weigh ${weight} bytes`);
  return { shown, weight };
}

const { serve, gallery } = await startServe();
const site = createServer((request, response) => {
  const name = request.url.split("?")[0].slice(1);
  if (["photoswipe.css", "photoswipe.esm.js", "photoswipe-lightbox.esm.js"].includes(name)) {
    const type = name.endsWith(".css") ? "text/css" : "text/javascript";
    response.writeHead(200, { "content-type": type });
    return response.end(readFileSync(join(process.env.PHOTOSWIPE, name)));
  }
  const source = request.url.includes("fromFiles") ? "fromFiles" : "fromApi";
  response.writeHead(200, { "content-type": "text/html" });
  response.end(page(gallery, source));
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
try {
  for (const source of ["fromApi", "fromFiles"]) {
    const { shown, weight } = await checkPage(browser, `http://127.0.0.1:${site.address().port}`, gallery, source);
    console.log(`${source}: ${shown} tiles, ${weight} bytes, the lightbox opens`);
  }
} finally {
  await browser.close();
  site.close();
  serve.kill();
  rmSync(scratch, { recursive: true, force: true });
}
