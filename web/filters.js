// The controls above the grid: filters by camera, lens, keyword, stars and year, with counts.

import { styleSheet } from "./style-sheet.js";

/**
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 * @typedef {import("./photo-filter.js").PhotoFilter} PhotoFilter
 * @typedef {{value: string, text: string}} Choice
 */

const STYLES = styleSheet(`
.toolbar { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; padding: 8px 0; min-height: 28px; }
.toolbar button { border: 1px solid var(--muted); border-radius: 999px; background: none; color: inherit; padding: 6px 14px; cursor: pointer; }
.toolbar select { font: inherit; }
.filters { display: flex; flex-wrap: wrap; gap: 8px 16px; width: 100%; }
.filters label { display: grid; gap: 2px; font-size: 13px; color: var(--muted); }
.filters select, .filters input { min-width: 9em; max-width: 16em; padding: 6px; border: 1px solid var(--muted); border-radius: 6px; background: var(--surface); color: var(--text); }
.filters[hidden] { display: none; }
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
  if (toolbar.childElementCount) UPDATES.get(toolbar)?.();
  else toolbar.append(...createControls(gallery, toolbar));
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
    const choice = readChoice(form);
    gallery.choose(choice);
    clear.hidden = Object.keys(choice).length === 0;
  });
  /** @type {unknown} The months for which the fields were made. */
  let shown;
  const update = async () => {
    const months = gallery.months;
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
    gallery.choose({});
    clear.hidden = true;
    toggle.focus();
  });
  return [toggle, clear, form];
}

/** @param {PhotoGallery} gallery */
async function createFields(gallery) {
  const facets = await gallery.facets();
  if (!facets) return [];
  const named = (/** @type {{slug: string, name: string, photos: number}[]} */ list) =>
    list.map(({ slug, name, photos }) => ({ value: slug, text: `${name.replaceAll("|", " › ")} (${photos})` }));
  /** @type {Map<string, number>} */
  const years = new Map();
  for (const { month, photos } of gallery.months) {
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
  return [
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
    else if (name === "camera" || name === "lens" || name === "keyword") choice[name] = value;
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
