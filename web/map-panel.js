// The map of a gallery: a dialog with clusters of photos. A cluster shows its photos in the gallery.

import { countPhotos, fitPlaces, formatPlace, isOneCluster, joinCells } from "./map-cells.js";
import { MAX_ZOOM } from "./map-background.js";
import { MapView } from "./map-view.js";
import { styleSheet } from "./style-sheet.js";

/**
 * @typedef {import("./gallery-files.js").MapCell} MapCell
 * @typedef {import("./map-cells.js").Cluster} Cluster
 * @typedef {import("./photo-filter.js").PhotoFilter} PhotoFilter
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 */

/** The smallest distance between two clusters, in pixels. */
const CLUSTER_DISTANCE = 56;
/** The zoom from which a single place is seen with its surroundings. */
const PLACE_ZOOM = 8;
/** The name of the control whose choice is the place. */
const PLACE_CONTROL = "place";

const STYLES = styleSheet(`
.map { width: min(1200px, 100vw - 32px); height: calc(100dvh - 32px); max-width: none; max-height: none; margin: auto; padding: 0; border: 0; border-radius: 12px; overflow: hidden; background: var(--surface); color: var(--text); box-shadow: 0 0 0 1px var(--muted); overscroll-behavior: contain; }
.map[open] { display: flex; flex-direction: column; }
.map::backdrop { background: #0008; }
.map-bar { display: flex; gap: 8px; padding: 8px; align-items: center; }
.map-bar button { min-width: 44px; min-height: 44px; border: 1px solid var(--muted); border-radius: 22px; background: none; color: inherit; padding: 0 14px; line-height: 1.2; flex: none; cursor: pointer; }
.map-bar > button:first-child { margin-inline-end: auto; flex: 0 1 auto; }
.map-bar button:disabled { opacity: .6; cursor: default; }
.map-status { margin: 0; padding: 0 12px 8px; color: var(--muted); font-size: 13px; }
.map-status:empty { display: none; }
.map-view { position: relative; flex: 1; min-height: 0; overflow: hidden; touch-action: none; user-select: none; cursor: grab; background: light-dark(#e8edf2, #1c2126); color: light-dark(#4a5560, #9aa7b3); }
.map-view:active { cursor: grabbing; }
.map-view:focus-visible { outline-offset: -3px; }
.map-background { position: absolute; inset: 0; z-index: 0; isolation: isolate; }
canvas.map-background { width: 100%; height: 100%; }
.map-background img { position: absolute; max-width: none; -webkit-user-drag: none; }
.map-cluster { position: absolute; left: 0; top: 0; z-index: 1; box-sizing: border-box; min-width: 40px; height: 40px; padding: 0 8px; border: 2px solid var(--surface); border-radius: 20px; background: var(--accent); color: var(--surface); font-weight: 600; cursor: pointer; }
.map-cluster:focus-visible { z-index: 2; box-shadow: 0 0 0 3px var(--surface); outline-offset: 3px; }
.map-attribution { margin: 0; padding: 4px 12px; font-size: 12px; color: var(--muted); }
.map-attribution:empty { display: none; }
.map-attribution a { color: var(--accent); }
@media (max-width: 600px) { .map { width: 100vw; height: 100dvh; border-radius: 0; } }
@media print { .map { display: none; } }
`);

/** The map in a dialog. It follows the gallery while it is open. */
export class MapPanel {
  #dialog = document.createElement("dialog");
  #status = document.createElement("p");
  #showButton = createMapButton("", () => this.#choose(this.#visibleCells()));
  #zoomIn = createMapButton("+", () => this.#view?.zoomBy(1), "Zoom in");
  #zoomOut = createMapButton("−", () => this.#view?.zoomBy(-1), "Zoom out");
  #attribution = document.createElement("p");
  /** @type {MapView | undefined} */
  #view;
  /** @type {MapCell[]} The cells that are shown, with the photos that the filters leave. */
  #cells = [];
  /** @type {{zoom: number, clusters: Cluster[]}} */
  #clustered = { zoom: -1, clusters: [] };
  /** @type {Map<string, {button: HTMLButtonElement, cluster: Cluster}>} By the name of the first cell. */
  #buttons = new Map();
  #resized = new ResizeObserver(() => this.#onResize());
  #loads = 0;

