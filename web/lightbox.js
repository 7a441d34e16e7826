// Shows one photo in the whole window, and moves to its neighbours.

import { formatCaptureTime } from "./capture-time.js";
import { formatDay } from "./dates.js";
import { photoHash } from "./month-section.js";
import { styleSheet } from "./style-sheet.js";

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {object} LightboxSource
 * @property {(photo: Photo, step: 1 | -1) => Promise<Photo | undefined>} neighbour
 * @property {(photo: Photo) => Photo | undefined} current The newest version of a photo, or nothing if
 *   it is not shown any more.
 * @property {(photo: Photo) => void} onShow
 * @property {(photo: Photo) => void} onClose
 */

/** The distance after which a swipe moves to the next photo, as a part of the width. */
const SWIPE = 0.18;
/** The distance of a swipe down that closes the photo, in pixels. */
const CLOSE_DISTANCE = 110;
/** The zoom of a double click, if the picture has enough pixels. */
const DOUBLE_ZOOM = 2.5;
const MAX_ZOOM = 8;

const STYLES = styleSheet(`
.lightbox {
  position: fixed; inset: 0; width: 100vw; height: 100vh; height: 100dvh; max-width: none; max-height: none;
  margin: 0; padding: 0; border: 0; overflow: hidden; background: #000; color: #fff; touch-action: none;
  overscroll-behavior: contain; user-select: none;
}
.lightbox::backdrop { background: #000; }
.stage { position: absolute; inset: 0; }
.lightbox.with-details .stage { right: min(360px, 100vw); }
.slide { position: absolute; inset: 0; display: grid; place-items: center; }
.slide img { display: block; object-fit: contain; background-size: 100% 100%; -webkit-user-drag: none; }
.moving .slide { transition: transform .22s ease-out; }
.bar { position: absolute; top: 0; right: 0; left: 0; display: flex; gap: 4px; padding: 8px; justify-content: flex-end; background: linear-gradient(#000a, #0000); z-index: 2; }
.bar > :first-child { margin-inline-end: auto; }
.lightbox button, .bar a {
  width: 44px; height: 44px; border: 0; border-radius: 22px; background: #0009; color: #fff; padding: 0;
  display: grid; place-items: center; cursor: pointer; box-sizing: border-box;
}
.lightbox svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.lightbox :focus-visible { outline: 3px solid #8ab4f8; outline-offset: -3px; }
.step { position: absolute; top: calc(50% - 22px); z-index: 2; }
.previous { left: 8px; } .next { right: 8px; }
.lightbox.with-details .next { right: calc(min(360px, 100vw) + 8px); }
[hidden] { display: none !important; }
aside {
  position: absolute; top: 0; right: 0; bottom: 0; width: min(360px, 100vw); box-sizing: border-box; overflow: auto; padding: 64px 20px 20px;
  background: #1b1b1f; touch-action: pan-y; user-select: text; z-index: 1;
}
aside h3 { margin: 0 0 4px; font-size: 18px; overflow-wrap: anywhere; }
aside p { margin: 0 0 12px; white-space: pre-line; overflow-wrap: anywhere; }
dl { margin: 0; display: grid; grid-template-columns: auto 1fr; gap: 8px 16px; }
dt { color: #b4b4bd; } dd { margin: 0; overflow-wrap: anywhere; }
aside a { color: #8ab4f8; }
.status { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (prefers-reduced-motion: reduce) { .moving .slide { transition: none; } }
@media (max-width: 600px) { .lightbox.with-details .stage { right: 0; bottom: 55vh; } aside { top: 45vh; width: 100vw; padding-top: 16px; } .lightbox.with-details .next { right: 8px; } .lightbox.with-details .step { top: 20vh; } }
@media print { .lightbox { display: none; } }
`);

/** A dialog that shows one photo. It handles pointers, touch, the wheel and the keyboard. */
export class Lightbox {
  /** @type {Photo | undefined} The photo that is shown. */
  photo;
  #dialog = document.createElement("dialog");
  #stage = document.createElement("div");
  #details = document.createElement("aside");
  #status = document.createElement("div");
  #link = document.createElement("a");
  /** @type {Map<-1 | 0 | 1, {photo: Photo, element: HTMLElement}>} The shown photo and its neighbours. */
  #slides = new Map();
  /** @type {Map<number, {x: number, y: number}>} */
  #pointers = new Map();
  /** @type {{x: number, y: number, distance: number, zoom: number, panX: number, panY: number, axis: "" | "x" | "y" | "pinch", time: number} | undefined} */
  #gesture;
  #zoom = 1;
  #pan = { x: 0, y: 0 };
  #drag = { x: 0, y: 0 };
  #lastTap = 0;
  #previousButton;
  #nextButton;

