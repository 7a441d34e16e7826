// A web server over static gallery files, for the tests and the measurements of the gallery page. The
// photos are made up, and the same in each run. The files of the page are those that `photos serve`
// wrote.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
};
/** The policy of the page: as `photos serve` and the CDN send it, with these other origins of pictures. */
export const pagePolicy = (...origins) =>
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  `img-src ${["'self'", "data:", "blob:", ...origins].join(" ")}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;
const CAMERAS = ["Nikon Z 6", "Canon EOS R6", "Fujifilm X-T5", "Apple iPhone 15"];
const KEYWORDS = ["sea", "mountain", "street", "night", "Places|Japan|Kyoto"];
/** Where the made-up photos were taken: two places near each other, two distant ones, and nowhere. */
const PLACES = [
  { cell: "f25d", lat: 45.5, lon: -73.6 },
  { cell: "f2h5", lat: 45.6, lon: -73.1 },
  { cell: "xn0x", lat: 35.0, lon: 135.75 },
  { cell: "r3gx", lat: -33.87, lon: 151.2 },
  undefined,
];
/** The place of a photo by its seed: no two places have equally many photos. */
const PLACE_OF_SEED = [0, 0, 0, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4];
const SHAPES = [[3, 2], [3, 2], [3, 2], [2, 3], [4, 3], [16, 9], [1, 1]];
export const EDGES = [2048, 1280, 640, 320];

/** The words of web/words.js. Older versions of Node.js do not import it, because its name does not end in `.mjs`. */
const wordsModule = readFileSync(new URL("../../web/words.js", import.meta.url), "utf8");
export const { splitWords } = await import(`data:text/javascript,${encodeURIComponent(wordsModule)}`);
/** The maximum number of photos in a file of an album. */
const ALBUM_FILE_PHOTOS = 25;

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** Returns the made-up photo with a number in a month. `version` changes its pictures. */
export function makePhoto(month, number, version = "1") {
  const day = String(1 + (number % 28)).padStart(2, "0");
  const seed = (number * 7919 + Number(month.replace("-", "")) * 104729) >>> 0;
  const [across, down] = SHAPES[seed % SHAPES.length];
  const long = 6000;
  const [width, height] = across > down ? [long, Math.round((long * down) / across)] : [Math.round((long * across) / down), long];
  const stem = `${month}-${day}/IMG_${String(number).padStart(5, "0")}`;
  const place = PLACES[PLACE_OF_SEED[seed % PLACE_OF_SEED.length]];
  const camera = CAMERAS[seed % CAMERAS.length];
  const scale = (edge, size) => Math.max(1, Math.round((edge * size) / long));
  return {
    id: `${month}-${number}`.padEnd(26, "x"),
    stem,
    name: stem.split("/")[1],
    kind: "photo",
    version,
    date: `${month}-${day}`,
    takenAtLocal: `${month}-${day}T12:${String(number % 60).padStart(2, "0")}:00`,
    offset: "+01:00",
    datePrecision: "second",
    width,
    height,
    camera: { slug: slug(camera), name: camera, make: null, model: null },
    lens: null,
    exposure: { time: "1/250", seconds: 0.004, fNumber: 8, iso: 100, focalLength: 34, focalLength35: 34, bias: null, flash: false },
    location: place ? { lat: place.lat, lon: place.lon } : null,
    place: null,
    title: seed % 5 ? null : `Photo ${number}`,
    headline: null,
    caption: null,
    altText: null,
    extendedDescription: null,
    keywords: seed % 3 ? [] : [KEYWORDS[seed % KEYWORDS.length]],
    people: [],
    event: null,
    label: null,
    rating: seed % 6,
    artist: null,
    credit: null,
    copyright: "The photo-catalogue authors, MIT OR Apache-2.0",
    licenseUrl: null,
    usageTerms: null,
    filmSimulation: null,
    driveMode: null,
    images: EDGES.map((edge) => ({
      url: `/gallery/r/${seed.toString(36)}-${version}/${edge}-${scale(edge, width)}x${scale(edge, height)}.jpg`,
      width: scale(edge, width),
      height: scale(edge, height),
      mime: "image/jpeg",
      bytes: 1000,
      kind: "rendition",
    })),
    placeholder: seed % 2 ? "L9cJHYSJdndwiHeHhxiHe4mAhAhH" : "1kcKHYZ4h3d6h4eAeHd3eIeHgHgH",
    color: ["#b3c0d0", "#744b5b", "#4d6b50"][seed % 3],
    alt: seed % 5 ? null : `Photo ${number}`,
  };
}

/** Adds 1 to the count of a photo in a facet. */
function count(facets, key, fields, month) {
  const facet = (facets[key] ??= { ...fields, photos: 0, months: {} });
  facet.photos += 1;
  facet.months[month] = (facet.months[month] ?? 0) + 1;
}

/**
 * Made-up static files: `months` months of `perMonth` photos, up to November 2026. With `hasTexts`, they
 * have a text index.
 */
export class MadeUpSite {
  constructor(months, perMonth, { hasTexts = false } = {}) {
    this.hasTexts = hasTexts;
    /** The albums by slug: each has a `title`, an `order` and `photos`. */
    this.albums = new Map();
    this.generation = 1;
    this.months = new Map();
    for (let at = 0; at < months; at++) {
      const time = new Date(Date.UTC(2026, 10 - at, 1));
      const month = time.toISOString().slice(0, 7);
      const photos = Array.from({ length: perMonth }, (_, number) => makePhoto(month, number));
      this.months.set(month, photos.sort((a, b) => (a.takenAtLocal < b.takenAtLocal ? -1 : 1)));
    }
    this.files = new Map();
    this.publish();
  }

  /** Writes the text index: the positions of the photos of each word. Returns the names of its shards. */
  #writeTexts() {
    const shards = new Map();
    for (const [month, photos] of this.months) {
      photos.forEach((photo, position) => {
        const { title, headline, caption, altText, keywords, camera } = photo;
        const texts = [title, headline, caption, altText, ...keywords, camera.name].filter(Boolean);
        for (const word of new Set(texts.flatMap(splitWords))) {
          const name = /^[a-z0-9]/.test(word) ? word[0] : `u${(word.codePointAt(0) >> 8).toString(16)}`;
          if (!shards.has(name)) shards.set(name, {});
          const months = (shards.get(name)[word] ??= {});
          (months[month] ??= []).push(position);
        }
      });
    }
    for (const [name, words] of shards) {
      for (const months of Object.values(words)) {
        for (const month of Object.keys(months)) {
          months[month] = months[month].map((position, at, all) => (at ? position - all[at - 1] : position));
        }
      }
      this.files.set(`text/${name}.json`, JSON.stringify({ generation: this.generation, words }));
    }
    return [...shards.keys()].sort();
  }

  /** Writes the files of the albums. Returns their entries in `facets.json`. */
  #writeAlbums() {
    for (const name of this.files.keys()) if (name.startsWith("album/")) this.files.delete(name);
    return [...this.albums].map(([slug, { title, order, photos }]) => {
      const fileName = (at) => (at ? `${slug}.${at}.json` : `${slug}.json`);
      for (let at = 0; at === 0 || at * ALBUM_FILE_PHOTOS < photos.length; at++) {
        const items = photos.slice(at * ALBUM_FILE_PHOTOS, (at + 1) * ALBUM_FILE_PHOTOS);
        const next = (at + 1) * ALBUM_FILE_PHOTOS < photos.length ? fileName(at + 1) : null;
        const first = at === 0 ? { name: title, description: null, order, photos: photos.length } : {};
        this.files.set(`album/${fileName(at)}`, JSON.stringify({ kind: "album", slug, ...first, items, next }));
      }
      return { slug, title, description: null, photos: photos.length, from: null, to: null, list: `album/${slug}.json` };
    });
  }

  /** Writes the files again after a change of `months`. With `keepsTexts`, the text index is not written again. */
  publish({ keepsTexts = false } = {}) {
    this.generation += 1;
    const facets = { cameras: {}, keywords: {}, ratings: {}, cells: {} };
    const months = [];
    for (const [month, photos] of this.months) {
      const json = JSON.stringify({ month, items: photos });
      this.files.set(`${month}.json`, json);
      let aspects = 0;
      for (const photo of photos) {
        aspects += photo.width / photo.height;
        count(facets.cameras, photo.camera.slug, { slug: photo.camera.slug, name: photo.camera.name }, month);
        for (const keyword of photo.keywords) count(facets.keywords, keyword, { slug: slug(keyword), name: keyword }, month);
        count(facets.ratings, photo.rating, { rating: photo.rating }, month);
        const place = PLACES.find((place) => place?.lat === photo.location?.lat);
        if (place) count(facets.cells, place.cell, place, month);
      }
      const etag = `${this.generation}-${month}-${photos.map(({ version }) => version).join("").length}-${json.length}`;
      const files = [{ path: `${month}.json`, photos: photos.length, etag: this.#etagOf(month, json, etag), bytes: json.length }];
      if (photos.length) months.push({ month, photos: photos.length, aspects, files });
    }
    const sorted = (facet) => Object.values(facet).sort((a, b) => b.photos - a.photos);
    const lists = { cameras: sorted(facets.cameras), lenses: [], keywords: sorted(facets.keywords) };
    const photos = months.reduce((sum, month) => sum + month.photos, 0);
    const cells = Object.values(facets.cells).sort((a, b) => (a.cell < b.cell ? -1 : 1));
    const positions = cells.reduce((sum, { photos }) => sum + photos, 0);
    const index = { generation: this.generation, generated: "2026-11-30T12:00:00Z", photos, positions, months };
    this.files.set("map.json", JSON.stringify({ generation: this.generation, cells }));
    const short = (list) => list.map(({ slug, name, photos }) => ({ slug, name, photos }));
    this.files.set("index.json", JSON.stringify({ ...index, cameras: short(lists.cameras), lenses: [] }));
    const ratings = sorted(facets.ratings).sort((a, b) => b.rating - a.rating).filter(({ rating }) => rating > 0);
    if (this.hasTexts && !keepsTexts) this.shards = this.#writeTexts();
    const others = { text: this.shards, albums: this.#writeAlbums() };
    this.files.set("facets.json", JSON.stringify({ generation: this.generation, ...lists, ratings, ...others }));
  }

  /** A month keeps its ETag until its file changes. */
  #etagOf(month, json, next) {
    this.etags ??= new Map();
    const known = this.etags.get(month);
    if (known?.json === json) return known.etag;
    this.etags.set(month, { json, etag: next });
    return next;
  }
}

const compressed = new Map();

/** Returns the body compressed by gzip. Keeps it, so that a large file is compressed once. */
function compress(path, body) {
  const known = compressed.get(path);
  if (known?.body === body) return known.bytes;
  const bytes = gzipSync(body);
  compressed.set(path, { body, bytes });
  return bytes;
}

/**
 * Starts a server over made-up files below `/gallery/`. `picture` returns the bytes of a picture for
 * its file name. `pages` are other pages, by path: each a function of the address that returns
 * `{ html, policy }`. `pictureOrigins` are the other origins from which the page may load pictures.
 * Returns the server and its address.
 */
export async function startStaticSite({ site, app, picture, pages = {}, pictureOrigins = [] }) {
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://host");
    const name = url.pathname.replace(/^\/gallery\//, "");
    const headers = { "access-control-allow-origin": "*", "cache-control": "public, max-age=60" };
    let body;
    if (pages[url.pathname]) {
      const { html, policy, type } = pages[url.pathname](address);
      if (policy) headers["content-security-policy"] = policy;
      headers["content-type"] = type ?? TYPES[".html"];
      body = html;
    } else if (name.startsWith("r/")) {
      headers["content-type"] = "image/jpeg";
      headers["cache-control"] = "public, max-age=31536000, immutable";
      body = picture(name.split("/").at(-1));
    } else if (site.files.has(name)) {
      headers["content-type"] = TYPES[".json"];
      body = site.files.get(name);
      if (name === "index.json") headers["cache-control"] = "no-cache";
    } else if (extname(name) !== ".json" && TYPES[extname(name)] && existsSync(join(app, name))) {
      headers["content-type"] = TYPES[extname(name)];
      if (name.endsWith(".html")) headers["content-security-policy"] = pagePolicy(...pictureOrigins);
      body = readFileSync(join(app, name));
    }
    if (body === undefined) {
      response.writeHead(404, headers);
      return response.end();
    }
    if (headers["content-type"] !== "image/jpeg") {
      headers["content-encoding"] = "gzip";
      body = compress(url.pathname, body);
    }
    headers["content-length"] = body.length;
    response.writeHead(200, headers);
    response.end(body);
  });
  let address;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${server.address().port}`;
  return { server, address };
}

