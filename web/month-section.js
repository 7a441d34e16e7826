// One month of the gallery: its photos, the positions of their tiles, and the tiles that are shown.

import { UNDATED, formatDay, formatMonth, monthOf } from "./dates.js";
import { tileAspect } from "./gallery-files.js";
import { estimateHeight, findAt, justifyRows } from "./layout.js";
import { drawThumbhash } from "./thumbhash.js";

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {import("./photo-filter.js").Candidate} Candidate
 * @typedef {import("./layout.js").Grid} Grid
 * @typedef {{photo: Photo, at: number, left: number, top: number, width: number, height: number}} Tile
 *   The tile of the photo with the index `at`.
 * @typedef {{top: number, text: string, first: number, element?: HTMLElement}} Heading The heading of
 *   the photos from the index `first`.
 */

/** The height of a heading, in pixels. */
const HEADING = 48;
/** The minimum width of a month, in pixels: that of its heading. */
export const MIN_WIDTH = 150;
/** The distance between two months in one line, in pixels. */
export const MONTH_DISTANCE = 24;

/** A month of the gallery, which is drawn only if it is near the visible part of the page. */
export class MonthSection {
  /** The position in the gallery, in pixels. */
  top = 0;
  left = 0;
  /** The width of the tiles. It is below that of the gallery if the month has a single, short row. */
  width = 0;
  /** The height of the month. It is an estimate until the photos are read. */
  height = 0;
  /** The number of photos to show. */
  shown = 0;
  /** @type {Photo[] | undefined} The photos that meet the filter, if they are read. */
  photos;
  /** @type {Promise<void> | undefined} */
  loading;
  hasFailed = false;
  /** @type {HTMLElement | undefined} */
  element;
  /** @type {(import("./layout.js").Row)[]} */
  #rows = [];
  /** @type {Heading[]} */
  #headings = [];
  /** @type {Map<string, {element: HTMLElement, tile: Tile}>} */
  #tiles = new Map();
  #isArranged = false;
  /** @type {number | undefined} */
  #lastHeight;

  /** @param {Candidate} candidate */
  constructor({ entry, photos }) {
    this.entry = entry;
    this.name = entry.month;
    /** The highest number of photos that can meet the filter. */
    this.candidates = photos;
  }

  /**
   * Takes the month's entry in a new index. Returns `true` if its photos have changed.
   * @param {Candidate} candidate
   */
  update({ entry, photos }) {
    const etags = (/** @type {Candidate["entry"]} */ { files }) => files.map(({ etag }) => etag).join();
    const hasChanged = etags(this.entry) !== etags(entry);
    this.entry = entry;
    this.candidates = photos;
    this.hasFailed = false;
    return hasChanged;
  }