  /** @param {ShadowRoot | Element} root @param {LightboxSource} source */
  constructor(root, source) {
    this.source = source;
    if (root instanceof ShadowRoot) root.adoptedStyleSheets.push(STYLES);
    const dialog = this.#dialog;
    dialog.className = "lightbox";
    dialog.part.add("lightbox");
    dialog.ariaLabel = "Photo";
    dialog.tabIndex = -1;
    this.#stage.className = "stage";
    this.#details.part.add("details");
    this.#details.hidden = true;
    this.#details.tabIndex = 0;
    this.#details.ariaLabel = "Details";
    this.#status.className = "status";
    this.#status.role = "status";
    this.#link.append(createIcon("link"));
    this.#link.ariaLabel = "Link to this photo";
    this.#link.title = "Link to this photo";
    // The address of the page is already that of the photo.
    this.#link.addEventListener("click", (event) => {
      event.preventDefault();
      navigator.clipboard?.writeText(this.#link.href).then(() => this.#announce("The link is copied."), () => {});
    });
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.append(
      createButton("close", "Close (Escape)", () => this.close()),
      this.#link,
      createButton("fullscreen", "Full screen (f)", () => this.#toggleFullscreen()),
      createButton("details", "Details (i)", () => this.#toggleDetails()),
    );
    this.#previousButton = createButton("previous", "Previous photo (left arrow)", () => this.#step(-1));
    this.#previousButton.classList.add("step", "previous");
    this.#nextButton = createButton("next", "Next photo (right arrow)", () => this.#step(1));
    this.#nextButton.classList.add("step", "next");
    dialog.append(bar, this.#stage, this.#previousButton, this.#nextButton, this.#details, this.#status);
    root.append(dialog);
    dialog.addEventListener("close", () => this.#onClose());
    dialog.addEventListener("keydown", (event) => this.#onKey(event));
    this.#stage.addEventListener("pointerdown", (event) => this.#onPointerDown(event));
    this.#stage.addEventListener("pointermove", (event) => this.#onPointerMove(event));
    this.#stage.addEventListener("pointerup", (event) => this.#onPointerUp(event));
    this.#stage.addEventListener("pointercancel", (event) => this.#onPointerUp(event));
    this.#stage.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    new ResizeObserver(() => this.#resize()).observe(this.#stage);
  }

  /** Whether a photo is shown. */
  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {Photo} photo */
  open(photo) {
    this.#dialog.showModal();
    document.documentElement.style.overflow = "hidden";
    this.#show(photo);
    this.#dialog.focus();
  }

  close() {
    if (!this.#dialog.open) return;
    this.#dialog.close();
    // The event comes later, and then does nothing.
    this.#onClose();
  }

  /** Shows the newest version of the photo. If the photo is not shown any more, closes. */
  refresh() {
    if (!this.isOpen || !this.photo) return;
    const now = this.source.current(this.photo);
    if (!now) {
      this.close();
    } else if (JSON.stringify(now) !== JSON.stringify(this.photo)) {
      // The version does not change if only the privacy settings do.
      this.#show(now);
    } else {
      this.photo = now;
      const slide = this.#slides.get(0);
      if (slide) slide.photo = now;
      this.#prepareNeighbours(now);
    }
  }

  #onClose() {
    if (this.#dialog.open || !this.photo) return;
    document.documentElement.style.overflow = "";
    if (document.fullscreenElement) document.exitFullscreen();
    const last = this.photo;
    this.photo = undefined;
    this.#slides.clear();
    // The photo may be hidden now, so nothing of it stays in the page.
    this.#stage.replaceChildren();
    this.#details.replaceChildren();
    this.#link.removeAttribute("href");
    this.#announce("");
    this.source.onClose(last);
  }

  /** @param {Photo} photo */
  #show(photo) {
    this.photo = photo;
    this.#resetZoom();
    const kept = [...this.#slides.values()].find((slide) => slide.photo === photo);
    this.#slides.clear();
    this.#slides.set(0, kept ?? { photo, element: createSlide(photo) });
    this.#place();
    this.#link.href = photoHash(photo);
    this.#details.replaceChildren(...describePhoto(photo));
    this.#announce(photo.alt ?? formatCaptureTime(photo));
    this.source.onShow(photo);
    this.#prepareNeighbours(photo);
  }

  /** Loads the photos before and after a photo. @param {Photo} photo */
  async #prepareNeighbours(photo) {
    /** @type {(1 | -1)[]} */
    const steps = [1, -1];
    await Promise.all(
      steps.map(async (step) => {
        const neighbour = await this.source.neighbour(photo, step);
        if (this.photo !== photo) return;
        const button = step > 0 ? this.#nextButton : this.#previousButton;
        if (!neighbour) this.#keepFocus(button);
        button.hidden = !neighbour;
        if (!neighbour) this.#slides.delete(step);
        else if (this.#slides.get(step)?.photo !== neighbour) {
          this.#slides.set(step, { photo: neighbour, element: createSlide(neighbour) });
        }
      }),
    );
    if (this.photo === photo) this.#place();
  }

  /** Moves the focus to the dialog if it is in an element that will be hidden. @param {Element} element */
  #keepFocus(element) {
    const root = this.#dialog.getRootNode();
    const focused = root instanceof ShadowRoot ? root.activeElement : document.activeElement;
    if (element.contains(focused)) this.#dialog.focus();
  }

  /** @param {1 | -1} step */
  async #step(step) {
    const photo = this.photo;
    if (!photo) return;
    const slide = this.#slides.get(step) ?? { photo: await this.source.neighbour(photo, step) };
    if (this.photo !== photo || !slide.photo) return this.#settle();
    const target = slide.photo;
    if (this.#slides.has(step)) {
      this.#drag.x = -step * this.#stage.clientWidth;
      await this.#settle();
    }
    this.#drag = { x: 0, y: 0 };
    if (this.photo === photo) this.#show(target);
  }

  /** Moves the slides to their places with an animation. */
  async #settle() {
    this.#stage.classList.add("moving");
    this.#transform();
    const animations = this.#stage.getAnimations({ subtree: true });
    await Promise.all(animations.map((animation) => animation.finished.catch(() => {})));
    this.#stage.classList.remove("moving");
  }

  #resetZoom() {
    this.#zoom = 1;
    this.#pan = { x: 0, y: 0 };
    this.#drag = { x: 0, y: 0 };
  }

