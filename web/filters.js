// The controls above the grid: the search field, filters by album, camera, lens, keyword, stars and year,
// with counts, and the buttons of panels such as the map, which are loaded when they are opened.

import { createSearchField } from "./search-field.js";
import { styleSheet } from "./style-sheet.js";

/**
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 * @typedef {import("./photo-filter.js").PhotoFilter} PhotoFilter
 * @typedef {import("./gallery-files.js").GalleryIndex} GalleryIndex
 * @typedef {{value: string, text: string}} Choice
 * @typedef {{open: () => Promise<void>, refresh: () => Promise<void>}} Panel `refresh` is called when the
 *   photos or the filters have changed.
 * @typedef {object} PanelControl A button that loads and opens a panel.
 * @property {string} name The name of the control whose choice the panel sets.
 * @property {string} text The text of the button.
 * @property {string} removal The text of the button that removes the choice.
 * @property {(index: GalleryIndex) => boolean} isUseful Whether the panel can show something.
 * @property {(gallery: PhotoGallery) => Promise<Panel>} load
 */

/** @type {PanelControl[]} */
const PANELS = [
  {
    name: "place",
    text: "Map",
    removal: "Show all places",
    isUseful: ({ positions = 0 }) => positions > 0,
    load: async (gallery) => new (await import("./map-panel.js")).MapPanel(gallery),
  },
];

const STYLES = styleSheet(`
.toolbar { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; padding: 8px 0; min-height: 28px; }
.toolbar button { border: 1px solid var(--muted); border-radius: 999px; background: none; color: inherit; padding: 6px 14px; cursor: pointer; }
.toolbar select { font: inherit; }
.filters { display: flex; flex-wrap: wrap; gap: 8px 16px; width: 100%; }
.filters label { display: grid; gap: 2px; font-size: 13px; color: var(--muted); }
.filters select, .filters input { min-width: 9em; max-width: 16em; padding: 6px; border: 1px solid var(--muted); border-radius: 6px; background: var(--surface); color: var(--text); }
.search { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; min-width: 0; }
.search label { display: flex; gap: 8px; align-items: center; font-size: 13px; color: var(--muted); min-width: 0; }
.search input { font: inherit; font-size: 15px; width: 14em; min-width: 0; padding: 6px 12px; border: 1px solid var(--muted); border-radius: 999px; background: var(--surface); color: var(--text); }
.search input::-webkit-search-cancel-button { display: none; }
.search span { color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.filters[hidden], .search[hidden] { display: none; }
`);

/**
 * The function that reads the choices of the fields again, by toolbar.
 * @type {WeakMap<Element, () => Promise<void>>}
 */
const UPDATES = new WeakMap();

/**
 * Shows the controls of a gallery in its toolbar. If they are shown already, reads the counts again.
 * Otherwise, they are read when the visitor opens the filters.
 * @param {PhotoGallery} gallery
 * @param {Element} toolbar
 */
export function showControls(gallery, toolbar) {
  if (!toolbar.childElementCount) toolbar.append(...createControls(gallery, toolbar));
  UPDATES.get(toolbar)?.();
}

/** @param {PhotoGallery} gallery @param {Element} toolbar */
function createControls(gallery, toolbar) {
  const root = gallery.shadowRoot;
  if (root && !root.adoptedStyleSheets.includes(STYLES)) root.adoptedStyleSheets.push(STYLES);
  const toggle = createButton("Filter");
  toggle.ariaExpanded = "false";
  const clear = createButton("Show all photos");
  clear.hidden = true;
  const form = document.createElement("form");
  form.className = "filters";
  form.part.add("filters");
  form.hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    gallery.choose(readChoice(form));
    update();
  });
  const search = createSearchField(gallery);
  const panels = PANELS.map((panel) => createPanelControls(gallery, toggle, panel));
  /** @type {unknown} The months for which the fields were made. */
  let shown;
  const update = async () => {
    const { attributes: _, ...choices } = gallery.filters;
    clear.hidden = !Object.values(choices).some((choice) => Object.keys(choice).length > 0);
    for (const control of [search, ...panels]) control.update();
    const months = gallery.index?.months;
    if (form.hidden || shown === months) return;
    shown = months;
    try {
      const fields = await createFields(gallery);
      if (shown !== months) return;
      const before = new FormData(form);
      form.replaceChildren(...fields);
      for (const select of form.querySelectorAll("select")) {
        const value = String(before.get(select.name) ?? "");
        select.value = value;
        if (select.value === value) continue;
        // No photo has this value any more.
        select.value = "";
        form.dispatchEvent(new Event("change"));
      }
    } catch {
      shown = undefined;
      form.textContent = "The filters cannot be loaded.";
    }
  };
  UPDATES.set(toolbar, update);
  toggle.addEventListener("click", () => {
    form.hidden = !form.hidden;
    toggle.ariaExpanded = String(!form.hidden);
    update();
  });
  clear.addEventListener("click", () => {
    form.reset();
    for (const control of Object.keys(gallery.filters)) {
      if (control !== "attributes") gallery.choose({}, control);
    }
    update();
    toggle.focus();
  });
  return [toggle, ...panels.flatMap(({ elements }) => elements), search.element, clear, form];
}

