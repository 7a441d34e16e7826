// A map that is moved and zoomed by pointer, touch, wheel and keyboard.

import { MAX_ZOOM, createGraticule, createTiles } from "./map-background.js";
import { TILE_SIZE, globeWidth, viewpointBetween } from "./map-cells.js";

/**
 * @typedef {import("./map-cells.js").MapPoint} MapPoint
 * @typedef {import("./map-cells.js").MapViewpoint} MapViewpoint
 */

/** The distance after which a press is a movement, in pixels. */
const DRAG_DISTANCE = 4;
/** The distance that an arrow key moves the map, in pixels. */
const KEY_DISTANCE = 120;
const MOVE_MS = 260;

/** A view of the globe. What it shows beside the background is drawn by `onDraw`. */
export class MapView {
  element = document.createElement("div");
  /** The size of the view, in pixels. */
  size = { width: 0, height: 0 };
  /** @type {MapViewpoint} */
  viewpoint = { x: 0.5, y: 0.5, zoom: 0 };
  /** @type {MapViewpoint} The viewpoint after the running movement. */
  goal = this.viewpoint;
  /** @type {Map<number, MapPoint>} */
  #pointers = new Map();
  #isDragging = false;
  #start = { x: 0, y: 0 };
  #isFrameRequested = false;
  #movement = 0;
  #background;

