// What is behind the clusters of the map: the tiles of the owner's server, or the lines of a globe.

import { globeWidth, projectPlace } from "./map-cells.js";

/**
 * @typedef {import("./map-cells.js").MapViewpoint} MapViewpoint
 * @typedef {{element: HTMLElement, draw: (viewpoint: MapViewpoint, size: {width: number, height: number},
 *   tileZoom: number) => void}} MapBackground `tileZoom` is the zoom whose tiles are loaded.
 */

/** The highest zoom of the map and of its tiles. */
export const MAX_ZOOM = 16;
/** The distances between two lines of the globe, in degrees. */
const LINE_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
/** The smallest distance between two lines, in pixels. */
const LINE_DISTANCE = 90;

/**
 * Returns a background of tiles.
 * @param {string} template The address of a tile, with `{z}`, `{x}` and `{y}`.
 * @returns {MapBackground}
 */
export function createTiles(template) {
  const element = document.createElement("div");
  element.ariaHidden = "true";
  /** @type {Map<string, {image: HTMLImageElement, z: number, x: number, y: number}>} */
  const tiles = new Map();
  const addTile = (/** @type {number} */ z, /** @type {number} */ x, /** @type {number} */ y) => {
    const key = `${z}/${x}/${y}`;
    const known = tiles.get(key);
    if (known) return known;
    const image = document.createElement("img");
    image.alt = "";
    image.draggable = false;
    // Servers of tiles want to know which site uses them. They learn the site, and no more.
    image.referrerPolicy = "strict-origin";
    const values = { z, x, y };
    image.src = template.replace(/\{([zxy])\}/g, (_, name) => String(values[/** @type {"z"} */ (name)]));
    element.append(image);
    const tile = { image, z, x, y };
    tiles.set(key, tile);
    return tile;
  };
  return {
    element,
    draw(viewpoint, size, tileZoom) {
      const globe = globeWidth(viewpoint.zoom);
      const left = viewpoint.x * globe - size.width / 2;
      const top = viewpoint.y * globe - size.height / 2;
      const z = Math.min(MAX_ZOOM, Math.max(0, Math.round(tileZoom)));
      const count = 2 ** z;
      const range = (/** @type {number} */ start, /** @type {number} */ length) => {
        const first = Math.max(0, Math.floor((start / globe) * count));
        const last = Math.min(count - 1, Math.floor(((start + length) / globe) * count));
        return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
      };
      const rows = range(top, size.height);
      const wanted = new Set(range(left, size.width).flatMap((x) => rows.map((y) => addTile(z, x, y))));
      const areLoaded = [...wanted].every(({ image }) => image.complete);
      for (const [key, tile] of tiles) {
        // The tiles of another zoom are shown until those of this one are loaded.
        if (!wanted.has(tile) && (tile.z === z || areLoaded)) {
          tile.image.removeAttribute("src");
          tile.image.remove();
          tiles.delete(key);
          continue;
        }
        tile.image.style.zIndex = String(Number(tile.z === z));
        placeTileImage(tile, globe / 2 ** tile.z, { left, top });
      }
    },
  };
}

/**
 * @param {{image: HTMLImageElement, x: number, y: number}} tile
 * @param {number} width That of the tile, in pixels.
 * @param {{left: number, top: number}} origin The position of the view on the globe, in pixels.
 */
function placeTileImage({ image, x, y }, width, { left, top }) {
  // Rounded edges leave no gap between two tiles.
  const edge = (/** @type {number} */ at, /** @type {number} */ start) => Math.round(at * width - start);
  Object.assign(image.style, {
    left: `${edge(x, left)}px`,
    top: `${edge(y, top)}px`,
    width: `${edge(x + 1, left) - edge(x, left)}px`,
    height: `${edge(y + 1, top) - edge(y, top)}px`,
  });
}

/**
 * Returns a background of lines of equal latitude and longitude. It loads nothing.
 * @returns {MapBackground}
 */
export function createGraticule() {
  const element = document.createElement("canvas");
  element.ariaHidden = "true";
  return {
    element,
    draw(viewpoint, { width, height }) {
      const context = element.getContext("2d");
      if (!context) return;
      element.width = width * devicePixelRatio;
      element.height = height * devicePixelRatio;
      context.scale(devicePixelRatio, devicePixelRatio);
      context.strokeStyle = context.fillStyle = getComputedStyle(element).color;
      context.font = "11px system-ui, sans-serif";
      context.lineWidth = 0.5;
      const globe = globeWidth(viewpoint.zoom);
      const step = LINE_STEPS.find((degrees) => (degrees / 360) * globe >= LINE_DISTANCE) ?? 30;
      const digits = step < 1 ? 2 : 0;
      const line = (/** @type {[number, number]} */ from, /** @type {[number, number]} */ to, /** @type {string} */ text) => {
        context.beginPath();
        context.moveTo(...from);
        context.lineTo(...to);
        context.stroke();
        context.fillText(text, from[0] + 4, from[1] + 12);
      };
      for (let at = -Math.floor(180 / step); at * step <= 180; at++) {
        const degrees = at * step;
        const place = projectPlace({ lat: degrees, lon: degrees });
        const x = (place.x - viewpoint.x) * globe + width / 2;
        const y = (place.y - viewpoint.y) * globe + height / 2;
        const text = `${Math.abs(degrees).toFixed(digits)}°`;
        if (x >= 0 && x <= width) line([x, 0], [x, height], `${text} ${degrees < 0 ? "W" : "E"}`);
        if (y >= 0 && y <= height && Math.abs(degrees) < 85) line([0, y], [width, y], `${text} ${degrees < 0 ? "S" : "N"}`);
      }
    },
  };
}