/**
 * Returns the buttons of a panel: one opens it, and one removes its choice.
 * @param {PhotoGallery} gallery
 * @param {HTMLElement} toggle
 * @param {PanelControl} control
 */
function createPanelControls(gallery, toggle, { name, text, removal, isUseful, load }) {
  const [open, remove] = [createButton(text), createButton(removal)];
  open.ariaHasPopup = "dialog";
  /** @type {Promise<Panel> | undefined} */
  let panel;
  open.addEventListener("click", async () => {
    try {
      await (await (panel ??= load(gallery))).open();
    } catch (error) {
      console.error("photo-gallery:", error);
      panel = undefined;
    }
  });
  remove.addEventListener("click", () => {
    gallery.choose({}, name);
    (open.hidden ? toggle : open).focus();
  });
  const update = async () => {
    open.hidden = !gallery.index || !isUseful(gallery.index);
    remove.hidden = Object.keys(gallery.filters[name] ?? {}).length === 0;
    await (await panel)?.refresh();
  };
  return { elements: [open, remove], update };
}

/** @param {PhotoGallery} gallery */
async function createFields(gallery) {
  /** @type {import("./gallery-files.js").Facets} */
  const facets = await gallery.readList("facets");
  if (!facets) return [];
  const named = (/** @type {{slug: string, name: string, photos: number}[]} */ list) =>
    list.map(({ slug, name, photos }) => ({ value: slug, text: `${name.replaceAll("|", " › ")} (${photos})` }));
  /** @type {Map<string, number>} */
  const years = new Map();
  for (const { month, photos } of gallery.index?.months ?? []) {
    if (/^\d/.test(month)) years.set(month.slice(0, 4), (years.get(month.slice(0, 4)) ?? 0) + photos);
  }
  const yearChoices = [...years].sort().reverse();
  let atLeast = 0;
  const stars = facets.ratings
    .filter(({ rating }) => rating > 0)
    .sort((a, b) => b.rating - a.rating)
    .map(({ rating, photos }) => {
      atLeast += photos;
      return { value: String(rating), text: `${"★".repeat(rating)}${rating < 5 ? " or more" : ""} (${atLeast})` };
    });
  // An album whose slug is too long has no file.
  const albums = gallery.hasAttribute("album") ? [] : (facets.albums ?? []).filter(({ list }) => list);
  return [
    createSelect("album", "Album", albums.map(({ slug, title, photos }) => ({ value: slug, text: `${title} (${photos})` }))),
    createSelect("camera", "Camera", named(facets.cameras)),
    createSelect("lens", "Lens", named(facets.lenses)),
    createSelect("keyword", "Keyword", named(facets.keywords)),
    createSelect("rating", "Stars", stars),
    createSelect("year", "Year", yearChoices.map(([year, photos]) => ({ value: year, text: `${year} (${photos})` }))),
  ].filter((field) => field !== undefined);
}

/** @param {HTMLFormElement} form @returns {PhotoFilter} */
function readChoice(form) {
  /** @type {PhotoFilter} */
  const choice = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || value === "") continue;
    if (name === "year") choice.from = choice.to = value;
    else if (name === "rating") choice.rating = Number(value);
    else if (name === "album" || name === "camera" || name === "lens" || name === "keyword") choice[name] = value;
  }
  return choice;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {Choice[]} choices
 */
function createSelect(name, text, choices) {
  if (choices.length === 0) return undefined;
  const label = document.createElement("label");
  const select = document.createElement("select");
  select.name = name;
  select.append(new Option("All", ""), ...choices.map((choice) => new Option(choice.text, choice.value)));
  label.append(text, select);
  return label;
}

/** @param {string} text */
function createButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.part.add("button");
  return button;
}