  /** @param {PhotoGallery} gallery */
  constructor(gallery) {
    this.gallery = gallery;
    const dialog = this.#dialog;
    dialog.className = "map";
    dialog.part.add("map");
    dialog.ariaLabel = "Map of the photos";
    this.#status.className = "map-status";
    this.#status.role = "status";
    this.#attribution.className = "map-attribution";
    const bar = document.createElement("div");
    bar.className = "map-bar";
    bar.append(this.#showButton, this.#zoomOut, this.#zoomIn, createMapButton("✕", () => dialog.close(), "Close the map"));
    dialog.append(bar, this.#status, this.#attribution);
    dialog.addEventListener("close", () => this.#onClose());
  }

  /** Shows the map. Everything with a position that the filters leave is visible. */
  async open() {
    const root = this.gallery.shadowRoot;
    if (!root || this.#dialog.open) return;
    if (!root.adoptedStyleSheets.includes(STYLES)) root.adoptedStyleSheets.push(STYLES);
    const [tiles, attribution] = ["map-tiles", "map-attribution"].map((name) => this.gallery.getAttribute(name) ?? "");
    const view = new MapView(tiles, () => this.#drawClusters());
    this.#view = view;
    this.#attribution.replaceChildren(...parseAttribution(tiles && attribution));
    this.#attribution.before(view.element);
    root.append(this.#dialog);
    this.#dialog.showModal();
    view.element.focus();
    await this.#load();
    if (this.#view !== view) return;
    view.resize();
    if (this.#cells.length) view.moveTo(this.#fit(this.#cells), false);
    this.#resized.observe(view.element);
  }

  /** Reads the map again if it is open, because the photos or the filters have changed. */
  async refresh() {
    if (this.#dialog.open) await this.#load();
  }

  #onClose() {
    this.#resized.disconnect();
    this.#view?.element.remove();
    this.#view = undefined;
    this.#loads++;
    this.#buttons.clear();
    this.#dialog.remove();
  }

  #onResize() {
    // A dialog leaves the page together with its gallery.
    if (this.#dialog.isConnected) this.#view?.resize();
    else this.#dialog.close();
  }

  /** Reads the cells, and leaves out the photos of months that the filters exclude. */
  async #load() {
    const load = ++this.#loads;
    // Another place can be chosen instead of this one.
    const { [PLACE_CONTROL]: _, ...others } = this.gallery.filters;
    const filters = Object.values(others);
    try {
      const { applyFilters, needsFacets } = await import("./photo-filter.js");
      const [{ cells }, { candidates }] = await Promise.all([
        this.gallery.readList("map"),
        applyFilters(this.gallery, filters),
      ]);
      if (load !== this.#loads) return;
      const months = new Set(candidates.flatMap(({ entry }) => entry.months ?? entry.month));
      this.#cells = restrictCells(cells, months);
      const isExact = !filters.some((filter) => filter.album || filter.words || needsFacets(filter) || hasDay(filter));
      if (this.#cells.length === 0) this.#status.textContent = "None of these photos has a position.";
      else this.#status.textContent = isExact ? "" : "The numbers also count photos of the same months that do not meet the filters.";
    } catch (error) {
      if (load !== this.#loads) return;
      console.error("photo-gallery:", error);
      // One of the photos may be hidden now, so none is shown.
      this.#cells = [];
      this.#status.textContent = "The map cannot be loaded.";
    }
    this.#clustered = { zoom: -1, clusters: [] };
    this.#view?.requestDraw();
  }

  /** @param {MapCell[]} cells */
  #fit(cells) {
    const viewpoint = fitPlaces(cells, this.#view?.size ?? { width: 1, height: 1 });
    return { ...viewpoint, zoom: Math.min(viewpoint.zoom, isOnePlace(cells) ? PLACE_ZOOM : MAX_ZOOM) };
  }

  /** Draws the clusters that are visible. */
  #drawClusters() {
    const view = this.#view;
    if (!view) return;
    const zoom = Math.round(view.viewpoint.zoom);
    if (zoom !== this.#clustered.zoom) {
      this.#clustered = { zoom, clusters: joinCells(this.#cells, zoom, CLUSTER_DISTANCE) };
    }
    const { width, height } = view.size;
    /** @type {Set<string>} */
    const shown = new Set();
    for (const cluster of this.#clustered.clusters) {
      const { left, top } = view.positionOf(cluster);
      if (left < -40 || top < -40 || left > width + 40 || top > height + 40) continue;
      const name = cluster.cells[0].cell;
      shown.add(name);
      const button = this.#buttonOf(name, cluster);
      button.style.transform = `translate(${left}px, ${top}px) translate(-50%, -50%)`;
    }
    for (const [name, { button }] of this.#buttons) {
      if (shown.has(name)) continue;
      if (button.matches(":focus")) view.element.focus({ preventScroll: true });
      button.remove();
      this.#buttons.delete(name);
    }
    this.#updateBar(view);
  }

  /** @param {MapView} view */
  #updateBar(view) {
    const photos = countPhotos(this.#visibleCells());
    this.#showButton.textContent = `Show ${formatCount(photos)} here`;
    const disable = (/** @type {HTMLButtonElement} */ button, /** @type {boolean} */ isDisabled) => {
      // A disabled button loses the focus, and with it the keys of the map.
      if (isDisabled && button.matches(":focus")) view.element.focus({ preventScroll: true });
      button.disabled = isDisabled;
    };
    disable(this.#showButton, photos === 0);
    disable(this.#zoomIn, view.goal.zoom >= MAX_ZOOM);
    disable(this.#zoomOut, view.goal.zoom <= view.minZoom);
  }

  /** Returns the cells whose photos are in view. */
  #visibleCells() {
    const view = this.#view;
    if (!view) return [];
    const { width, height } = view.size;
    const isVisible = (/** @type {Cluster} */ cluster) => {
      const { left, top } = view.positionOf(cluster);
      return left >= 0 && top >= 0 && left <= width && top <= height;
    };
    return this.#clustered.clusters.filter(isVisible).flatMap(({ cells }) => cells);
  }

  /** @param {string} name @param {Cluster} cluster */
  #buttonOf(name, cluster) {
    const known = this.#buttons.get(name);
    if (known?.cluster === cluster) return known.button;
    const button = known?.button ?? document.createElement("button");
    const photos = countPhotos(cluster.cells);
    button.type = "button";
    button.className = "map-cluster";
    button.part.add("cluster");
    button.textContent = photos.toLocaleString(LANGUAGE_OF_NUMBERS);
    button.ariaLabel = `${formatCount(photos)} at ${formatPlace(cluster.cells[0])}. ${isOnePlace(cluster.cells) ? "Show them" : "Zoom in"}`;
    button.onclick = () => this.#onCluster(cluster);
    if (!known) this.#view?.element.append(button);
    this.#buttons.set(name, { button, cluster });
    return button;
  }

  /** Zooms in on a cluster, or shows its photos if it is a single place. @param {Cluster} cluster */
  #onCluster(cluster) {
    const view = this.#view;
    if (!view) return;
    if (isOnePlace(cluster.cells)) return this.#choose(cluster.cells);
    const viewpoint = this.#fit(cluster.cells);
    view.moveTo({ ...viewpoint, zoom: Math.max(viewpoint.zoom, view.goal.zoom + 1) });
  }

  /** Shows the photos of these cells in the gallery. @param {MapCell[]} cells */
  #choose(cells) {
    if (cells.length === 0) return;
    this.#dialog.close();
    this.gallery.choose({ cells: cells.map(({ cell }) => cell).sort() }, PLACE_CONTROL);
  }
}

const LANGUAGE_OF_NUMBERS = document.documentElement.lang || undefined;

/** @param {number} photos */
function formatCount(photos) {
  return `${photos.toLocaleString(LANGUAGE_OF_NUMBERS)} ${photos === 1 ? "photo" : "photos"}`;
}

/** Reports whether these cells are one cluster at each zoom. @param {MapCell[]} cells */
function isOnePlace(cells) {
  return isOneCluster(cells, MAX_ZOOM, CLUSTER_DISTANCE);
}

/** Reports whether a filter has a day, while the map counts by month. @param {PhotoFilter} filter */
function hasDay({ from = "", to = "" }) {
  return from.length > 7 || to.length > 7;
}

/**
 * Returns the cells with their photos of these months.
 * @param {MapCell[]} cells
 * @param {Set<string>} months
 * @returns {MapCell[]}
 */
function restrictCells(cells, months) {
  return cells.flatMap((cell) => {
    const counts = Object.entries(cell.months).filter(([month]) => months.has(month));
    const photos = counts.reduce((sum, [, count]) => sum + count, 0);
    return photos > 0 ? [{ ...cell, photos }] : [];
  });
}

/**
 * Returns the nodes of an attribution. `[text](https://example.org)` becomes a link; everything else is
 * text.
 * @param {string} attribution
 */
function parseAttribution(attribution) {
  return attribution.split(/(\[[^\]]*\]\(https:[^()\s]+\))/).map((part) => {
    const match = part.match(/^\[(.*)\]\((.*)\)$/);
    if (!match) return part;
    const link = document.createElement("a");
    link.textContent = match[1];
    link.href = match[2];
    link.target = "_blank";
    link.rel = "noopener";
    return link;
  });
}

/** @param {string} text @param {() => void} action @param {string} [label] */
function createMapButton(text, action, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  if (label) button.ariaLabel = label;
  button.addEventListener("click", action);
  return button;
}