  #place() {
    const elements = [...this.#slides].map(([, { element }]) => element);
    for (const child of [...this.#stage.children]) {
      if (child instanceof HTMLElement && !elements.includes(child)) child.remove();
    }
    for (const element of elements) if (!element.isConnected) this.#stage.append(element);
    for (const [step, { element }] of this.#slides) {
      element.ariaHidden = step === 0 ? null : "true";
    }
    this.#resize();
  }

  /** Gives each picture its size. From `sizes`, the browser computes which of its files is needed. */
  #resize() {
    const [width, height] = [this.#stage.clientWidth, this.#stage.clientHeight];
    for (const [step, { photo, element }] of this.#slides) {
      const image = element.querySelector("img");
      const [largest] = photo.images;
      if (!image || !largest) continue;
      const fit = Math.min(width / largest.width, height / largest.height);
      const zoom = step === 0 ? this.#zoom : 1;
      image.style.width = `${largest.width * fit}px`;
      image.style.height = `${largest.height * fit}px`;
      image.sizes = `${Math.ceil(largest.width * fit * zoom)}px`;
    }
    this.#transform();
  }

  #transform() {
    const width = this.#stage.clientWidth;
    for (const [step, { element }] of this.#slides) {
      const x = step * width + this.#drag.x;
      element.style.transform = `translate(${x}px, ${step === 0 ? this.#drag.y : 0}px)`;
      const image = element.querySelector("img");
      if (!image) continue;
      const isZoomed = step === 0 && this.#zoom !== 1;
      image.style.transform = isZoomed ? `translate(${this.#pan.x}px, ${this.#pan.y}px) scale(${this.#zoom})` : "";
    }
    this.#stage.style.opacity = String(1 - Math.min(0.7, Math.abs(this.#drag.y) / 400));
  }

