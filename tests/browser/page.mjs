// Opens the gallery page in a real browser. `.ci/browser` starts it.
//
// The page of `photos serve` shows the example photos. Made-up static files hold more photos than a page
// can show at once, and change while the page is open. axe checks each state. The screenshots of all
// states are in target/browser.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { MadeUpSite, makePhoto, makePictures, pagePolicy, startStaticSite, writePageFiles } from "./static_site.mjs";

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
  const findViolations = async () => {
    const { violations } = await page.evaluate(() => window.axe.run());
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  };
  let found = await findViolations();
  if (found.length) {
    // The scrubber has too little contrast while it fades away. What stays is a finding.
    await page.waitForTimeout(2_000);
    found = await findViolations();
  }
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
  await page.locator("#one").getByText("There are no photos here.").waitFor();
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

/** Starts a server of map tiles. `requests` are the paths and the referrers that it has seen. */
async function startTileServer() {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url, referrer: request.headers.referer });
    const [z, x, y] = request.url.match(/\d+/g).map(Number);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256"
      fill="hsl(${(x * 50 + y * 80) % 360} 30% 80%)" stroke="#789"/><text x="20" y="40">${z}/${x}/${y}</text></svg>`;
    response.writeHead(200, { "content-type": "image/svg+xml" });
    response.end(svg);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, requests, origin: `http://127.0.0.1:${server.address().port}` };
}

/** Closes servers with their connections. */
function close(...servers) {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
}

const mapButton = (page) => page.getByRole("button", { name: "Map", exact: true });
const clusters = (page) => page.locator(".map-cluster");
const clusterOf = (page, photos) => clusters(page).filter({ hasText: new RegExp(`^${photos}$`) });
/** Waits until the map shows clusters with exactly these numbers of photos. */
async function untilClusters(page, counts) {
  const wanted = [...counts].sort((a, b) => a - b).join();
  const shown = async () => (await clusters(page).allTextContents()).map((text) => Number(text.replace(",", ""))).sort((a, b) => a - b).join();
  for (const end = Date.now() + 10_000; Date.now() < end && (await shown()) !== wanted; ) await page.waitForTimeout(50);
  assert.equal(await shown(), wanted);
}

/** The map: without tiles and with them, by mouse, touch and keyboard, with filters, and in all looks. */
async function checkMap(app) {
  const site = new MadeUpSite(24, 40);
  const tiles = await startTileServer();
  const template = `${tiles.origin}/{z}/{x}/{y}.svg`;
  const attribution = "© [Example](https://tile.example/licence) <b>and others</b>";
  const tiledApp = await writePageFiles(["--map-tiles", template, "--map-attribution", attribution]);
  const plain = await startStaticSite({ site, app, picture });
  const tiled = await startStaticSite({ site, app: tiledApp, picture, pictureOrigins: [tiles.origin] });

  await checkPlainMap(`${plain.address}/gallery/index.html`, site, tiles);
  await checkTiles(`${tiled.address}/gallery/index.html`, tiles, countPlaces(site)[2]);
  await checkMapVariants(`${tiled.address}/gallery/index.html`, countPlaces(site)[2]);
  close(plain.server, tiled.server);

  // No photo has a position: there is no button, and no list is read.
  const nowhere = new MadeUpSite(1, 20);
  for (const photo of nowhere.months.get("2026-11")) photo.location = null;
  nowhere.publish();
  const without = await startStaticSite({ site: nowhere, app: tiledApp, picture });
  const page = await open(`${without.address}/gallery/index.html`);
  await page.getByRole("button", { name: "Filter" }).waitFor();
  assert.equal(await mapButton(page).count(), 0);
  await page.context().close();
  close(without.server, tiles.server);
}

/** The numbers of photos of these months by place: Montréal, a place east of it, Kyoto, Sydney. */
function countPlaces(site, isCounted = () => true) {
  const photos = [...site.months.values()].flat().filter((photo) => photo.location && isCounted(photo));
  return [45.5, 45.6, 35.0, -33.87].map((lat) => photos.filter(({ location }) => location.lat === lat).length);
}