  /**
   * @param {string} tiles The template of the addresses of tiles. If it is empty, nothing is loaded.
   * @param {() => void} onDraw
   */
  constructor(tiles, onDraw) {
    this.onDraw = onDraw;
    this.#background = tiles ? createTiles(tiles) : createGraticule();
    const element = this.element;
    element.className = "map-view";
    element.tabIndex = 0;
    element.role = "group";
    element.ariaLabel = "Map. The arrow keys move it, plus and minus zoom.";
    this.#background.element.classList.add("map-background");
    element.append(this.#background.element);
    element.addEventListener("pointerdown", (event) => this.#onPointerDown(event));
    element.addEventListener("pointermove", (event) => this.#onPointerMove(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      element.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    }
    // The end of a movement is no click.
    element.addEventListener("click", (event) => event.detail > 0 && this.#isDragging && event.stopPropagation(), true);
    element.addEventListener("dblclick", (event) => this.zoomBy(1, this.#position(event)));
    element.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.#onKey(event));
    // A tile that is loaded can replace those of another zoom.
    for (const name of ["load", "error"]) element.addEventListener(name, () => this.requestDraw(), true);
  }

  /** The lowest zoom: that at which the whole globe is visible. */
  get minZoom() {
    return Math.max(0, Math.log2(Math.min(this.size.width, this.size.height) / TILE_SIZE));
  }

  /** Takes the size of the element, and draws again. */
  resize() {
    this.size = { width: this.element.clientWidth, height: this.element.clientHeight };
    this.moveTo(this.goal, false);
  }

  /**
   * Moves to a viewpoint, or to the nearest one that is possible.
   * @param {MapViewpoint} viewpoint
   */
  moveTo({ x, y, zoom }, isAnimated = true) {
    const between = (/** @type {number} */ value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
    this.goal = { x: between(x), y: between(y), zoom: between(zoom, this.minZoom, MAX_ZOOM) };
    const [from, to, movement] = [this.viewpoint, this.goal, ++this.#movement];
    if (!isAnimated || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.viewpoint = to;
      this.requestDraw();
      return;
    }
    const start = performance.now();
    const step = (/** @type {number} */ now) => {
      if (movement !== this.#movement) return;
      const part = Math.min(1, Math.max(0, (now - start) / MOVE_MS));
      this.viewpoint = part === 1 ? to : viewpointBetween(from, to, 1 - (1 - part) ** 3);
      this.#draw();
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /**
   * Zooms in or out. What is at `point` stays there.
   * @param {number} levels
   * @param {MapPoint} point A position relative to the middle of the view, in pixels.
   */
  zoomBy(levels, point = { x: 0, y: 0 }, isAnimated = true) {
    const { x, y, zoom } = this.goal;
    const next = Math.min(MAX_ZOOM, Math.max(this.minZoom, zoom + levels));
    const change = 1 / globeWidth(zoom) - 1 / globeWidth(next);
    this.moveTo({ x: x + point.x * change, y: y + point.y * change, zoom: next }, isAnimated);
  }

  /**
   * Moves the map.
   * @param {number} right
   * @param {number} down
   */
  panBy(right, down, isAnimated = true) {
    const { x, y, zoom } = this.goal;
    const globe = globeWidth(zoom);
    this.moveTo({ x: x + right / globe, y: y + down / globe, zoom }, isAnimated);
  }

  /**
   * Returns the position of a point in the view, in pixels.
   * @param {MapPoint} point
   */
  positionOf({ x, y }) {
    const globe = globeWidth(this.viewpoint.zoom);
    return {
      left: (x - this.viewpoint.x) * globe + this.size.width / 2,
      top: (y - this.viewpoint.y) * globe + this.size.height / 2,
    };
  }

  requestDraw() {
    if (this.#isFrameRequested) return;
    this.#isFrameRequested = true;
    requestAnimationFrame(() => {
      this.#isFrameRequested = false;
      this.#draw();
    });
  }

  #draw() {
    if (this.size.width === 0) return;
    this.#background.draw(this.viewpoint, this.size, this.goal.zoom);
    this.onDraw();
  }

  /** Returns the position of an event relative to the middle of the view. @param {MouseEvent} event */
  #position(event) {
    const { left, top } = this.element.getBoundingClientRect();
    return { x: event.clientX - left - this.size.width / 2, y: event.clientY - top - this.size.height / 2 };
  }

  /** @param {PointerEvent} event */
  #onPointerDown(event) {
    if (event.button !== 0) return;
    if (this.#pointers.size === 0) {
      this.#isDragging = false;
      this.#start = this.#position(event);
    }
    this.#pointers.set(event.pointerId, this.#position(event));
  }

  /** @param {PointerEvent} event */
  #onPointerMove(event) {
    if (!this.#pointers.has(event.pointerId)) return;
    const now = this.#position(event);
    const distance = Math.hypot(now.x - this.#start.x, now.y - this.#start.y);
    if (!this.#isDragging && this.#pointers.size === 1 && distance < DRAG_DISTANCE) return;
    this.#isDragging = true;
    this.element.setPointerCapture(event.pointerId);
    const before = measurePointers([...this.#pointers.values()]);
    this.#pointers.set(event.pointerId, now);
    const after = measurePointers([...this.#pointers.values()]);
    this.panBy(before.x - after.x, before.y - after.y, false);
    if (before.spread && after.spread) this.zoomBy(Math.log2(after.spread / before.spread), after, false);
  }

  /** @param {WheelEvent} event */
  #onWheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
    // A pinch on a touchpad comes as small steps of a wheel with the Control key.
    this.zoomBy((-pixels / 240) * (event.ctrlKey ? 5 : 1), this.#position(event), false);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "ArrowLeft") this.panBy(-KEY_DISTANCE, 0);
    else if (key === "ArrowRight") this.panBy(KEY_DISTANCE, 0);
    else if (key === "ArrowUp") this.panBy(0, -KEY_DISTANCE);
    else if (key === "ArrowDown") this.panBy(0, KEY_DISTANCE);
    else if (key === "+" || key === "=") this.zoomBy(1);
    else if (key === "-") this.zoomBy(-1);
    else return;
    event.preventDefault();
  }
}

/** Returns the middle of the pointers, and the distance between two of them. @param {MapPoint[]} pointers */
function measurePointers(pointers) {
  const [first, second = first] = pointers;
  const spread = Math.hypot(first.x - second.x, first.y - second.y);
  return { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2, spread };
}