/**
 * Returns a folder with the files of the page, as `photos serve` writes them for an empty catalogue.
 * `flags` are other flags of `photos serve`.
 */
export async function writePageFiles(flags = []) {
  const scratch = mkdtempSync(join(tmpdir(), "photos-page-"));
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const data = join(scratch, "data");
  const serve = spawn(process.env.PHOTOS, ["serve", "--data", data, "--port", "0", "--s3-port", "0", ...flags], { stdio: "ignore" });
  const folder = join(data, "site/gallery");
  for (const end = Date.now() + 120_000; ; ) {
    if (existsSync(join(folder, "index.html")) && readdirSync(join(folder, "app")).length > 0) break;
    if (Date.now() > end || serve.exitCode !== null) throw new Error("photos serve wrote no page");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  serve.kill("SIGINT");
  await new Promise((resolve) => serve.once("exit", resolve));
  return folder;
}

/** Makes pictures in a browser: for each size that a made-up photo can have, one JPEG. */
export async function makePictures(browser) {
  const page = await browser.newPage();
  const sizes = new Set();
  for (let number = 0; number < 200; number++) {
    for (const { url } of makePhoto("2026-11", number).images) sizes.add(url.split("/").at(-1));
  }
  const encoded = await page.evaluate(async (sizes) => {
    const pictures = {};
    for (const name of sizes) {
      const [width, height] = name.match(/(\d+)x(\d+)/).slice(1).map(Number);
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      const sky = context.createLinearGradient(0, 0, width, height);
      sky.addColorStop(0, "#203050");
      sky.addColorStop(1, "#e0a060");
      context.fillStyle = sky;
      context.fillRect(0, 0, width, height);
      // Many small shapes make the file about as large as that of a photo.
      for (let at = 0, seed = 1; at < (width * height) / 900; at++) {
        seed = (seed * 48271) % 2147483647;
        context.fillStyle = `hsl(${seed % 360} 40% ${20 + (seed % 60)}% / .5)`;
        context.fillRect(seed % width, (seed >> 8) % height, 4 + (seed % 40), 3 + (seed % 30));
      }
      pictures[name] = canvas.toDataURL("image/jpeg", 0.75).split(",")[1];
    }
    return pictures;
  }, [...sizes]);
  await page.close();
  const pictures = new Map(Object.entries(encoded).map(([name, base64]) => [name, Buffer.from(base64, "base64")]));
  return (name) => pictures.get(name);
}