/** The map on its plain background. It sends no request to a server of tiles. */
async function checkPlainMap(url, site, tiles) {
  const page = await open(url);
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await visibleTiles(page);
  await mapButton(page).click();
  const [montreal, east, kyoto, sydney] = countPlaces(site);
  await untilClusters(page, [montreal + east, kyoto, sydney]);
  await check(page, "map");
  assert.equal(await page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.activeElement.className), "map-view");

  // A cluster of two places zooms in, and then shows both. A place shows its photos.
  await clusterOf(page, montreal + east).click();
  await untilClusters(page, [montreal, east]);
  await check(page, "map-zoomed");
  await page.getByRole("button", { name: new RegExp(`^${east} photos at 45.6° N, 73.1° W. Show them`) }).click();
  await untilClosed(page);
  await visibleTiles(page);
  assert.equal(await countBySteps(page), east);
  await page.evaluate(() => scrollTo(0, 0));
  await visibleTiles(page);
  await check(page, "map-place");
  // The place is a filter beside others. The map then offers all places of the other filters.
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByLabel("Year").selectOption("2025");
  await visibleTiles(page);
  const isOf2025 = ({ date }) => date.startsWith("2025");
  assert.equal(await countBySteps(page), countPlaces(site, isOf2025)[1]);
  await page.evaluate(() => scrollTo(0, 0));
  await mapButton(page).click();
  const [one, two, three, four] = countPlaces(site, isOf2025);
  await untilClusters(page, [one + two, three, four]);
  assert.equal(await page.locator(".map-status").textContent(), "");
  await page.keyboard.press("Escape");
  await untilClosed(page);
  // By a camera, the map can only count months.
  await page.getByLabel("Camera").selectOption({ index: 1 });
  await mapButton(page).click();
  await page.getByText("The numbers also count photos").waitFor();
  await check(page, "map-filtered");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Show all places" }).click();
  await page.getByRole("button", { name: "Show all photos" }).click();
  await page.getByRole("button", { name: "Filter" }).click();
  assert.equal(await page.getByRole("button", { name: "Show all places" }).count(), 0);

  await checkMapKeyboard(page, [montreal + east, kyoto, sydney]);
  await checkMapChanges(page, site);
  assert.deepEqual(tiles.requests, []);
  assert.deepEqual(requests.filter((address) => !address.startsWith(new URL(url).origin)), []);
  await page.context().close();
}

/** The map by keyboard alone. */
async function checkMapKeyboard(page, [both, kyoto, sydney]) {
  await mapButton(page).focus();
  await page.keyboard.press("Enter");
  await untilClusters(page, [both, kyoto, sydney]);
  // A place in the middle of the view, which no movement of this test hides.
  const place = clusterOf(page, kyoto);
  const left = () => place.evaluate((button) => button.getBoundingClientRect().left);
  const before = await left();
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(400);
  assert.ok((await left()) < before - 50, "the arrow key moves the map");
  await page.keyboard.press("ArrowLeft");
  for (const key of ["+", "+", "-"]) {
    await page.keyboard.press(key);
    await page.waitForTimeout(350);
  }
  await page.getByRole("button", { name: "Zoom out" }).focus();
  await page.keyboard.press("Enter");
  await untilClusters(page, [both, kyoto, sydney]);
  // From the bar over the view to the clusters. The focus stays in the dialog.
  await page.locator(".map-view").focus();
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.activeElement);
  assert.ok(await focused(), "a cluster has the focus");
  await check(page, "map-focus");
  await clusterOf(page, sydney).focus();
  await page.keyboard.press("Enter");
  await untilClosed(page);
  await visibleTiles(page);
  assert.equal(await page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.activeElement.textContent), "Map");
  await page.getByRole("button", { name: "Show all places" }).focus();
  await page.keyboard.press("Enter");
  await visibleTiles(page);
  assert.equal(await page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.activeElement.textContent), "Map");
}

