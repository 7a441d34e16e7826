// Opens the gallery page in a real browser. `.ci/browser` starts it.
//
// The page of `photos serve` shows the example photos. Made-up static files hold more photos than a page
// can show at once, and change while the page is open. axe checks each state. The screenshots of all
// states are in target/browser.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { MadeUpSite, PAGE_POLICY, makePhoto, makePictures, startStaticSite, writePageFiles } from "./static_site.mjs";

const { chromium } = await import(process.env.PLAYWRIGHT);
const axe = readFileSync(process.env.AXE, "utf8");
const screenshots = process.env.SCREENSHOTS;
mkdirSync(screenshots, { recursive: true });

const MAX_TILES = 700;
/** The number of photos in examples/photos: a RAW file and its JPEG are one photo. */
const EXAMPLE_PHOTOS = 13;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
const picture = await makePictures(browser);
const passed = [];

/** Opens a page that fails the test if a script fails, or if the policy of the page is violated. */
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.failures = [];
  page.on("pageerror", (error) => page.failures.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.failures.push(message.text()));
  page.on("response", (response) => response.status() >= 400 && page.failures.push(`${response.status()} ${response.url()}`));
  await page.goto(url);
  return page;
}

/** Waits until the tiles in the visible part show their pictures. Returns their number. */
async function visibleTiles(page, gallery = "photo-gallery") {
  const count = () =>
    page.locator(gallery).first().evaluate((element) => {
      const images = [...(element.shadowRoot?.querySelectorAll(".tile img") ?? [])].filter((image) => {
        const box = image.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
      });
      const isShown = (image) => image.complete && image.naturalWidth > 0;
      return images.length > 0 && images.every(isShown) ? images.length : 0;
    });
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const tiles = await count();
    if (tiles) return tiles;
    await page.waitForTimeout(50);
  }
  assert.deepEqual(page.failures, []);
  throw new Error("no pictures are shown");
}

/** Checks the page with axe, and keeps a screenshot. */
async function check(page, state) {
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(screenshots, `${state}.png`) });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  assert.deepEqual(found, [], state);
  assert.deepEqual(page.failures, [], state);
  passed.push(state);
}

const dialogs = (page) => page.locator("dialog[open]").count();
const untilClosed = (page) => page.waitForFunction(() => !document.querySelector("photo-gallery").shadowRoot.querySelector("dialog[open]"));
const untilOpen = (page, name) => page.waitForFunction((name) => location.hash.endsWith(name), name);