  get #title() {
    return this.entry.title ?? formatMonth(this.name);
  }

  /** Returns the number of photos that meet the filter, or the highest number that can. */
  get count() {
    return this.photos?.length ?? this.candidates;
  }

  /** Forgets the photos to save memory, and keeps the height. */
  unload() {
    this.#lastHeight = this.height;
    this.photos = undefined;
    this.loading = undefined;
    this.remove();
  }

  /** Removes the month from the page. */
  remove() {
    this.element?.remove();
    this.element = undefined;
    this.#tiles.clear();
  }

  /**
   * Arranges the tiles, and computes the height.
   * @param {Grid} grid
   * @param {boolean} byDay If it is true, each day has a heading.
   * @param {boolean} isNewGrid If it is true, the height before is not used.
   */
  arrange(grid, byDay, isNewGrid) {
    this.#isArranged = false;
    this.#rows = [];
    this.#headings = [];
    byDay &&= !this.entry.title;
    if (isNewGrid) this.#lastHeight = undefined;
    if (this.shown === 0) {
      this.height = 0;
    } else if (!this.photos) {
      // An index that an older version wrote has no sums.
      const { photos, aspects = 1.5 * photos } = this.entry;
      const sum = (aspects * this.shown) / photos;
      this.width = sum * grid.rowHeight + grid.gap * (this.shown - 1);
      this.height = this.#lastHeight ?? HEADING + estimateHeight(sum, grid);
      this.#headings.push({ top: 0, text: this.#title, first: 0 });
    } else {
      let [top, first] = [0, 0];
      while (first < this.shown) {
        const date = this.photos[first].date;
        let end = first + 1;
        while (end < this.shown && (!byDay || this.photos[end].date === date)) end++;
        this.#headings.push({ top, text: byDay ? formatDay(date) : this.#title, first });
        const aspects = this.photos.slice(first, end).map(tileAspect);
        const { rows, bottom } = justifyRows(aspects, grid, top + HEADING);
        for (const row of rows) this.#rows.push({ ...row, first: row.first + first, end: row.end + first });
        [top, first] = [bottom, end];
      }
      this.height = top;
      const [row, second] = this.#rows;
      const sum = this.photos.slice(0, this.shown).map(tileAspect).reduce((a, b) => a + b, 0);
      this.width = second ? grid.width : sum * row.height + grid.gap * (this.shown - 1);
    }
  }

  /**
   * Returns the position of a photo's tile in the gallery.
   * @param {number} at
   */
  rowOf(at) {
    const row = this.#rows.find(({ end }) => at < end);
    return row ? { top: this.top + row.top, height: row.height } : { top: this.top, height: this.height };
  }

  /**
   * Draws the visible tiles, and those that are at most `margin` away. Removes all others, but not the
   * tile that has the focus.
   * @param {{top: number, bottom: number}} visible The visible part of the gallery.
   * @param {number} margin
   * @param {Grid} grid
   * @param {{canvas: Element, previous: Element | null, focused: Element | null}} page `previous` is the
   *   element after which the month belongs. So the keyboard and screen readers follow the order of
   *   the photos.
   * @returns {Element} The element of the month.
   */
  draw(visible, margin, grid, { canvas, previous, focused }) {
    const section = (this.element ??= document.createElement("section"));
    if (section.parentNode !== canvas || section.previousElementSibling !== previous) {
      if (previous) previous.after(section);
      else canvas.prepend(section);
    }
    section.style.transform = `translate(${this.left}px, ${this.top}px)`;
    section.style.width = `${Math.max(this.width, MIN_WIDTH)}px`;
    section.style.height = `${this.height}px`;
    section.classList.toggle("waiting", !this.photos);
    if (!this.#isArranged) {
      section.ariaLabel = this.#title;
      section.querySelectorAll("h2").forEach((heading) => heading.remove());
      for (const heading of this.#headings) heading.element = createHeading(heading);
    }
    const [top, bottom] = [visible.top - this.top, visible.bottom - this.top];
    /** @type {Map<string, Tile>} */
    const wanted = new Map();
    for (const tile of this.#tilesBetween(top - margin, bottom + margin, grid)) {
      wanted.set(tileKey(tile.photo), tile);
    }
    for (const [key, { element, tile }] of this.#tiles) {
      if (wanted.has(key)) continue;
      if (element === focused && this.photos?.some((photo) => tileKey(photo) === key)) {
        wanted.set(key, tile);
        continue;
      }
      // This ends the download of the picture.
      const image = element.querySelector("img");
      image?.removeAttribute("src");
      image?.removeAttribute("srcset");
      element.remove();
      this.#tiles.delete(key);
    }
    /** @type {Element | null} */
    let last = null;
    const place = (/** @type {HTMLElement} */ element) => {
      if (element.parentNode !== section || element.previousElementSibling !== last) {
        if (last) last.after(element);
        else section.prepend(element);
      }
      last = element;
    };
    const headings = [...this.#headings];
    for (const [key, tile] of [...wanted].sort(([, a], [, b]) => a.at - b.at)) {
      while (headings.length && headings[0].first <= tile.at) placeHeading(headings.shift(), place);
      let shown = this.#tiles.get(key);
      if (!shown) {
        const isVisible = tile.top + tile.height > top && tile.top < bottom;
        shown = { element: createTile(tile, isVisible), tile };
        this.#tiles.set(key, shown);
        placeTile(shown.element, tile);
      } else if (!this.#isArranged) {
        placeTile(shown.element, tile);
      }
      shown.tile = tile;
      place(shown.element);
    }
    while (headings.length) placeHeading(headings.shift(), place);
    this.#isArranged = true;
    return section;
  }

  /**
   * Returns the photo whose tile is this element.
   * @param {Element} element
   */
  photoOf(element) {
    return [...this.#tiles.values()].find((shown) => shown.element === element)?.tile.photo;
  }

  /**
   * Returns the tile of a photo, if it is drawn.
   * @param {Photo} photo
   */
  tileOf(photo) {
    return this.#tiles.get(tileKey(photo))?.element;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {Grid} grid
   * @returns {Generator<Tile>}
   */
  *#tilesBetween(from, to, { gap }) {
    const photos = this.photos;
    if (!photos || this.#rows.length === 0) return;
    for (let at = findAt(this.#rows, from); at < this.#rows.length; at++) {
      const { top, height, first, end } = this.#rows[at];
      if (top > to) return;
      let left = 0;
      for (let index = first; index < end; index++) {
        const width = height * tileAspect(photos[index]);
        yield { photo: photos[index], at: index, left, top, width, height };
        left += width + gap;
      }
    }
  }
}

/** Returns a text that changes with the photo. @param {Photo} photo */
function tileKey({ id, version }) {
  return `${id} ${version}`;
}

/** @param {Heading} heading */
function createHeading({ top, text }) {
  const element = document.createElement("h2");
  element.part.add("heading");
  element.textContent = text;
  element.style.top = `${top}px`;
  return element;
}

/** @param {Heading | undefined} heading @param {(element: HTMLElement) => void} place */
function placeHeading(heading, place) {
  if (heading?.element) place(heading.element);
}

/** @param {HTMLElement} element @param {Tile} tile */
function placeTile(element, { left, top, width, height }) {
  Object.assign(element.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
  const image = element.querySelector("img");
  if (image) image.sizes = `${Math.ceil(width)}px`;
}

/** @param {Tile} tile @param {boolean} isVisible If it is true, the picture is loaded before others. */
function createTile({ photo }, isVisible) {
  const tile = document.createElement("a");
  tile.className = "tile";
  tile.part.add("tile");
  tile.href = photoHash(photo);
  const text = photo.alt ?? `Photo, ${formatDay(photo.takenAtLocal, true)}`;
  if (photo.images.length === 0) {
    const label = document.createElement("span");
    label.textContent = photo.title ?? photo.name;
    tile.append(label);
    return tile;
  }
  if (photo.color) tile.style.backgroundColor = photo.color;
  const image = document.createElement("img");
  image.part.add("image");
  image.alt = text;
  image.decoding = "async";
  image.fetchPriority = isVisible ? "high" : "low";
  image.srcset = photo.images.map(({ url, width }) => `${url} ${width}w`).join(", ");
  image.src = photo.images[photo.images.length - 1].url;
  tile.append(image);
  const { placeholder } = photo;
  if (placeholder) {
    requestAnimationFrame(() => {
      if (image.complete || !tile.isConnected) return;
      const canvas = document.createElement("canvas");
      try {
        drawThumbhash(canvas, placeholder);
      } catch {
        return; // The colour is enough.
      }
      image.before(canvas);
      image.addEventListener("load", () => canvas.remove(), { once: true });
    });
  }
  return tile;
}

/**
 * Returns the part of the address that leads to a photo: `#2018-02-01/foobar`. If the date of the photo
 * was corrected, it also contains the month: `#2018-02-01/foobar?month=2019-03`.
 * @param {Photo} photo
 */
export function photoHash({ stem, takenAtLocal }) {
  const month = takenAtLocal ? monthOf(takenAtLocal) : UNDATED;
  const query = monthOf(stem.split("/")[0]) === month ? "" : `?month=${month}`;
  return `#${stem.split("/").map(encodeURIComponent).join("/")}${query}`;
}
