// Opens and closes photos of a gallery: history, deep links, neighbours, events.

import { monthOf } from "./dates.js";
import { Lightbox } from "./lightbox.js";
import { photoHash } from "./month-section.js";

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {import("./month-section.js").MonthSection} MonthSection
 * @typedef {object} ViewedGallery
 * @property {() => MonthSection[]} months
 * @property {(month: MonthSection) => Promise<void>} load
 * @property {(top: number, height: number) => void} reveal Moves the gallery, so that this part is
 *   visible.
 */

/**
 * The viewer that shows a photo now. A page can have several galleries.
 * @type {PhotoViewer | undefined}
 */
let openViewer;

/** Shows the photos of one gallery in a lightbox. */
export class PhotoViewer {
  #hasPushedState = false;
  #leavesAddress = false;
  #lightbox;

  /** @param {HTMLElement} host @param {ViewedGallery} gallery */
  constructor(host, gallery) {
    this.host = host;
    this.gallery = gallery;
    this.#lightbox = new Lightbox(host.shadowRoot ?? host, {
      neighbour: (photo, step) => this.#neighbour(photo, step),
      current: (photo) => {
        const position = this.#locate(photo);
        return position?.month.photos?.[position.at];
      },
      onShow: (photo) => this.#onShow(photo),
      onClose: (photo) => this.#onClose(photo),
    });
  }

  /**
   * Opens a photo, unless a listener of the event `photo-open` prevents it.
   * @param {Photo} photo
   * @param {boolean} push If it is true, Back closes the photo.
   */
  open(photo, push = true) {
    if (this.#lightbox.isOpen) return;
    const event = new CustomEvent("photo-open", { detail: { photo }, bubbles: true, composed: true, cancelable: true });
    if (!this.host.dispatchEvent(event)) return;
    if (push) history.pushState(null, "", addressOf(photo));
    this.#hasPushedState = push;
    openViewer = this;
    this.#lightbox.open(photo);
  }

  /** Closes the photo, and leaves the address as it is. */
  close() {
    this.#leavesAddress = true;
    this.#lightbox.close();
    this.#leavesAddress = false;
  }

  /** Shows the newest version of the photo. If the photo is not shown any more, closes. */
  refresh() {
    this.#lightbox.refresh();
  }

  /**
   * Opens the photo to which an address leads. Does nothing if the gallery does not show it.
   * @param {string} hash
   */
  async follow(hash) {
    const { stem, month: name } = parseHash(hash);
    if (stem === undefined || this.#lightbox.photo?.stem === stem) return;
    this.close();
    // A section with a title has photos of any month.
    const month = this.gallery.months().find((month) => month.name === name || month.entry.title);
    if (!month) return;
    await this.gallery.load(month);
    if (location.hash !== hash || !this.host.isConnected || openViewer) return;
    const photo = month.photos?.slice(0, month.shown).find((photo) => photo.stem === stem);
    if (photo) this.open(photo, false);
  }

  /** @param {Photo} photo */
  #locate(photo) {
    for (const month of this.gallery.months()) {
      const at = month.photos?.findIndex(({ id }) => id === photo.id) ?? -1;
      if (at >= 0 && at < month.shown) return { month, at };
    }
    return undefined;
  }

  /**
   * Returns the photo before or after a photo. Reads its month if necessary.
   * @param {Photo} photo
   * @param {1 | -1} step
   * @returns {Promise<Photo | undefined>}
   */
  async #neighbour(photo, step) {
    const position = this.#locate(photo);
    if (!position) return undefined;
    let at = position.at + step;
    /** @type {MonthSection | undefined} */
    let month = position.month;
    while (month) {
      await this.gallery.load(month);
      if (month !== position.month) at = step > 0 ? 0 : month.shown - 1;
      if (month.photos && at >= 0 && at < month.shown) return month.photos[at];
      // While a month is read, the months before it can change.
      const months = this.gallery.months();
      month = months[months.indexOf(month) + step];
    }
    return undefined;
  }

  /** @param {Photo} photo */
  #onShow(photo) {
    if (location.hash !== photoHash(photo)) history.replaceState(history.state, "", addressOf(photo));
    const position = this.#locate(photo);
    if (!position) return;
    const { top, height } = position.month.rowOf(position.at);
    this.gallery.reveal(top, height);
  }

  /** @param {Photo} photo */
  #onClose(photo) {
    openViewer = undefined;
    if (!this.#leavesAddress && location.hash === photoHash(photo)) {
      if (this.#hasPushedState) history.back();
      else history.replaceState(history.state, "", location.pathname + location.search);
    }
    this.#hasPushedState = false;
    // The tile may be drawn in the next frame only.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => this.#locate(photo)?.month.tileOf(photo)?.focus({ preventScroll: true })),
    );
    this.host.dispatchEvent(new CustomEvent("photo-close", { detail: { photo }, bubbles: true, composed: true }));
  }
}

/** Returns the address of the page with a photo. @param {Photo} photo */
function addressOf(photo) {
  // A fragment alone would be relative to the element <base>.
  return `${location.pathname}${location.search}${photoHash(photo)}`;
}

/**
 * Returns the stem of the photo to which an address leads, and the photo's month.
 * @param {string} hash
 */
function parseHash(hash) {
  const [path, month] = hash.slice(1).split("?month=");
  try {
    const stem = decodeURIComponent(path);
    return { stem, month: month ?? monthOf(stem.split("/")[0]) };
  } catch {
    return {};
  }
}