/** The page over made-up files: 24 months of 120 photos. */
async function checkMadeUpSite(app) {
  const site = new MadeUpSite(24, 120);
  const { server, address } = await startStaticSite({ site, app, picture });
  const url = `${address}/gallery/index.html`;
  const page = await open(url);

  await visibleTiles(page);
  await check(page, "first-screen");
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok(height > 20_000, `the page is ${height} px high before its photos are read`);

  // The scrubber, by pointer and by keyboard.
  const slider = page.getByRole("slider");
  const box = await slider.boundingBox();
  await page.mouse.move(box.x + box.width - 10, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 10, box.y + box.height / 2, { steps: 8 });
  await page.screenshot({ path: join(screenshots, "scrubber.png") });
  await page.mouse.up();
  await visibleTiles(page);
  assert.match(await slider.getAttribute("aria-valuetext"), /2025/);
  await check(page, "middle");
  await slider.focus();
  await page.keyboard.press("End");
  await visibleTiles(page);
  assert.match(await slider.getAttribute("aria-valuetext"), /December 2024/);
  await page.keyboard.press("PageUp");
  await visibleTiles(page);
  assert.match(await slider.getAttribute("aria-valuetext"), /2025/);
  await page.keyboard.press("Home");
  await visibleTiles(page);
  const tiles = await page.locator("photo-gallery .tile").count();
  assert.ok(tiles <= MAX_TILES, `${tiles} tiles`);

  // A filter shows as many photos as its choice counts.
  await page.getByRole("button", { name: "Filter" }).click();
  const camera = page.getByLabel("Camera");
  const choice = await camera.locator("option").nth(1).textContent();
  await camera.selectOption({ index: 1 });
  await page.getByLabel("Year").selectOption("2026");
  await visibleTiles(page);
  const shown = await countBySteps(page);
  const expected = [...site.months].filter(([month]) => month.startsWith("2026")).flatMap(([, photos]) => photos);
  assert.equal(shown, expected.filter((photo) => choice.startsWith(photo.camera.name)).length);
  await page.evaluate(() => scrollTo(0, 0));
  await visibleTiles(page);
  await check(page, "filter");
  await page.getByRole("button", { name: "Show all photos" }).click();
  await page.getByRole("button", { name: "Filter" }).click();
  await visibleTiles(page);

  // A heading for each day, above the photos of this day.
  await page.evaluate(() => document.querySelector("photo-gallery").setAttribute("sections", "day"));
  await page.getByRole("heading", { name: "Saturday, November 28, 2026" }).waitFor();
  await visibleTiles(page);
  await check(page, "days");
  const isInOrder = await page.evaluate(() => {
    const [section] = document.querySelector("photo-gallery").shadowRoot.querySelectorAll("section");
    const tops = [...section.children].map((child) => child.getBoundingClientRect().top);
    return tops.every((top, at) => at === 0 || top >= tops[at - 1]);
  });
  assert.ok(isInOrder, "the elements are in the order in which they are seen");
  await page.evaluate(() => document.querySelector("photo-gallery").removeAttribute("sections"));
  await visibleTiles(page);

  // The lightbox by mouse and by keyboard, its address, and Back.
  await page.locator("photo-gallery .tile").nth(3).click();
  await page.waitForFunction(() => location.hash.startsWith("#2026-11-"));
  await page.waitForTimeout(500);
  await check(page, "lightbox");
  const first = new URL(page.url()).hash;
  await page.getByRole("button", { name: /Next photo/ }).click();
  await page.waitForFunction((hash) => location.hash !== hash, first);
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction((hash) => location.hash === hash, first);
  await page.keyboard.press("i");
  await page.waitForTimeout(200);
  assert.match(await page.locator("aside").innerText(), /1\/250 s · f\/8 · ISO 100 · 34 mm/);
  assert.match(await page.locator("aside").innerText(), /UTC\+01:00/);
  await check(page, "details");
  await page.mouse.dblclick(400, 400);
  await page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot.querySelector(".slide img").style.transform.includes("scale"));
  await page.goBack();
  await untilClosed(page);
  assert.equal(new URL(page.url()).hash, "");
  await page.goForward();
  await page.waitForFunction((hash) => location.hash === hash, first);
  await page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot.querySelector("dialog[open]"));
  await page.reload();
  await page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot?.querySelector("dialog[open]"));
  assert.equal(new URL(page.url()).hash, first);
  await page.keyboard.press("Escape");
  await untilClosed(page);
  // The focus is on the tile of the photo, and the arrow keys move it.
  const focused = () => page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.activeElement?.getAttribute("href"));
  await page.waitForFunction((hash) => document.querySelector("photo-gallery").shadowRoot.activeElement?.getAttribute("href") === hash, first);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((hash) => document.querySelector("photo-gallery").shadowRoot.activeElement?.getAttribute("href") !== hash, first);
  await page.keyboard.press("ArrowDown");
  await page.waitForTimeout(200);
  const below = await focused();
  await page.keyboard.press("Enter");
  await page.waitForFunction((hash) => location.hash === hash, below);
  await page.keyboard.press("Escape");
  await untilClosed(page);
  await page.waitForFunction(() => location.hash === "");

  // A photo in a month that is not read yet.
  await page.goto(`${url}#2025-03-05/IMG_00004`);
  await page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot?.querySelector("dialog[open]"));
  await page.keyboard.press("Escape");
  await untilClosed(page);
  await visibleTiles(page);
  assert.ok((await page.evaluate(() => scrollY)) > 5_000, "the gallery shows the month of the photo");

  // A photo that is hidden while the page is open goes, and an edited photo shows its new picture.
  // A reload would restore the scroll position.
  await page.goto("about:blank");
  await page.goto(url);
  await visibleTiles(page);
  const photos = site.months.get("2026-11");
  const [hidden, edited] = [photos.at(-1), photos.at(-2)];
  const tile = (photo) => page.locator(`photo-gallery .tile[href="#${photo.stem}"]`);
  assert.equal(await tile(hidden).count(), 1);
  await tile(hidden).click();
  await untilOpen(page, hidden.name);
  site.months.set("2026-11", [...photos.slice(0, -2), makePhoto("2026-11", Number(edited.name.slice(4)), "2")]);
  site.publish();
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await untilClosed(page);
  await page.waitForFunction((href) => !document.querySelector("photo-gallery").shadowRoot.querySelector(`[href="${href}"]`), `#${hidden.stem}`);
  await page.waitForFunction(
    (href) => document.querySelector("photo-gallery").shadowRoot.querySelector(`[href="${href}"] img`)?.srcset.includes("-2/"),
    `#${edited.stem}`,
  );
  await visibleTiles(page);
  // A neighbour that is hidden while a photo is open is not shown after it.
  const [next, afterNext] = [photos.at(-3), photos.at(-4)];
  await tile(edited).click();
  await untilOpen(page, edited.name);
  await page.waitForTimeout(300);
  site.months.set("2026-11", site.months.get("2026-11").filter((photo) => photo !== next));
  site.publish();
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await page.waitForFunction((href) => !document.querySelector("photo-gallery").shadowRoot.querySelector(`[href="${href}"]`), `#${next.stem}`);
  await page.waitForTimeout(200);
  await page.keyboard.press("ArrowRight");
  await untilOpen(page, afterNext.name);
  await page.keyboard.press("Escape");
  await untilClosed(page);
  // A photo whose date was corrected has the month in its address.
  const corrected = site.months.get("2025-06")[3];
  corrected.stem = "2018-01-01/OLD_00001";
  site.publish();
  await page.goto("about:blank");
  await page.goto(`${url}#${corrected.stem}?month=2025-06`);
  await page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot?.querySelector("dialog[open]"));
  // Adding the element again shows the same gallery once.
  await page.evaluate(() => {
    const gallery = document.querySelector("photo-gallery");
    const parent = gallery.parentNode;
    gallery.remove();
    history.replaceState(null, "", location.pathname);
    parent.append(gallery);
  });
  await visibleTiles(page);
  const headings = await page.locator("photo-gallery h2").allTextContents();
  assert.equal(new Set(headings).size, headings.length, headings.join());
  assert.deepEqual(page.failures, []);
  await page.context().close();

  await checkVariants(url);
  await checkTouch(url);
  server.closeAllConnections();
  server.close();
}