  /**
   * Zooms, so that the point (x, y) of the window stays in its place.
   * @param {number} zoom
   * @param {number} x
   * @param {number} y
   */
  #zoomAt(zoom, x, y) {
    const box = this.#stage.getBoundingClientRect();
    const [centreX, centreY] = [x - box.left - box.width / 2, y - box.top - box.height / 2];
    const now = Math.min(MAX_ZOOM, Math.max(1, zoom));
    const ratio = now / this.#zoom;
    this.#pan = { x: centreX - (centreX - this.#pan.x) * ratio, y: centreY - (centreY - this.#pan.y) * ratio };
    this.#zoom = now;
    this.#limitPan();
    this.#resize();
  }

  /** Keeps the picture over the window. */
  #limitPan() {
    const image = this.#slides.get(0)?.element.querySelector("img");
    if (!image) return;
    const limit = (/** @type {number} */ size, /** @type {number} */ stage) => Math.max(0, (size * this.#zoom - stage) / 2);
    const x = limit(image.clientWidth, this.#stage.clientWidth);
    const y = limit(image.clientHeight, this.#stage.clientHeight);
    this.#pan = { x: Math.min(x, Math.max(-x, this.#pan.x)), y: Math.min(y, Math.max(-y, this.#pan.y)) };
  }

  /** @param {PointerEvent} event */
  #onPointerDown(event) {
    if (event.button !== 0) return;
    this.#stage.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#startGesture();
  }

  #startGesture() {
    const { x, y, distance } = this.#centre();
    const axis = this.#pointers.size > 1 ? "pinch" : (this.#gesture?.axis ?? "");
    this.#gesture = { x, y, distance, zoom: this.#zoom, panX: this.#pan.x, panY: this.#pan.y, axis, time: performance.now() };
    this.#stage.classList.remove("moving");
  }

  /** Returns the middle of all pointers, and the distance of the first two. */
  #centre() {
    const points = [...this.#pointers.values()];
    const mean = (/** @type {"x" | "y"} */ axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
    const distance = points.length > 1 ? Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y) : 0;
    return { x: mean("x"), y: mean("y"), distance };
  }

  /** @param {PointerEvent} event */
  #onPointerMove(event) {
    const gesture = this.#gesture;
    if (!this.#pointers.has(event.pointerId) || !gesture) return;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const { x, y, distance } = this.#centre();
    const [dx, dy] = [x - gesture.x, y - gesture.y];
    if (this.#pointers.size > 1) {
      this.#drag = { x: 0, y: 0 };
      this.#zoomAt((gesture.zoom * distance) / Math.max(1, gesture.distance), x, y);
    } else if (this.#zoom > 1) {
      if (Math.hypot(dx, dy) > 8) gesture.axis = "x";
      this.#pan = { x: gesture.panX + dx, y: gesture.panY + dy };
      this.#limitPan();
      this.#transform();
    } else {
      if (!gesture.axis && Math.hypot(dx, dy) > 8) gesture.axis = Math.abs(dx) > Math.abs(dy) ? "x" : "y";
      const hasNeighbour = this.#slides.has(dx < 0 ? 1 : -1);
      this.#drag = { x: gesture.axis === "x" ? dx * (hasNeighbour ? 1 : 0.3) : 0, y: gesture.axis === "y" ? Math.max(0, dy) : 0 };
      this.#transform();
    }
  }

  /** @param {PointerEvent} event */
  #onPointerUp(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#pointers.size > 0) return this.#startGesture();
    const gesture = this.#gesture;
    this.#gesture = undefined;
    if (!gesture || event.type === "pointercancel") {
      this.#drag = { x: 0, y: 0 };
      this.#settle();
      return;
    }
    if (this.#zoom > 1) {
      if (!gesture.axis) this.#onTap(event, gesture.time);
      return;
    }
    const seconds = (performance.now() - gesture.time) / 1000;
    const isFlick = Math.abs(this.#drag.x) > 24 && Math.abs(this.#drag.x) / seconds > 400;
    if (this.#drag.y > CLOSE_DISTANCE) this.close();
    else if (isFlick || Math.abs(this.#drag.x) > SWIPE * this.#stage.clientWidth) this.#step(this.#drag.x < 0 ? 1 : -1);
    else {
      const isTap = !gesture.axis;
      this.#drag = { x: 0, y: 0 };
      this.#settle();
      if (isTap) this.#onTap(event, gesture.time);
    }
  }

  /** Zooms at the second of two taps. @param {PointerEvent} event @param {number} since */
  #onTap(event, since) {
    const now = performance.now();
    if (now - since > 300) return;
    if (now - this.#lastTap < 350) {
      this.#lastTap = 0;
      this.#zoomAt(this.#zoom > 1 ? 1 : DOUBLE_ZOOM, event.clientX, event.clientY);
    } else {
      this.#lastTap = now;
    }
  }

  /** @param {WheelEvent} event */
  #onWheel(event) {
    event.preventDefault();
    this.#zoomAt(this.#zoom * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") this.#step(1);
    else if (event.key === "ArrowLeft") this.#step(-1);
    else if (event.key === "i") this.#toggleDetails();
    else if (event.key === "f") this.#toggleFullscreen();
    else if (event.key === "+" || event.key === "-") {
      this.#zoomAt(this.#zoom * (event.key === "+" ? 1.5 : 1 / 1.5), innerWidth / 2, innerHeight / 2);
    } else return;
    event.preventDefault();
  }

  #toggleDetails() {
    this.#keepFocus(this.#details);
    this.#details.hidden = !this.#details.hidden;
    this.#dialog.classList.toggle("with-details", !this.#details.hidden);
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#dialog.requestFullscreen?.().catch(() => this.#announce("Full screen is not possible here."));
  }

  /** @param {string} text */
  #announce(text) {
    this.#status.textContent = text;
  }
}