/** The map follows changes of the gallery while it is open, and is closed with its gallery. */
async function checkMapChanges(page, site) {
  await mapButton(page).click();
  await untilClusters(page, [countPlaces(site)[0] + countPlaces(site)[1], ...countPlaces(site).slice(2)]);
  for (const [month, photos] of site.months) {
    site.months.set(month, photos.filter(({ location }) => location?.lat !== -33.87));
  }
  site.publish();
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await untilClusters(page, [countPlaces(site)[0] + countPlaces(site)[1], countPlaces(site)[2]]);
  await page.evaluate(() => {
    const gallery = document.querySelector("photo-gallery");
    const parent = gallery.parentNode;
    gallery.remove();
    setTimeout(() => parent.append(gallery), 300);
  });
  await page.waitForTimeout(500);
  await visibleTiles(page);
  assert.equal(await dialogs(page), 0);
  await mapButton(page).click();
  await untilClusters(page, [countPlaces(site)[0] + countPlaces(site)[1], countPlaces(site)[2]]);
  // A list that cannot be read shows no old numbers.
  await page.keyboard.press("Escape");
  site.publish();
  site.files.delete("map.json");
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await mapButton(page).click();
  await page.getByText("The map cannot be loaded.").waitFor();
  assert.equal(await clusters(page).count(), 0);
  page.failures.length = 0;
  await page.keyboard.press("Escape");
  site.publish();
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await mapButton(page).click();
  await untilClusters(page, [countPlaces(site)[0] + countPlaces(site)[1], countPlaces(site)[2]]);
  await page.keyboard.press("Escape");
}

/** The tiles of the owner's server: they follow the wheel and a drag, and show their attribution. */
async function checkTiles(url, tiles, kyoto) {
  const page = await open(url);
  await visibleTiles(page);
  assert.deepEqual(tiles.requests, [], "no tile is loaded before the map is opened");
  await mapButton(page).click();
  await clusters(page).first().waitFor();
  const areLoaded = () =>
    page.waitForFunction(() => {
      const images = [...document.querySelector("photo-gallery").shadowRoot.querySelectorAll(".map-background img")];
      return images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
    });
  await areLoaded();
  await check(page, "map-tiles");
  const text = await page.locator(".map-attribution").textContent();
  assert.equal(text, "© Example <b>and others</b>");
  assert.equal(await page.getByRole("link", { name: "Example" }).getAttribute("href"), "https://tile.example/licence");
  const zooms = () => new Set(tiles.requests.map(({ path }) => path.split("/")[1]));
  const before = zooms().size;
  const box = await page.locator(".map-view").boundingBox();
  await page.mouse.move(box.x + 300, box.y + 200);
  await page.mouse.wheel(0, -700);
  await page.waitForTimeout(300);
  await areLoaded();
  assert.ok(zooms().size > before, "the wheel zooms");
  // The place under the pointer stays there, and a drag moves it.
  await page.mouse.wheel(0, 700);
  await page.waitForTimeout(300);
  const left = () => clusterOf(page, kyoto).evaluate((button) => button.getBoundingClientRect().left);
  const start = await left();
  await page.mouse.down();
  await page.mouse.move(box.x + 260, box.y + 230, { steps: 5 });
  await page.mouse.up();
  await page.waitForTimeout(200);
  assert.ok(Math.abs((await left()) - start + 40) < 2, "a drag moves the map");
  assert.equal(await dialogs(page), 1, "a drag is no click");
  await areLoaded();
  for (const { path, referrer } of tiles.requests) {
    const [z, x, y] = path.match(/\d+/g).map(Number);
    assert.ok(x < 2 ** z && y < 2 ** z, path);
    assert.equal(referrer, `${new URL(url).origin}/`);
  }
  assert.deepEqual(page.failures, []);
  await page.context().close();
}

/** The map in the dark, at 320 px, without motion, and by touch. */
async function checkMapVariants(url, kyoto) {
  const variants = {
    dark: { colorScheme: "dark" },
    narrow: { viewport: { width: 320, height: 640 } },
    enlarged: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
    "reduced-motion": { reducedMotion: "reduce" },
    touch: { hasTouch: true, isMobile: true, viewport: { width: 390, height: 780 } },
  };
  for (const [state, options] of Object.entries(variants)) {
    const page = await open(url, options);
    await visibleTiles(page);
    await mapButton(page).click();
    await clusters(page).first().waitFor();
    const size = await page.locator("dialog.map").evaluate((dialog) => {
      const { left, right, top, bottom } = dialog.getBoundingClientRect();
      return { isInside: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight, overflow: dialog.scrollWidth - dialog.clientWidth };
    });
    assert.deepEqual(size, { isInside: true, overflow: 0 }, state);
    await check(page, `map-${state}`);
    if (state === "touch") await checkMapTouch(page, kyoto);
    if (state === "reduced-motion") {
      // The map is at its new place in the next frame.
      const zoom = () => clusters(page).first().evaluate((button) => button.style.transform);
      const before = await zoom();
      await page.keyboard.press("ArrowRight");
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const after = await zoom();
      await page.waitForTimeout(400);
      assert.notEqual(after, before);
      assert.equal(await zoom(), after);
    }
    await page.context().close();
  }
}

