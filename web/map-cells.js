// Computes what the map shows: positions in the projection of web maps, and clusters. Pure.

/**
 * @typedef {import("./gallery-files.js").MapCell} MapCell
 * @typedef {{x: number, y: number}} MapPoint A position in the projection. The globe is a square from 0
 *   to 1: x from west to east, y from north to south.
 * @typedef {MapPoint & {zoom: number}} MapViewpoint The middle of the view. With zoom 0, the globe is 256
 *   pixels wide. Each further zoom doubles it.
 * @typedef {MapPoint & {cells: MapCell[]}} Cluster The cell with the most photos comes first, and the
 *   cluster is at its position.
 */

/** The width of the globe at zoom 0, in pixels. It is also the width of a tile. */
export const TILE_SIZE = 256;
/** The highest latitude in the projection. */
const MAX_LATITUDE = 85.0511;

/**
 * Returns the position of a place in the projection.
 * @param {{lat: number, lon: number}} place
 * @returns {MapPoint}
 */
export function projectPlace({ lat, lon }) {
  const sine = Math.sin((Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, lat)) * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) };
}

/** Returns the width of the globe in pixels. @param {number} zoom */
export function globeWidth(zoom) {
  return TILE_SIZE * 2 ** zoom;
}

/**
 * Joins cells to clusters that do not overlap.
 * @param {MapCell[]} cells
 * @param {number} zoom
 * @param {number} distance The smallest distance between two clusters, in pixels.
 */
export function joinCells(cells, zoom, distance) {
  const smallest = distance / globeWidth(zoom);
  /** @type {Cluster[]} */
  const clusters = [];
  for (const cell of [...cells].sort((a, b) => b.photos - a.photos)) {
    const point = projectPlace(cell);
    const gap = (/** @type {Cluster} */ { x, y }) => Math.hypot(x - point.x, y - point.y);
    const near = clusters.filter((cluster) => gap(cluster) < smallest).sort((a, b) => gap(a) - gap(b));
    if (near.length) near[0].cells.push(cell);
    else clusters.push({ ...point, cells: [cell] });
  }
  return clusters;
}

/**
 * Reports whether these cells are one cluster.
 * @param {MapCell[]} cells The cell with the most photos comes first.
 * @param {number} zoom
 * @param {number} distance The smallest distance between two clusters, in pixels.
 */
export function isOneCluster(cells, zoom, distance) {
  const [first, ...others] = cells.map(projectPlace);
  return others.every(({ x, y }) => Math.hypot(x - first.x, y - first.y) < distance / globeWidth(zoom));
}

/** Returns the number of photos of these cells. @param {{photos: number}[]} cells */
export function countPhotos(cells) {
  return cells.reduce((sum, { photos }) => sum + photos, 0);
}

/**
 * Returns the viewpoint from which all these places are visible.
 * @param {{lat: number, lon: number}[]} places At least one.
 * @param {{width: number, height: number}} size That of the view, in pixels.
 * @returns {MapViewpoint}
 */
export function fitPlaces(places, { width, height }) {
  const points = places.map(projectPlace);
  const edges = (/** @type {"x" | "y"} */ axis) => {
    const values = points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return { middle: (low + high) / 2, extent: Math.max(high - low, 1e-9) };
  };
  const [x, y] = [edges("x"), edges("y")];
  // The clusters at the edges must be visible too.
  const room = (/** @type {number} */ length) => Math.max(length - 96, length / 2) / TILE_SIZE;
  const zoom = Math.log2(Math.min(room(width) / x.extent, room(height) / y.extent));
  return { x: x.middle, y: y.middle, zoom };
}

/**
 * Returns a viewpoint on the way between two others. A place that is at the same position of the view
 * before and after stays there.
 * @param {MapViewpoint} from
 * @param {MapViewpoint} to
 * @param {number} part The part of the way that is done, from 0 to 1.
 * @returns {MapViewpoint}
 */
export function viewpointBetween(from, to, part) {
  const zoom = from.zoom + (to.zoom - from.zoom) * part;
  const [first, last] = [2 ** from.zoom, 2 ** to.zoom];
  const isSameZoom = Math.abs(to.zoom - from.zoom) < 1e-3;
  const done = isSameZoom ? part : (last * (2 ** zoom - first)) / (2 ** zoom * (last - first));
  return { x: from.x + (to.x - from.x) * done, y: from.y + (to.y - from.y) * done, zoom };
}

/**
 * Formats a position: `45.5° N, 73.6° W`.
 * @param {{lat: number, lon: number}} place
 */
export function formatPlace({ lat, lon }) {
  const format = (/** @type {number} */ degrees, /** @type {string} */ names) =>
    `${Math.abs(degrees).toFixed(1)}° ${names[Number(degrees < 0)]}`;
  return `${format(lat, "NS")}, ${format(lon, "EW")}`;
}
