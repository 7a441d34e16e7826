// Measures the gallery page in a real browser over made-up photos: `.ci/browser bench`.
//
// The connection is throttled to 10 Mbit/s and 40 ms. All figures are of one run. The same browser then
// opens a page that shows all photos with PhotoSwipe from one JSON file, as a comparison.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { MadeUpSite, makePictures, startStaticSite, writePageFiles } from "../../tests/browser/static_site.mjs";

const { chromium } = await import(process.env.PLAYWRIGHT);

const MEGABIT = 1_000_000 / 8;
const SCROLL_PX = 20_000;
/** One step of the scrolling, in pixels: a fast turn of a wheel. */
const SCROLL_STEP = 100;

/** Opens a page with a cold cache on a slow connection. Returns the page, and the bytes it has read. */
async function openSlowly(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 40,
    downloadThroughput: 10 * MEGABIT,
    uploadThroughput: 10 * MEGABIT,
  });
  const bytes = { all: 0, scripts: 0 };
  const scripts = new Set();
  session.on("Network.responseReceived", ({ requestId, type }) => type === "Script" && scripts.add(requestId));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    bytes.all += encodedDataLength;
    if (scripts.has(requestId)) bytes.scripts += encodedDataLength;
  });
  await page.goto(url, { waitUntil: "commit" });
  return { context, page, session, bytes };
}

