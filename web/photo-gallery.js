// The web component <photo-gallery>: a grid over all photos of the static gallery files.

import { UNDATED } from "./dates.js";
import { GalleryFiles } from "./gallery-files.js";
import { findAt } from "./layout.js";
import { MIN_WIDTH, MONTH_DISTANCE, MonthSection } from "./month-section.js";
import { Scrubber } from "./scrubber.js";
import { GALLERY_STYLES } from "./styles.js";

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {import("./gallery-files.js").GalleryIndex} GalleryIndex
 * @typedef {import("./photo-filter.js").PhotoFilter} PhotoFilter
 * @typedef {import("./photo-viewer.js").PhotoViewer} PhotoViewer
 */

/** The highest number of months that are not drawn, but whose photos are kept in memory. */
const MAX_LOADED = 24;
/** The time after a fast movement until photos are read, in milliseconds. */
const SETTLE_MS = 60;
/** The fragment of an address that leads to a photo. Other fragments belong to the page. */
const PHOTO_HASH = /^#(\d{4}(-\d\d){0,2}|undated)\/./;

const ATTRIBUTES = ["src", "album", "camera", "lens", "keyword", "rating", "from", "to", "order", "limit", "sections", "refresh", "controls"];

/** The custom element `<photo-gallery>`. docs/gallery-page.md lists its attributes and events. */
export class PhotoGallery extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  /** @type {GalleryFiles | undefined} */
  #files;
  /** @type {GalleryIndex | undefined} */
  #index;
  /** @type {Record<string, any>} The lists that were read for this index, by name. */
  #lists = {};
  /** @type {Record<string, PhotoFilter>} The choices of the visitor, by the control that made them. */
  #choices = {};
  /** @type {(photo: Photo) => boolean} */
  #predicate = () => true;
  /** The filter and the order of the candidates, as a text. */
  #key = "";
  /** @type {MonthSection[]} Those that show at least one photo. */
  #months = [];
  /** @type {MonthSection[]} The first month of each line. */
  #lines = [];
  /** @type {MonthSection[]} */
  #candidates = [];
  #grid = { width: 0, rowHeight: 200, gap: 4 };
  #height = 0;
  #lastTop = 0;
  #isDragging = false;
  #wasFar = false;
  #isFrameRequested = false;
  #settleTimer = 0;
  #refreshTimer = 0;
  /** Increases when everything is read again, so that late answers are ignored. */
  #epoch = 0;
  /** Increases when the months are decided again. */
  #rebuilds = 0;
  /** @type {PhotoViewer | undefined} */
  #viewer;
  #canvas = document.createElement("div");
  #message = document.createElement("div");
  #toolbar = document.createElement("div");
  #empty = document.createElement("slot");
  #scrubber = new Scrubber({
    stops: () => this.#lines,
    height: () => Math.max(1, this.#height),
    moveTo: (top, dragging) => {
      this.#isDragging = dragging;
      this.#scrollTo(top);
    },
  });
  #resized = new ResizeObserver(() => this.#measure());
  /** @type {AbortController | undefined} */
  #connection;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [GALLERY_STYLES];
    const header = document.createElement("slot");
    header.name = "header";
    this.#empty.name = "empty";
    this.#empty.hidden = true;
    this.#empty.append(Object.assign(document.createElement("p"), { className: "message", textContent: "There are no photos here yet." }));
    this.#canvas.className = "canvas";
    this.#message.className = "message";
    this.#message.role = "status";
    this.#toolbar.className = "toolbar";
    this.#toolbar.part.add("toolbar");
    root.append(header, this.#scrubber.element, this.#toolbar, this.#message, this.#empty, this.#canvas);
    this.#canvas.addEventListener("click", (event) => this.#onClick(event));
    this.#canvas.addEventListener("keydown", (event) => this.#onKey(event));
  }

  connectedCallback() {
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    // Scroll events do not bubble. In the capture phase, those of all ancestors are seen.
    addEventListener("scroll", () => this.#requestFrame(), { capture: true, passive: true, signal });
    addEventListener("resize", () => this.#measure(), { signal });
    addEventListener("popstate", () => this.#followAddress(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh(), { signal });
    this.#resized.observe(this);
    this.#restart();
  }

  disconnectedCallback() {
    this.#connection?.abort();
    this.#connection = undefined;
    this.#resized.disconnect();
    clearInterval(this.#refreshTimer);
    this.#viewer?.close();
    this.#epoch++;
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} now
   */
  attributeChangedCallback(name, before, now) {
    // During the upgrade of an element, its attributes come before connectedCallback.
    if (!this.#connection || before === now) return;
    if (name === "src" || name === "refresh") this.#restart();
    else this.#rebuild();
  }

  /** The contents of `index.json`, if it is read. */
  get index() {
    return this.#index;
  }

  /**
   * The conditions in force: those of the attributes, and the choices of the visitor by control.
   * @returns {Record<string, PhotoFilter>}
   */
  get filters() {
    return { attributes: this.#filter(), ...this.#choices };
  }

  /**
   * Sets the conditions that the visitor has chosen in a control, in addition to the attributes and to
   * those of other controls.
   * @param {PhotoFilter} choice
   */
  choose(choice, control = "filters") {
    this.#choices[control] = choice;
    this.#rebuild();
  }

  /**
   * Reads a list beside the index, such as `facets`, if it is not read yet.
   * @param {string} name
   */
  async readList(name) {
    const lists = this.#lists;
    return (lists[name] ??= await this.#files?.readList(name, this.#index?.generation));
  }

  /** Reads the index again, and shows what has changed. Does nothing if it cannot be read. */
  async refresh() {
    const [files, epoch] = [this.#files, this.#epoch];
    if (!files || !this.#index) return;
    const index = await files.readIndex().catch(() => undefined);
    if (!index || epoch !== this.#epoch || index.generation === this.#index?.generation) return;
    this.#index = index;
    this.#lists = {};
    await this.#rebuild();
  }

  /** Reads everything again. */
  async #restart() {
    const epoch = ++this.#epoch;
    const src = this.getAttribute("src");
    clearInterval(this.#refreshTimer);
    this.#files = new GalleryFiles(src ?? ".");
    this.#index = undefined;
    this.#lists = {};
    this.#candidates = this.#months = this.#lines = [];
    this.#key = "";
    this.#canvas.replaceChildren();
    this.#showMessage("");
    try {
      const index = await this.#files.readIndex();
      if (epoch !== this.#epoch) return;
      this.#index = index;
    } catch (error) {
      if (epoch === this.#epoch) this.#showFailure(error);
      return;
    }
    const seconds = Number(this.getAttribute("refresh") ?? 60);
    if (seconds > 0) this.#refreshTimer = setInterval(() => document.hidden || this.refresh(), seconds * 1000);
    await this.#rebuild();
    this.#followAddress();
  }

  /** Returns the conditions of the attributes. @returns {PhotoFilter} */
  #filter() {
    const text = (/** @type {string} */ name) => this.getAttribute(name) || undefined;
    return {
      album: text("album"),
      camera: text("camera"),
      lens: text("lens"),
      keyword: text("keyword"),
      rating: Number(text("rating")) || undefined,
      from: text("from"),
      to: text("to"),
    };
  }

  /** Decides which months are shown, by the index and the filter. Keeps photos that are still right. */
  async #rebuild() {
    const rebuild = ++this.#rebuilds;
    const index = this.#index;
    if (!index) return;
    const filters = Object.values(this.filters);
    let candidates = index.months.map((entry) => ({ entry, photos: entry.photos }));
    /** @type {(photo: Photo) => boolean} */
    let predicate = () => true;
    if (filters.some((filter) => Object.values(filter).some(Boolean))) {
      try {
        const { applyFilters } = await import("./photo-filter.js");
        ({ candidates, predicate } = await applyFilters(this, filters));
      } catch (error) {
        if (rebuild === this.#rebuilds) this.#showFailure(error);
        return;
      }
    }
    if (rebuild !== this.#rebuilds) return;
    if (this.getAttribute("order") === "oldest") {
      const dated = candidates.filter(({ entry }) => entry.month !== UNDATED).reverse();
      candidates.splice(0, dated.length, ...dated);
    }
    const key = JSON.stringify([filters, this.getAttribute("order")]);
    const isSameFilter = key === this.#key;
    this.#key = key;
    if (!isSameFilter) this.#predicate = predicate;
    const known = new Map(this.#candidates.map((month) => [month.name, month]));
    /** @type {MonthSection[]} */
    const changed = [];
    this.#candidates = candidates.map((candidate) => {
      const month = known.get(candidate.entry.month);
      if (!month || !isSameFilter) return new MonthSection(candidate);
      known.delete(month.name);
      if (month.update(candidate)) changed.push(month);
      return month;
    });
    for (const month of known.values()) month.remove();
    if (!isSameFilter) this.#canvas.replaceChildren();
    this.#showMessage("");
    this.#measure(true);
    this.#showControls();
    // A photo that was hidden must go, also from a month that is not visible.
    for (const month of changed) {
      if (month.loading) this.#load(month, true);
    }
    this.#viewer?.refresh();
  }

  async #showControls() {
    if (!this.hasAttribute("controls")) this.#toolbar.replaceChildren();
    else (await import("./filters.js")).showControls(this, this.#toolbar);
  }

  /** Measures the gallery, and arranges the tiles if the width or the photos have changed. */
  #measure(hasChanged = false) {
    const width = this.#canvas.clientWidth;
    const style = getComputedStyle(this);
    const length = (/** @type {string} */ name) => parseFloat(style.getPropertyValue(name)) || undefined;
    const rowHeight = length("--photo-gallery-row-height") ?? (width < 600 ? 120 : 200);
    const gap = length("--photo-gallery-gap") ?? 4;
    const isNewGrid = width !== this.#grid.width || rowHeight !== this.#grid.rowHeight || gap !== this.#grid.gap;
    if (width === 0 || !(isNewGrid || hasChanged)) return this.#requestFrame();
    this.#grid = { width, rowHeight, gap };
    this.#canvas.style.setProperty("--row", `${rowHeight}px`);
    this.#arrange(this.#candidates, isNewGrid);
  }

  /**
   * Arranges these months again. What is at the top of the visible part stays there.
   * @param {MonthSection[]} changed
   */
  #arrange(changed, isNewGrid = false) {
    if (this.#grid.width === 0) return;
    const view = this.#view();
    const isInside = view.top > 0 && view.top < this.#height;
    const anchor = isInside ? this.#months[findAt(this.#months, view.top)] : undefined;
    const offset = anchor ? (view.top - anchor.top) / Math.max(1, anchor.height) : 0;

    let rest = Number(this.getAttribute("limit")) || Infinity;
    const again = new Set(changed);
    for (const month of this.#candidates) {
      const shown = Math.min(month.count, rest);
      if (month.shown !== shown) again.add(month);
      month.shown = shown;
      rest -= shown;
    }
    const byDay = this.getAttribute("sections") === "day";
    for (const month of again) month.arrange(this.#grid, byDay, isNewGrid);
    for (const month of this.#candidates) if (month.shown === 0) month.remove();
    this.#months = this.#candidates.filter((month) => month.shown > 0);
    this.#empty.hidden = this.#months.length > 0;
    this.#height = placeMonths(this.#months, this.#grid.width);
    this.#lines = this.#months.filter(({ left }) => left === 0);
    this.#canvas.style.height = `${this.#height}px`;
    if (anchor && this.#months.includes(anchor)) {
      const delta = anchor.top + offset * anchor.height - view.top;
      if (Math.abs(delta) >= 1) view.scroller.scrollBy({ top: delta, behavior: "instant" });
    }
    const isLong = this.#height > 2 * view.height && this.#months.length > 1;
    this.#scrubber.arrange(isLong ? Math.min(view.height, this.#height) - 16 : 0);
    this.#requestFrame();
  }

  /** Returns the visible part of the gallery, and the element that scrolls it. */
  #view() {
    const scroller = findScroller(this);
    const canvas = this.#canvas.getBoundingClientRect();
    if (scroller === document.scrollingElement) return { scroller, top: -canvas.top, height: innerHeight };
    // Only a part of the scroller may be in the window.
    const box = scroller.getBoundingClientRect();
    const top = Math.max(0, box.top);
    return { scroller, top: top - canvas.top, height: Math.max(1, Math.min(box.bottom, innerHeight) - top) };
  }

  /** @param {number} top */
  #scrollTo(top) {
    const view = this.#view();
    view.scroller.scrollBy({ top: top - view.top, behavior: "instant" });
  }

  #requestFrame() {
    if (this.#isFrameRequested) return;
    this.#isFrameRequested = true;
    requestAnimationFrame(() => {
      this.#isFrameRequested = false;
      if (this.isConnected) this.#draw();
    });
  }

  #draw() {
    const { top, height } = this.#view();
    // A single jump is no fast movement.
    const isFar = Math.abs(top - this.#lastTop) > 2 * height;
    const isFast = this.#isDragging || (isFar && this.#wasFar);
    this.#wasFar = isFar;
    this.#lastTop = top;
    this.#scrubber.update(Math.min(Math.max(0, top), this.#height));
    const focused = this.shadowRoot?.activeElement ?? null;
    const [bottom, margin] = [top + height, height / 2];
    /** @type {MonthSection[]} */
    const missing = [];
    /** @type {Element | null} */
    let previous = null;
    for (const month of this.#months) {
      if (month.top + month.height < top - margin || month.top > bottom + margin) {
        if (month.element?.contains(focused)) previous = month.element;
        else month.remove();
        continue;
      }
      previous = month.draw({ top, bottom }, margin, this.#grid, { canvas: this.#canvas, previous, focused });
      if (!month.photos && !month.hasFailed) missing.push(month);
    }
    clearTimeout(this.#settleTimer);
    if (isFast) {
      // A month that is visible for a moment only is not read.
      this.#settleTimer = setTimeout(() => {
        this.#isDragging = false;
        this.#requestFrame();
      }, SETTLE_MS);
    } else {
      for (const month of missing) this.#load(month);
    }
  }

  /**
   * Reads the photos of a month, and shows them.
   * @param {MonthSection} month
   * @param {boolean} again If it is true, the photos are read although they were read before.
   */
  async #load(month, again = false) {
    if (month.loading && !again) return month.loading;
    const [files, epoch, predicate] = [this.#files, this.#epoch, this.#predicate];
    if (!files) return;
    const isLate = () => epoch !== this.#epoch || predicate !== this.#predicate || month.loading !== loading;
    const read = async () => {
      try {
        const photos = (await files.readMonth(month.entry)).filter(predicate);
        if (isLate()) return;
        if (this.getAttribute("order") !== "oldest") photos.reverse();
        month.photos = photos;
        this.#arrange([month]);
        this.#unloadDistant(month);
        if (again) this.#viewer?.refresh();
      } catch (error) {
        if (isLate()) return;
        // One of its photos may be hidden now, so none is shown.
        if (month.photos) month.unload();
        month.hasFailed = true;
        month.loading = undefined;
        this.#showFailure(error);
        this.#viewer?.refresh();
      }
    };
    /** @type {Promise<void>} */
    const loading = Promise.resolve().then(read);
    month.loading = loading;
    await loading;
  }

  /** Forgets the photos of months that are not drawn, the most distant first. @param {MonthSection} read */
  #unloadDistant(read) {
    const loaded = this.#candidates.filter((month) => month.photos && !month.element && month !== read);
    const distance = (/** @type {MonthSection} */ { top, height }) =>
      Math.max(top - this.#lastTop, this.#lastTop - top - height);
    loaded.sort((a, b) => distance(a) - distance(b));
    for (const month of loaded.slice(MAX_LOADED)) month.unload();
  }

  /** @param {string} text */
  #showMessage(text) {
    this.#message.textContent = text;
  }

  /** @param {unknown} error */
  #showFailure(error) {
    console.error("photo-gallery:", error);
    this.#showMessage("The photos cannot be loaded. ");
    const retry = document.createElement("button");
    retry.type = "button";
    retry.textContent = "Try again";
    retry.addEventListener("click", () => {
      this.#showMessage("");
      for (const month of this.#candidates) month.hasFailed = false;
      if (this.#index) this.#rebuild();
      else this.#restart();
    });
    this.#message.append(retry);
  }

  /** @param {MouseEvent} event */
  async #onClick(event) {
    const tile = event.target instanceof Element ? event.target.closest(".tile") : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!tile || !isPlain) return;
    event.preventDefault();
    const photo = this.#months.map((month) => month.photoOf(tile)).find(Boolean);
    if (photo) (await this.#loadViewer()).open(photo);
  }

  /** @param {KeyboardEvent} event */
  async #onKey(event) {
    const tile = this.shadowRoot?.activeElement;
    if (!event.key.startsWith("Arrow") || !tile?.matches(".tile")) return;
    event.preventDefault();
    const { moveFocus } = await import("./tile-focus.js");
    moveFocus(this.#canvas, tile, event.key);
  }

  async #loadViewer() {
    const { PhotoViewer } = await import("./photo-viewer.js");
    return (this.#viewer ??= new PhotoViewer(this, {
      months: () => this.#months,
      load: (/** @type {MonthSection} */ month) => this.#load(month),
      reveal: (/** @type {number} */ top, /** @type {number} */ height) => {
        const view = this.#view();
        const isVisible = top >= view.top && top + height <= view.top + view.height;
        if (!isVisible) this.#scrollTo(top - (view.height - height) / 2);
      },
    }));
  }

  /** Opens the photo to which the address leads, or closes the photo. */
  async #followAddress() {
    if (PHOTO_HASH.test(location.hash)) (await this.#loadViewer()).follow(location.hash);
    else this.#viewer?.close();
  }
}

/**
 * Places the months below one another. Small months share a line. Returns the height of all.
 * @param {MonthSection[]} months
 * @param {number} width
 */
function placeMonths(months, width) {
  let [top, left, height] = [0, 0, 0];
  for (const month of months) {
    const own = Math.max(MIN_WIDTH, month.width);
    if (left > 0 && left + own > width) {
      top += height;
      [left, height] = [0, 0];
    }
    month.top = top;
    month.left = left;
    left += own + MONTH_DISTANCE;
    height = Math.max(height, month.height);
  }
  return top + height;
}

/**
 * Returns the nearest ancestor that scrolls, also outside the shadow root.
 * @param {Element} element
 * @returns {Element}
 */
function findScroller(element) {
  /** @type {Node | null} */
  let node = element.assignedSlot ?? element.parentNode;
  while (node) {
    if (node instanceof ShadowRoot) node = node.host;
    if (node instanceof Element && node !== document.body && node !== document.documentElement) {
      const isHigher = node.scrollHeight > node.clientHeight + 1;
      if (isHigher && /auto|scroll/.test(getComputedStyle(node).overflowY)) return node;
      node = node.assignedSlot ?? node.parentNode;
    } else {
      node = node.parentNode;
    }
  }
  return document.scrollingElement ?? document.documentElement;
}

if (!customElements.get("photo-gallery")) customElements.define("photo-gallery", PhotoGallery);