/** A pinch zooms the map, and a tap opens a cluster. */
async function checkMapTouch(page, kyoto) {
  const session = await page.context().newCDPSession(page);
  const touch = (type, ...points) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  // The width of the globe, by the width of a tile and its zoom.
  const width = () =>
    page.locator(".map-background img").first().evaluate((image) => parseFloat(image.style.width) * 2 ** Number(image.src.split("/")[3]));
  const before = await width();
  await touch("touchStart", [180, 400], [230, 400]);
  for (let at = 1; at <= 5; at++) await touch("touchMove", [180 - 5 * at, 400], [230 + 5 * at, 400]);
  await touch("touchEnd");
  await page.waitForTimeout(500);
  const ratio = (await width()) / before;
  assert.ok(Math.abs(ratio - 2) < 0.2, `a pinch to the double distance zooms by ${ratio}`);
  await page.getByRole("button", { name: "Close the map" }).tap();
  await untilClosed(page);
  await mapButton(page).tap();
  await clusters(page).first().waitFor();
  await page.waitForTimeout(200);
  await clusterOf(page, kyoto).tap();
  await untilClosed(page);
  await page.getByRole("button", { name: "Show all places" }).waitFor();
}

const searchField = (page) => page.getByLabel("Search", { exact: true });
/** Waits until the status beside the search field has this text. */
async function untilStatus(page, text) {
  const status = page.locator(".search [role=status]");
  for (const end = Date.now() + 10_000; Date.now() < end && (await status.textContent()) !== text; ) await page.waitForTimeout(50);
  assert.equal(await status.textContent(), text);
}
const numberOf = (photos) => (photos === 1 ? "1 photo" : `${photos} photos`);
/** Waits until the gallery shows this number of photos. */
async function untilShown(page, photos) {
  await page.evaluate(() => scrollTo(0, 0));
  await visibleTiles(page);
  assert.equal(await countBySteps(page), photos);
  await page.evaluate(() => scrollTo(0, 0));
  await visibleTiles(page);
}

/** The search: by keyboard, with filters, without a result, with late, old and missing files, and in all looks. */
async function checkSearch(app) {
  const site = new MadeUpSite(24, 40, { hasTexts: true });
  site.months.get("2026-03")[5].title = "京都の寺";
  site.publish();
  const { server, address } = await startStaticSite({ site, app, picture });
  const url = `${address}/gallery/index.html`;
  const page = await open(url);
  await checkWords(page, app, address);
  const photosWith = (isFound) => [...site.months.values()].flat().filter(isFound);
  const isKyoto = ({ keywords }) => keywords.includes("Places|Japan|Kyoto");
  const kyoto = photosWith(isKyoto).length;
  const requests = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname.replace("/gallery/", "")));
  await page.reload();
  await visibleTiles(page);
  const isOfSearch = (path) => path.startsWith("text/") || path.endsWith("text-search.js");
  assert.deepEqual(requests.filter(isOfSearch), [], "nothing of the search is loaded before a visitor types");

  // All words must be found, each as the beginning of a word. Only their shards are read.
  await searchField(page).focus();
  await page.keyboard.type("KYÔ jap");
  await untilStatus(page, `${numberOf(kyoto)} with “KYÔ jap”.`);
  await untilShown(page, kyoto);
  assert.deepEqual(requests.filter((path) => path.startsWith("text/")).sort(), ["text/j.json", "text/k.json"]);
  await check(page, "search");
  // The lightbox goes through the photos that were found.
  await page.locator("photo-gallery .tile").first().click();
  await page.waitForFunction(() => location.hash !== "");
  await page.waitForTimeout(500);
  await page.keyboard.press("ArrowRight");
  const second = photosWith(isKyoto).sort((a, b) => (a.takenAtLocal < b.takenAtLocal ? 1 : -1))[1];
  await untilOpen(page, second.name);
  await page.keyboard.press("Escape");
  await untilClosed(page);
  await searchField(page).focus();
  await page.keyboard.press("Escape");
  await untilStatus(page, "");
  assert.equal(await searchField(page).inputValue(), "");
  await untilShown(page, 24 * 40);
  await searchField(page).fill("寺");
  await untilStatus(page, "1 photo with “寺”.");
  await untilShown(page, 1);

  await checkSearchWithFilters(page, { kyoto, isKyoto, photosWith });
  await checkSearchFailures(page, { site, isKyoto, photosWith });
  await page.context().close();
  await checkSearchVariants(url);
  close(server);
}