/** The paths of the icons, in a square of 24 by 24. */
const ICONS = {
  close: "M5 5 19 19M19 5 5 19",
  details: "M12 11v7M12 6v.5M12 2a10 10 0 1 0 .01 0",
  fullscreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  link: "M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1",
  next: "M9 4l8 8-8 8",
  previous: "M15 4l-8 8 8 8",
};

/** @param {keyof typeof ICONS} name */
function createIcon(name) {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  icon.append(path);
  return icon;
}

/**
 * @param {keyof typeof ICONS} icon
 * @param {string} name
 * @param {() => void} onClick
 */
function createButton(icon, name, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(createIcon(icon));
  button.ariaLabel = button.title = name;
  button.part.add("button");
  button.addEventListener("click", onClick);
  return button;
}

/** @param {Photo} photo */
function createSlide(photo) {
  const slide = document.createElement("div");
  slide.className = "slide";
  if (photo.images.length === 0) {
    slide.textContent = photo.title ?? photo.name;
    return slide;
  }
  const image = document.createElement("img");
  image.alt = photo.alt ?? `Photo, ${formatDay(photo.takenAtLocal, true)}`;
  image.draggable = false;
  if (photo.color) image.style.backgroundColor = photo.color;
  image.srcset = photo.images.map(({ url, width }) => `${url} ${width}w`).join(", ");
  image.src = photo.images[0].url;
  slide.append(image);
  return slide;
}

/** Returns the texts that describe a photo. @param {Photo} photo */
function describePhoto(photo) {
  const { exposure, place } = photo;
  /** @type {[string, string | Node | null | undefined][]} */
  const fields = [
    ["Taken", formatCaptureTime(photo)],
    ["Camera", photo.camera?.name],
    ["Lens", photo.lens?.name],
    ["Exposure", exposure && describeExposure(exposure)],
    ["Place", place && [place.sublocation, place.city, place.region, place.country].filter(Boolean).join(", ")],
    ["Keywords", photo.keywords.join(", ").replaceAll("|", " › ")],
    ["Rating", photo.rating && photo.rating > 0 ? "★".repeat(photo.rating) : null],
    ["By", photo.artist],
    ["Rights", photo.copyright],
    ["Licence", photo.licenseUrl && createLink(photo.licenseUrl)],
    ["Name", photo.name],
  ];
  const list = document.createElement("dl");
  for (const [name, value] of fields) {
    if (!value) continue;
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.append(value);
    list.append(term, text);
  }
  const nodes = [];
  if (photo.title) nodes.push(Object.assign(document.createElement("h3"), { textContent: photo.title }));
  if (photo.caption) nodes.push(Object.assign(document.createElement("p"), { textContent: photo.caption }));
  return [...nodes, list];
}

/** @param {import("./gallery-files.js").Exposure} exposure */
function describeExposure({ time, fNumber, iso, focalLength, bias }) {
  const parts = [
    time && `${time} s`,
    fNumber && `f/${fNumber}`,
    iso && `ISO ${iso}`,
    focalLength && `${Math.round(focalLength * 10) / 10} mm`,
    bias && `${bias > 0 ? "+" : "−"}${Math.abs(Math.round(bias * 100) / 100)} EV`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** @param {string} url Only http and https addresses become links. */
function createLink(url) {
  if (!/^https?:\/\//i.test(url)) return url;
  const link = document.createElement("a");
  link.href = url;
  link.rel = "noopener noreferrer license";
  link.target = "_blank";
  link.textContent = url.replace(/^https?:\/\//i, "");
  return link;
}