/** Scrolls through the gallery. Returns the number of different tiles. */
async function countBySteps(page) {
  const seen = new Set();
  for (let top = 0; ; top += 500) {
    await page.evaluate((top) => scrollTo({ top, behavior: "instant" }), top);
    await visibleTiles(page);
    const links = await page.evaluate(() => [...document.querySelector("photo-gallery").shadowRoot.querySelectorAll(".tile")].map(({ href }) => href));
    for (const link of links) seen.add(link);
    if (top > (await page.evaluate(() => document.documentElement.scrollHeight))) return seen.size;
  }
}

/** Dark, narrow, enlarged, without motion, without JavaScript. */
async function checkVariants(url) {
  const variants = {
    dark: { colorScheme: "dark" },
    narrow: { viewport: { width: 320, height: 640 } },
    enlarged: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
    "reduced-motion": { reducedMotion: "reduce" },
  };
  for (const [state, options] of Object.entries(variants)) {
    const page = await open(url, options);
    await visibleTiles(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${state}: ${overflow} px too wide`);
    await check(page, state);
    await page.locator("photo-gallery .tile").nth(1).click();
    await page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot.querySelector("dialog[open] img")?.complete);
    await page.keyboard.press("i");
    await check(page, `${state}-lightbox`);
    await page.context().close();
  }
  const page = await open(url, { javaScriptEnabled: false });
  await page.screenshot({ path: join(screenshots, "without-javascript.png") });
  assert.match(await page.locator("noscript").innerText(), /needs JavaScript/);
  await page.context().close();
}

/** The lightbox by touch: a swipe to the side, a pinch, a swipe down. */
async function checkTouch(url) {
  const page = await open(url, { hasTouch: true, isMobile: true, viewport: { width: 390, height: 780 } });
  await visibleTiles(page);
  await page.locator("photo-gallery .tile").nth(2).tap();
  await page.waitForFunction(() => location.hash.startsWith("#2026-11-"));
  await page.waitForTimeout(700);
  const session = await page.context().newCDPSession(page);
  const touch = (type, ...points) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const swipe = async ([fromX, fromY], [toX, toY]) => {
    await touch("touchStart", [fromX, fromY]);
    for (let at = 1; at <= 8; at++) {
      await touch("touchMove", [fromX + ((toX - fromX) * at) / 8, fromY + ((toY - fromY) * at) / 8]);
    }
    await touch("touchEnd");
  };
  const hash = new URL(page.url()).hash;
  await swipe([330, 400], [60, 405]);
  await page.waitForFunction((hash) => location.hash !== hash, hash);
  await page.waitForTimeout(500);
  await swipe([60, 400], [330, 405]);
  await page.waitForFunction((hash) => location.hash === hash, hash);
  await page.waitForTimeout(500);
  await touch("touchStart", [180, 400], [210, 400]);
  for (let at = 1; at <= 6; at++) await touch("touchMove", [180 - 20 * at, 400], [210 + 20 * at, 400]);
  await touch("touchEnd");
  await page.waitForFunction(() => /scale\([2-9]/.test(document.querySelector("photo-gallery").shadowRoot.querySelector(".slide:not([aria-hidden]) img").style.transform));
  await check(page, "touch-zoom");
  await touch("touchStart", [30, 250], [360, 250]);
  for (let at = 1; at <= 6; at++) await touch("touchMove", [30 + 26 * at, 250], [360 - 26 * at, 250]);
  await touch("touchEnd");
  await page.waitForTimeout(300);
  await swipe([195, 300], [195, 560]);
  await untilClosed(page);
  await page.context().close();
}

/** Two galleries on the page of another origin, one in a shadow root, under a strict policy. */
async function checkEmbedding(app) {
  const site = new MadeUpSite(3, 30);
  const { server, address } = await startStaticSite({ site, app, picture });
  const policy = `default-src 'none'; script-src ${address} 'sha256-REPLACED'; connect-src ${address}; img-src ${address} data:; style-src 'none'`;
  const script = `customElements.define("some-card", class extends HTMLElement {
    connectedCallback() {
      this.attachShadow({ mode: "open" }).innerHTML = '<photo-gallery src="${address}/gallery/" limit="7" order="oldest"></photo-gallery>';
    }
  });`;
  const digest = await sha256(script);
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A site</title>
    <script type="module" src="${address}/gallery/photo-gallery.js"></script><script>${script}</script>
    <body><main><h1>A site</h1><photo-gallery id="one" src="${address}/gallery/" camera="nikon-z-6" from="2026-10" to="2026-11"></photo-gallery>
    <some-card></some-card></main>`;
  const pages = { "/site.html": () => ({ html, policy: policy.replace("REPLACED", digest) }) };
  const other = await startStaticSite({ site: new MadeUpSite(1, 1), app, picture, pages });
  // The pictures have absolute addresses, as `photos serve` and publish write them.
  for (const photos of site.months.values()) {
    for (const photo of photos) for (const image of photo.images) image.url = new URL(image.url, address).href;
  }
  site.publish();
  // All photos are visible at once, so that all tiles are in the page.
  const page = await open(`${other.address}/site.html`, { viewport: { width: 1280, height: 3000 } });
  await visibleTiles(page, "#one");
  await page.waitForFunction(() => document.querySelector("some-card").shadowRoot.querySelector("photo-gallery").shadowRoot.querySelectorAll(".tile").length === 7);
  const wanted = [...site.months].filter(([month]) => month >= "2026-10").flatMap(([, photos]) => photos.filter(({ camera }) => camera.slug === "nikon-z-6"));
  const tiles = () => page.evaluate(() => document.getElementById("one").shadowRoot.querySelectorAll(".tile").length);
  await page.waitForFunction((count) => document.getElementById("one").shadowRoot.querySelectorAll(".tile").length === count, wanted.length);
  assert.equal(await tiles(), wanted.length);
  const events = await page.evaluate(() => {
    const log = (window.log = []);
    for (const name of ["photo-open", "photo-close"]) document.addEventListener(name, (event) => log.push(`${name} ${event.detail.photo.stem}`));
    return log;
  });
  assert.deepEqual(events, []);
  await page.evaluate(() => document.querySelector("some-card").shadowRoot.querySelector("photo-gallery").shadowRoot.querySelector(".tile").click());
  await page.waitForFunction(() => window.log.length === 1);
  await page.waitForTimeout(500);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => window.log.length === 2);
  await page.evaluate(() => {
    addEventListener("photo-open", (event) => event.preventDefault(), { once: true });
    document.getElementById("one").shadowRoot.querySelector(".tile").click();
  });
  await page.waitForTimeout(300);
  assert.equal(await dialogs(page), 0, "a listener can prevent the lightbox");
  await check(page, "embedded");
  // The choice of a visitor is added to the attributes.
  await page.evaluate(() => document.getElementById("one").choose({ camera: "canon-eos-r6" }));
  await page.locator("#one").getByText("There are no photos here yet.").waitFor();
  await page.context().close();
  for (const { server: one } of [{ server }, other]) {
    one.closeAllConnections();
    one.close();
  }
}

/** Returns the SHA-256 of a text in base64. */
async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Buffer.from(digest).toString("base64");
}