/** The page splits texts into the words that Rust finds: its unit test has the same file of texts. */
async function checkWords(page, app, address) {
  const vectors = JSON.parse(readFileSync(new URL("words.json", import.meta.url), "utf8"));
  const [folder] = readdirSync(join(app, "app"));
  const found = await page.evaluate(
    async ([url, { examples, alphabet, strings }]) => {
      const { splitWords } = await import(url);
      const characters = [...alphabet];
      let seed = 1;
      const next = (limit) => (seed = (seed * 48271) % 2147483647) % limit;
      let lines = "";
      for (let at = 0; at < strings; at++) {
        let text = "";
        for (let left = next(24); left > 0; left--) text += characters[next(characters.length)];
        lines += `${splitWords(text).join(" ")}\n`;
      }
      const words = examples.map(({ text }) => ({ text, words: splitWords(text) }));
      return { words, lines };
    },
    [`${address}/gallery/app/${folder}/text-search.js`, vectors],
  );
  assert.deepEqual(found.words, vectors.examples);
  assert.equal(createHash("sha256").update(found.lines).digest("hex"), vectors.digest);
}

/** A search beside other filters, and without a result. */
async function checkSearchWithFilters(page, { kyoto, isKyoto, photosWith }) {
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByLabel("Year").selectOption("2025");
  await page.getByText("None of them meets the other filters.").waitFor();
  await searchField(page).fill("kyoto");
  await untilStatus(page, `${numberOf(kyoto)} with “kyoto” in the whole gallery.`);
  await page.getByLabel("Camera").selectOption({ index: 1 });
  const camera = await page.getByLabel("Camera").inputValue();
  await page.waitForTimeout(300);
  await untilShown(page, photosWith((photo) => isKyoto(photo) && photo.date.startsWith("2025") && photo.camera.slug === camera).length);
  await check(page, "search-filtered");
  // "Show all photos" also removes the search.
  await page.getByRole("button", { name: "Show all photos" }).click();
  await untilStatus(page, "");
  assert.equal(await searchField(page).inputValue(), "");
  await page.getByRole("button", { name: "Filter" }).click();

  await searchField(page).fill("kyoto xyzzy");
  await page.keyboard.press("Enter");
  await untilStatus(page, "No photos with “kyoto xyzzy”.");
  await page.getByText("There are no photos here.").waitFor();
  await check(page, "search-without-result");
  // The button after the field removes the search, and the field keeps the focus.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await untilStatus(page, "");
  assert.equal(await page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.activeElement.type), "search");
  await visibleTiles(page);
  assert.equal(await page.getByRole("button", { name: "Clear search" }).count(), 0);
  await searchField(page).fill("… !");
  await untilStatus(page, "Type letters or digits.");
  await visibleTiles(page);
  await searchField(page).fill("");
}

