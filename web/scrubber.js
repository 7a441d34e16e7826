// The scrubber: a track at the right edge that shows the years, and moves to any month.

import { UNDATED, formatMonth } from "./dates.js";

/** The smallest distance between the labels of two years, in pixels. */
const LABEL_DISTANCE = 20;

/**
 * @typedef {{name: string, top: number}} Stop A month, and its position in the gallery.
 * @typedef {object} ScrubberTarget
 * @property {() => Stop[]} stops
 * @property {() => number} height The height of the gallery.
 * @property {(top: number, dragging: boolean) => void} moveTo Moves the gallery to this position.
 */

/** Shows the position in the gallery, and changes it by pointer and by keyboard. */
export class Scrubber {
  #track = document.createElement("div");
  #thumb = document.createElement("div");
  #bubble = document.createElement("div");
  #years = document.createElement("div");
  #position = 0;
  #length = 0;
  #hide = 0;

  /** @param {ScrubberTarget} target */
  constructor(target) {
    this.target = target;
    this.element = document.createElement("div");
    this.element.className = "scrubber";
    const track = this.#track;
    track.className = "track";
    track.part.add("scrubber");
    track.tabIndex = 0;
    track.role = "slider";
    track.ariaLabel = "Time";
    track.ariaOrientation = "vertical";
    this.#thumb.className = "thumb";
    this.#bubble.className = "bubble";
    this.#bubble.part.add("bubble");
    this.#years.ariaHidden = "true";
    track.append(this.#years, this.#thumb, this.#bubble);
    this.element.append(track);
    track.addEventListener("keydown", (event) => this.#onKey(event));
    track.addEventListener("pointerdown", (event) => {
      track.setPointerCapture(event.pointerId);
      track.classList.add("active");
      this.#drag(event, true);
    });
    track.addEventListener("pointermove", (event) => {
      if (track.hasPointerCapture(event.pointerId)) this.#drag(event, true);
      else this.#showBubble(this.#fraction(event));
    });
    const end = (/** @type {PointerEvent} */ event) => {
      if (!track.classList.contains("active")) return;
      track.classList.remove("active");
      this.#drag(event, false);
    };
    track.addEventListener("pointerup", end);
    track.addEventListener("pointercancel", end);
  }

  /**
   * Arranges the labels of the years.
   * @param {number} length The length of the track, in pixels. If it is 0, the scrubber is hidden.
   */
  arrange(length) {
    this.#length = length;
    this.element.hidden = length === 0;
    this.#track.style.height = `${length}px`;
    const [stops, height] = [this.target.stops(), this.target.height()];
    const labels = [];
    let [year, bottom] = ["", -LABEL_DISTANCE];
    for (const { name, top } of stops) {
      const y = (top / height) * length;
      if (name === UNDATED || name.slice(0, 4) === year || y - bottom < LABEL_DISTANCE) continue;
      [year, bottom] = [name.slice(0, 4), y];
      const label = document.createElement("div");
      label.className = "year";
      label.part.add("year");
      label.textContent = year;
      label.style.top = `${Math.min(y, length - 16)}px`;
      labels.push(label);
    }
    this.#years.replaceChildren(...labels);
    this.#track.ariaValueMax = String(Math.max(0, stops.length - 1));
  }

  /**
   * Shows the position of the gallery.
   * @param {number} top
   */
  update(top) {
    this.#position = top;
    const fraction = top / this.target.height();
    this.#thumb.style.top = `${fraction * this.#length}px`;
    const at = this.#stopAt(top);
    this.#track.ariaValueNow = String(at);
    this.#track.ariaValueText = formatMonth(this.target.stops()[at]?.name ?? UNDATED);
    if (this.#track.matches(":focus-visible, .active")) this.#showBubble(fraction);
    this.#track.classList.add("moving");
    clearTimeout(this.#hide);
    this.#hide = setTimeout(() => this.#track.classList.remove("moving"), 1_500);
  }

  /** @param {number} top */
  #stopAt(top) {
    const stops = this.target.stops();
    const next = stops.findIndex((stop) => stop.top > top + 1);
    return (next < 0 ? stops.length : next) - 1;
  }

  /** @param {PointerEvent} event */
  #fraction(event) {
    const { top } = this.#track.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientY - top) / this.#length));
  }

  /** @param {PointerEvent} event @param {boolean} dragging */
  #drag(event, dragging) {
    const fraction = this.#fraction(event);
    this.#showBubble(fraction);
    this.target.moveTo(fraction * this.target.height(), dragging);
  }

  /** @param {number} fraction */
  #showBubble(fraction) {
    const stop = this.target.stops()[this.#stopAt(fraction * this.target.height())];
    this.#bubble.textContent = stop ? formatMonth(stop.name, true) : "";
    this.#bubble.style.top = `${fraction * this.#length}px`;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const stops = this.target.stops();
    const at = this.#stopAt(this.#position);
    const year = (/** @type {number} */ index) => stops[index]?.name.slice(0, 4);
    let next = at;
    const { key } = event;
    if (/Arrow(Down|Right)/.test(key)) next += 1;
    else if (/Arrow/.test(key)) next -= 1;
    else if (key === "Home") next = 0;
    else if (key === "End") next = stops.length - 1;
    else if (/^Page/.test(key)) while (stops[next] && year(next) === year(at)) next += key === "PageDown" ? 1 : -1;
    else return;
    event.preventDefault();
    if (stops[next]) this.target.moveTo(stops[next].top, false);
  }
}