/** An empty gallery, and one whose files cannot be read. */
async function checkEmptyAndBroken(app) {
  const site = new MadeUpSite(1, 0);
  const { server, address } = await startStaticSite({ site, app, picture });
  const page = await open(`${address}/gallery/index.html`);
  await page.getByText("There are no photos here yet.").waitFor();
  await check(page, "empty");
  await page.context().close();
  site.files.delete("index.json");
  const broken = await open(`${address}/gallery/index.html`);
  await broken.getByText("The photos cannot be loaded.").waitFor();
  site.months.set("2026-11", [makePhoto("2026-11", 1)]);
  site.publish();
  await broken.getByRole("button", { name: "Try again" }).click();
  await visibleTiles(broken);
  await broken.context().close();
  server.closeAllConnections();
  server.close();
}

/** Returns the response of a GET request, without following redirects. */
function request(url) {
  return new Promise((resolve, reject) => get(url, { agent: false }, resolve).on("error", reject));
}

/** The page of `photos serve` over the example photos. A photo that its owner hides is gone after a refresh. */
async function checkServe() {
  const scratch = mkdtempSync(join(tmpdir(), "photos-page-"));
  const data = join(scratch, "data");
  const serve = spawn(process.env.PHOTOS, ["serve", "--data", data, "--port", "0", "--s3-port", "0", "examples/photos"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let messages = "";
  serve.stderr.on("data", (text) => (messages += text));
  process.once("exit", () => {
    serve.kill();
    rmSync(scratch, { recursive: true, force: true });
  });
  const until = async (what, probe) => {
    for (const end = Date.now() + 180_000; Date.now() < end; ) {
      if (await probe()) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`not in three minutes: ${what}\n${messages}`);
  };
  await until("the photos are uploaded", () => messages.includes(" uploaded"));
  const { gallery } = JSON.parse(readFileSync(join(data, ".engine/serve.json"), "utf8"));
  const index = async () => (await fetch(`${gallery}/gallery/index.json`)).json().catch(() => ({}));
  const listed = EXAMPLE_PHOTOS;
  await until("the photos are published", async () => (await index()).photos === listed);
  const root = await request(`${gallery}/`);
  assert.equal(root.statusCode, 302);
  const html = await request(new URL(root.headers.location, gallery));
  assert.equal(html.headers["content-security-policy"], PAGE_POLICY);
  assert.equal(html.headers["x-content-type-options"], "nosniff");

  const page = await open(`${gallery}/`);
  await visibleTiles(page);
  await check(page, "examples");
  const shown = await countBySteps(page);
  assert.equal(shown, listed);
  await page.evaluate(() => scrollTo(0, 0));
  const hidden = await page.locator("photo-gallery .tile").first().getAttribute("href");
  execFileSync(process.env.PHOTOS, ["set", "--data", data, "--private", hidden.slice(1)], { stdio: "ignore" });
  await until("the photo is hidden", async () => (await index()).photos === listed - 1);
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await page.waitForFunction((href) => !document.querySelector("photo-gallery").shadowRoot.querySelector(`[href="${href}"]`), hidden);
  assert.deepEqual(page.failures, []);
  await page.context().close();
  const noScript = await open(`${gallery}/gallery/index.html`, { javaScriptEnabled: false });
  assert.match(await noScript.locator("noscript").innerText(), /February 2018/);
  await noScript.context().close();
  serve.kill("SIGINT");
}

const app = await writePageFiles();
await checkMadeUpSite(app);
await checkEmbedding(app);
await checkEmptyAndBroken(app);
await checkServe();
await browser.close();
console.log(`the gallery page: ${passed.length} states without a finding of axe; screenshots in ${screenshots}`);