/** Files that come late, are older than the months, or cannot be read. */
async function checkSearchFailures(page, { site, isKyoto, photosWith }) {
  const isNight = ({ keywords }) => keywords.includes("night");
  const refresh = () => page.evaluate(() => document.querySelector("photo-gallery").refresh());
  // A late answer does not replace a newer one.
  let answer;
  const late = new Promise((resolve) => (answer = resolve));
  await page.route("**/text/n.json*", async (route) => {
    await late;
    await route.continue();
  });
  const asked = page.waitForRequest("**/text/n.json*");
  await searchField(page).fill("night");
  await asked;
  await searchField(page).fill("kyoto");
  const kyoto = photosWith(isKyoto).length;
  await untilStatus(page, `${numberOf(kyoto)} with “kyoto”.`);
  answer();
  await page.waitForTimeout(500);
  await untilStatus(page, `${numberOf(kyoto)} with “kyoto”.`);
  await untilShown(page, kyoto);
  await page.unroute("**/text/n.json*");

  // The months are newer than the text index, so that its positions are those of other photos.
  for (const [month, photos] of site.months) site.months.set(month, photos.slice(1));
  site.publish({ keepsTexts: true });
  await refresh();
  await page.waitForTimeout(300);
  await untilShown(page, photosWith(isKyoto).length);
  site.publish();
  await refresh();
  await untilStatus(page, `${numberOf(photosWith(isKyoto).length)} with “kyoto”.`);

  // If the text index cannot be read, no other photos look like the result.
  site.publish();
  await page.route("**/text/n.json*", (route) => route.fulfill({ status: 500 }));
  await refresh();
  await searchField(page).fill("night");
  await untilStatus(page, "The search is not available now.");
  await untilShown(page, photosWith(() => true).length);
  page.failures.length = 0;
  await page.unroute("**/text/n.json*");
  await searchField(page).press("Enter");
  await untilStatus(page, `${numberOf(photosWith(isNight).length)} with “night”.`);
  assert.deepEqual(page.failures, []);
}