/** Waits until all pictures in the visible part are loaded. Returns the time since the navigation, in ms. */
function waitForPictures(page) {
  return page.evaluate(async () => {
    const images = () => {
      const root = document.querySelector("photo-gallery")?.shadowRoot ?? document;
      return [...root.querySelectorAll("a img")].filter((image) => {
        const box = image.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
      });
    };
    for (;;) {
      const shown = images();
      if (shown.length > 3 && shown.every((image) => image.complete && image.naturalWidth > 0)) return performance.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
}

/** Scrolls, and returns the number of frames that took more than 50 ms. */
function scroll(page) {
  return page.evaluate(
    async ([distance, step]) => {
      let [slow, before] = [0, performance.now()];
      for (let at = 0; at < distance; at += step) {
        scrollBy({ top: step, behavior: "instant" });
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        if (now - before > 50) slow += 1;
        before = now;
      }
      return slow;
    },
    [SCROLL_PX, SCROLL_STEP],
  );
}

/** Returns the memory of the page's JavaScript after a garbage collection, in MB. */
async function memory(session) {
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 1_000_000;
}

const report = (name, value) => console.log(`${name.padEnd(66)}${value}`);
const ms = (time) => `${Math.round(time)} ms`;

/** Measures the gallery page over a site. */
async function measureGallery(browser, address, name) {
  const { context, page, session, bytes } = await openSlowly(browser, `${address}/gallery/index.html`);
  report(`${name}: first screen with all pictures`, `${ms(await waitForPictures(page))}, ${Math.round(bytes.all / 1000)} kB`);
  report(`${name}: scripts before the lightbox`, `${bytes.scripts} bytes with headers`);
  const jumps = [];
  for (const part of [0.5, 0.2, 0.9, 0.7, 0.35]) {
    const start = await page.evaluate((part) => {
      const top = document.documentElement.scrollHeight * part;
      scrollTo({ top, behavior: "instant" });
      return performance.now();
    }, part);
    await page.waitForTimeout(30);
    jumps.push((await waitForPictures(page)) - start);
  }
  report(`${name}: a jump, until all pictures are shown (slowest of 5)`, ms(Math.max(...jumps)));
  await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  await waitForPictures(page);
  const slow = await scroll(page);
  const tiles = await page.evaluate(() => document.querySelector("photo-gallery").shadowRoot.querySelectorAll(".tile").length);
  report(`${name}: frames over 50 ms while scrolling 20,000 px`, slow);
  report(`${name}: tiles in the page`, tiles);
  report(`${name}: memory of JavaScript`, `${(await memory(session)).toFixed(1)} MB`);
  await context.close();
}

/** Prints the scores of Lighthouse for the page, on a telephone as it is simulated by default. */
async function runLighthouse(url) {
  const { default: lighthouse } = await import(process.env.LIGHTHOUSE);
  const port = 9_333;
  const args = ["--no-sandbox", "--disable-gpu", `--remote-debugging-port=${port}`];
  const own = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  const { lhr } = await lighthouse(url, { port, logLevel: "error" });
  for (const { title, score } of Object.values(lhr.categories)) report(`Lighthouse: ${title}`, Math.round(score * 100));
  const failed = Object.values(lhr.audits).filter(({ score, scoreDisplayMode }) => score === 0 && scoreDisplayMode === "binary");
  for (const { id, title } of failed) report(`Lighthouse, not met: ${id}`, title);
  await own.close();
}

/** Measures a page that shows all photos with PhotoSwipe. */
async function measurePhotoSwipe(browser, address) {
  const { context, page, session, bytes } = await openSlowly(browser, `${address}/photoswipe.html`);
  report("PhotoSwipe over one JSON: first screen with all pictures", `${ms(await waitForPictures(page))}, ${Math.round(bytes.all / 1000)} kB`);
  report("PhotoSwipe over one JSON: memory of JavaScript", `${(await memory(session)).toFixed(1)} MB`);
  await context.close();
}

/** A page over one JSON file, with pictures that the browser loads when they come near. */
const PHOTOSWIPE_PAGE = `<!doctype html><meta charset="utf-8"><title>Photos</title>
<link rel="stylesheet" href="/photoswipe.css">
<style>body{margin:0}main{display:grid;grid-template-columns:repeat(5,1fr);gap:4px}
a{aspect-ratio:3/2}img{width:100%;height:100%;object-fit:cover;display:block}</style>
<main id="grid"></main>
<script type="module">
import PhotoSwipeLightbox from "/photoswipe-lightbox.esm.js";
const photos = await (await fetch("/gallery/all.json")).json();
document.getElementById("grid").append(...photos.map((photo) => {
  const [largest] = photo.images;
  const link = Object.assign(document.createElement("a"), { href: largest.url });
  link.dataset.pswpWidth = largest.width;
  link.dataset.pswpHeight = largest.height;
  const image = document.createElement("img");
  image.loading = "lazy";
  image.sizes = "20vw";
  image.srcset = photo.images.map((image) => image.url + " " + image.width + "w").join(", ");
  image.alt = photo.alt ?? "";
  link.append(image);
  return link;
}));
new PhotoSwipeLightbox({ gallery: "#grid", children: "a", pswpModule: () => import("/photoswipe.esm.js") }).init();
</script>`;

const app = await writePageFiles();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
const picture = await makePictures(browser);
const asset = (name, type) => () => ({ html: readFileSync(join(process.env.PHOTOSWIPE, name), "utf8"), type });

const folder = readFileSync(join(app, "photo-gallery.js"), "utf8").match(/app\/\w+/)[0];
for (const name of ["photo-gallery.js", "photo-viewer.js", "filters.js", "photo-filter.js", "map-panel.js", "text-search.js", "album.js"]) {
  report(`${name}, gzipped`, `${gzipSync(readFileSync(join(app, folder, name)), { level: 9 }).length} bytes`);
}
/** Prints the size of a library that this page could use instead. */
const reportLibrary = (library, folder, names) => {
  const sizes = names.map((name) => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length);
  report(`${library} with its style, gzipped`, `${sizes.reduce((sum, bytes) => sum + bytes)} bytes`);
};
reportLibrary("PhotoSwipe", process.env.PHOTOSWIPE, ["photoswipe.esm.min.js", "photoswipe-lightbox.esm.min.js", "photoswipe.css"]);
reportLibrary("Leaflet", process.env.LEAFLET, ["leaflet.js", "leaflet.css"]);
{
  const site = new MadeUpSite(120, 458);
  const newestFirst = [...site.months.values()].flatMap((photos) => [...photos].reverse());
  site.files.set("all.json", JSON.stringify(newestFirst));
  const pages = {
    "/photoswipe.html": () => ({ html: PHOTOSWIPE_PAGE }),
    "/photoswipe.css": asset("photoswipe.css", "text/css"),
    "/photoswipe.esm.js": asset("photoswipe.esm.js", "text/javascript"),
    "/photoswipe-lightbox.esm.js": asset("photoswipe-lightbox.esm.js", "text/javascript"),
  };
  const { server, address } = await startStaticSite({ site, app, picture, pages });
  await measureGallery(browser, address, "55,000 photos in 120 months");
  await measurePhotoSwipe(browser, address);
  await runLighthouse(`${address}/gallery/index.html`);
  server.closeAllConnections();
  server.close();
}
{
  // Each month has the photos of the first, so that the files need little memory here.
  const site = new MadeUpSite(360, 4);
  const photos = new MadeUpSite(1, 2_778).months.get("2026-11");
  for (const month of site.months.keys()) site.months.set(month, photos);
  site.publish();
  const { server, address } = await startStaticSite({ site, app, picture });
  await measureGallery(browser, address, "1,000,000 photos in 360 months");
  server.closeAllConnections();
  server.close();
}
await browser.close();