/** The search in the dark, at 320 px, enlarged and by touch. */
async function checkSearchVariants(url) {
  const variants = {
    dark: { colorScheme: "dark" },
    narrow: { viewport: { width: 320, height: 640 } },
    enlarged: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
    touch: { hasTouch: true, isMobile: true, viewport: { width: 390, height: 780 } },
  };
  for (const [state, options] of Object.entries(variants)) {
    const page = await open(url, options);
    await visibleTiles(page);
    await page.getByRole("button", { name: "Filter" }).click();
    await searchField(page).fill("kyoto averyveryverylongwordthatdoesnotfitintothewidthofthepage");
    await page.getByText("No photos with").waitFor();
    await searchField(page).fill("kyoto japan");
    await page.getByText("photos with “kyoto japan”.").waitFor();
    await visibleTiles(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${state}: ${overflow} px too wide`);
    await check(page, `search-${state}`);
    await page.context().close();
  }
}

/** The attribute `album`: the order of the album, sections, deep links, filters, changes and failures. */
async function checkAlbum(app) {
  const site = new MadeUpSite(6, 40, { hasTexts: true });
  const all = [...site.months.values()].flat();
  const mixed = Array.from({ length: 60 }, (_, at) => all[(at * 101) % all.length]);
  const byTime = [...site.months.get("2026-08").slice(0, 7), ...site.months.get("2026-10").slice(0, 9)];
  site.albums.set("japan-2026", { title: "Japan 2026", order: "listed", photos: mixed });
  site.albums.set("autumn", { title: "Autumn", order: "oldest", photos: byTime });
  site.publish();
  const html = (attributes) => () => ({
    html: `<!doctype html><html lang="en"><meta charset="utf-8"><title>An album</title>
      <script type="module" src="/gallery/photo-gallery.js"></script>
      <body><main><h1>An album</h1><photo-gallery src="/gallery/" ${attributes}></photo-gallery></main>`,
    policy: pagePolicy(),
  });
  const pages = {
    "/mixed.html": html('album="japan-2026" controls sections="day"'),
    "/time.html": html('album="autumn" order="oldest"'),
    "/none.html": html('album="../index"'),
  };
  const { server, address } = await startStaticSite({ site, app, picture, pages });

  // An album by time has its months as sections, in the order of the album.
  const time = await open(`${address}/time.html`, { viewport: { width: 1280, height: 3000 } });
  await untilTiles(time, byTime);
  assert.deepEqual(await time.locator("photo-gallery h2").allTextContents(), ["August 2026", "October 2026"]);
  await time.evaluate(() => document.querySelector("photo-gallery").removeAttribute("order"));
  await untilTiles(time, byTime);
  await time.evaluate(() => document.querySelector("photo-gallery").setAttribute("limit", "10"));
  await untilTiles(time, byTime.slice(0, 10));
  await time.context().close();

  await checkMixedAlbum(`${address}/mixed.html`, site, mixed);

  const none = await open(`${address}/none.html`);
  await none.getByText("There are no photos here.").waitFor();
  // The only request that fails is that of the album.
  for (const end = Date.now() + 10_000; Date.now() < end && none.failures.length < 2; ) await none.waitForTimeout(50);
  assert.ok(none.failures.every((text) => text.includes("404")), none.failures.join());
  none.failures.length = 0;
  await check(none, "album-missing");
  await none.context().close();

  // The page of the gallery offers the albums.
  const page = await open(`${address}/gallery/index.html`, { viewport: { width: 1280, height: 3000 } });
  await visibleTiles(page);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByLabel("Album").selectOption({ label: "Autumn (16)" });
  await untilTiles(page, byTime);
  await check(page, "album-chosen");
  await page.getByRole("button", { name: "Show all photos" }).click();
  await page.getByRole("heading", { name: "November 2026" }).waitFor();
  await page.context().close();
  close(server);
}

/** Waits until the tiles of these photos are in the page, in this order. */
async function untilTiles(page, photos) {
  const wanted = photos.map(({ stem }) => `#${stem}`).join();
  const shown = () =>
    page.evaluate(() => [...(document.querySelector("photo-gallery").shadowRoot?.querySelectorAll(".tile") ?? [])].map((tile) => tile.getAttribute("href")).join());
  for (const end = Date.now() + 10_000; Date.now() < end && (await shown()) !== wanted; ) await page.waitForTimeout(50);
  assert.equal(await shown(), wanted);
}

/** An album in an order of its own: one section. It follows changes, and shows nothing if it cannot be read. */
async function checkMixedAlbum(url, site, mixed) {
  const page = await open(url, { viewport: { width: 1280, height: 4000 } });
  await untilTiles(page, mixed);
  assert.deepEqual(await page.locator("photo-gallery h2").allTextContents(), ["Japan 2026"]);
  await visibleTiles(page);
  await check(page, "album");
  const follow = () => page.waitForFunction(() => document.querySelector("photo-gallery").shadowRoot?.querySelector("dialog[open]"));
  await page.goto("about:blank");
  await page.goto(`${url}#${mixed[30].stem}`);
  await follow();
  await page.waitForTimeout(500);
  await page.keyboard.press("ArrowRight");
  await untilOpen(page, mixed[31].name);
  await page.keyboard.press("Escape");
  await untilClosed(page);
  // The filters and the search leave a part of the album.
  assert.equal(await page.getByLabel("Album").count(), 0);
  await searchField(page).fill("canon");
  const canon = ({ camera }) => camera.name.startsWith("Canon");
  await untilTiles(page, mixed.filter(canon));
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByLabel("Year").selectOption("2026");
  await mapButton(page).click();
  await page.getByText("The numbers also count photos").waitFor();
  assert.ok((await clusters(page).count()) > 0);
  await page.keyboard.press("Escape");
  await untilClosed(page);
  await page.getByRole("button", { name: "Show all photos" }).click();
  await untilTiles(page, mixed);

  const refresh = () => page.evaluate(() => document.querySelector("photo-gallery").refresh());
  const album = site.albums.get("japan-2026");
  album.photos = [mixed[5], ...mixed.slice(7)];
  site.publish();
  await refresh();
  await untilTiles(page, album.photos);
  assert.deepEqual(page.failures, []);
  // One of the photos may be hidden now. So none is shown if the album cannot be read.
  site.publish();
  await page.route("**/album/*", (route) => route.fulfill({ status: 500 }));
  await refresh();
  await page.getByText("The photos cannot be loaded.").waitFor();
  await untilTiles(page, []);
  await page.unroute("**/album/*");
  await page.getByRole("button", { name: "Try again" }).click();
  await untilTiles(page, album.photos);
  site.albums.delete("japan-2026");
  site.publish();
  await refresh();
  await untilTiles(page, []);
  await page.getByText("There are no photos here.").waitFor();
  await page.context().close();
}

/** An empty gallery, and one whose files cannot be read. */
async function checkEmptyAndBroken(app) {
  const site = new MadeUpSite(1, 0);
  const { server, address } = await startStaticSite({ site, app, picture });
  const page = await open(`${address}/gallery/index.html`);
  await page.getByText("There are no photos here.").waitFor();
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
  assert.equal(html.headers["content-security-policy"], pagePolicy(gallery));
  assert.equal(html.headers["x-content-type-options"], "nosniff");

  const page = await open(`${gallery}/`);
  await visibleTiles(page);
  await check(page, "examples");
  const shown = await countBySteps(page);
  assert.equal(shown, listed);
  await checkServedMap(page, gallery);
  await checkServedSearch(page, gallery);
  await checkServedAlbum(page, { data, gallery, until });
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

/** The cells that publish has counted are those by which the page filters. */
async function checkServedMap(page, gallery) {
  const { cells } = await (await fetch(`${gallery}/gallery/map.json`)).json();
  assert.ok(cells.length > 0, "the example photos have positions");
  for (const { cell, photos, lat, lon } of cells) {
    await page.evaluate((cell) => document.querySelector("photo-gallery").choose({ cells: [cell] }, "place"), cell);
    await page.waitForTimeout(500);
    assert.equal(await countBySteps(page), photos, `${cell} at ${lat}, ${lon}`);
  }
  await page.getByRole("button", { name: "Show all places" }).click();
  await page.waitForTimeout(500);
  assert.equal(await countBySteps(page), EXAMPLE_PHOTOS);
  await page.evaluate(() => scrollTo(0, 0));
  await mapButton(page).click();
  await clusters(page).first().waitFor();
  await check(page, "examples-map");
  await page.keyboard.press("Escape");
  await untilClosed(page);
}

/** The search finds the photos that the API finds. */
async function checkServedSearch(page, gallery) {
  for (const words of ["nikon", "fuji x", "f"]) {
    const { items } = await (await fetch(`${gallery}/v1/photos?limit=100&q=${encodeURIComponent(words)}`)).json();
    await searchField(page).fill(words);
    await untilStatus(page, items.length ? `${numberOf(items.length)} with “${words}”.` : `No photos with “${words}”.`);
    if (items.length) await untilShown(page, items.length);
  }
  await searchField(page).fill("");
  await page.waitForTimeout(500);
  await untilShown(page, EXAMPLE_PHOTOS);
}

/** An album that its owner has made: its photos are in the owner's order. */
async function checkServedAlbum(page, { data, gallery, until }) {
  const { items } = await (await fetch(`${gallery}/v1/photos?limit=3`)).json();
  const photos = [items[1], items[2], items[0]];
  execFileSync(process.env.PHOTOS, ["album", "add", "--data", data, "Three", ...photos.map(({ stem }) => stem)], { stdio: "ignore" });
  const facets = async () => (await fetch(`${gallery}/gallery/facets.json`, { cache: "no-store" })).json().catch(() => ({}));
  await until("the album is published", async () => (await facets()).albums?.some(({ slug }) => slug === "three"));
  await until("the index is published", async () => (await (await fetch(`${gallery}/gallery/index.json`)).json()).generation >= (await facets()).generation);
  await page.evaluate(() => document.querySelector("photo-gallery").refresh());
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByLabel("Album").selectOption({ label: "Three (3)" });
  await untilTiles(page, photos);
  assert.deepEqual(await page.locator("photo-gallery h2").allTextContents(), ["Three"]);
  await page.getByLabel("Album").selectOption("");
  await untilShown(page, EXAMPLE_PHOTOS);
  await page.evaluate(() => document.querySelector("photo-gallery").setAttribute("album", "three"));
  await untilTiles(page, photos);
  await check(page, "examples-album");
  await page.evaluate(() => document.querySelector("photo-gallery").removeAttribute("album"));
  await page.getByRole("button", { name: "Filter" }).click();
  await untilShown(page, EXAMPLE_PHOTOS);
}

const app = await writePageFiles();
await checkMadeUpSite(app);
await checkEmbedding(app);
await checkEmptyAndBroken(app);
await checkMap(app);
await checkSearch(app);
await checkAlbum(app);
await checkServe();
await browser.close();
console.log(`the gallery page: ${passed.length} states without a finding of axe; screenshots in ${screenshots}`);
