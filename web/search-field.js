// The field that searches for photos by their texts. The text index is read when a visitor types.

/**
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 * @typedef {{element: HTMLElement, update: () => Promise<void>}} SearchField `update` is called when the
 *   photos or the filters have changed.
 */

/** The time after the last key until the search begins, in milliseconds. */
const TYPING_MS = 250;
/** The name of the control whose choice the field sets. */
const SEARCH_CONTROL = "search";
const MAX_LENGTH = 200;

/**
 * Creates the search field of a gallery.
 * @param {PhotoGallery} gallery
 * @returns {SearchField}
 */
export function createSearchField(gallery) {
  const element = document.createElement("div");
  element.className = "search";
  element.part.add("search");
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "search", autocomplete: "off", spellcheck: false, enterKeyHint: "search", maxLength: MAX_LENGTH });
  label.append("Search", input);
  const clear = document.createElement("button");
  Object.assign(clear, { type: "button", textContent: "Clear search", hidden: true });
  clear.part.add("button");
  const status = document.createElement("span");
  status.role = "status";
  element.append(label, clear, status);

  let timer = 0;
  let searches = 0;
  /** @type {string | undefined} The words for which this field has searched. */
  let searched;
  const chosen = () => gallery.filters[SEARCH_CONTROL]?.words;
  const empty = gallery.shadowRoot?.querySelector('slot[name="empty"]');

  const search = async () => {
    clearTimeout(timer);
    timer = 0;
    const own = ++searches;
    const text = input.value.trim();
    let words = text || undefined;
    let problem = "";
    try {
      const matches = words && (await countMatches(gallery, words));
      if (matches === undefined) [words, problem] = [undefined, text && "Type letters or digits."];
    } catch (error) {
      console.error("photo-gallery:", error);
      // What is shown must not look like the result.
      [words, problem] = [undefined, "The search is not available now."];
    }
    if (own !== searches) return;
    searched = words;
    if (words !== chosen()) gallery.choose(words ? { words } : {}, SEARCH_CONTROL);
    else await update();
    if (!words) status.textContent = problem;
  };

  const update = async () => {
    if (!element.isConnected) return;
    element.hidden = !gallery.index?.months.length && !input.value;
    if (timer) return;
    const words = chosen();
    if (words !== searched) {
      // Another control has removed the search, or a script has set it.
      searches++;
      searched = words;
      input.value = words ?? "";
      status.textContent = "";
    }
    clear.hidden = input.value === "";
    if (!words) return;
    const own = searches;
    const matches = await countMatches(gallery, words).catch(() => undefined);
    if (matches === undefined || own !== searches || words !== chosen()) return;
    const text = describeMatches(gallery, words, matches, !empty?.hasAttribute("hidden"));
    // The same text is not announced again.
    if (status.textContent !== text) status.textContent = text;
  };
  // Whether photos are left is known only when the months are read.
  if (empty) new MutationObserver(update).observe(empty, { attributes: true, attributeFilter: ["hidden"] });

  const searchSoon = () => {
    clear.hidden = input.value === "";
    clearTimeout(timer);
    timer = setTimeout(search, TYPING_MS);
  };
  const clearText = () => {
    input.value = "";
    input.focus();
    search();
  };
  input.addEventListener("input", (event) => {
    // While an input method composes a word, its letters are not the word yet.
    if (!(event instanceof InputEvent && event.isComposing)) searchSoon();
  });
  input.addEventListener("compositionend", searchSoon);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") search();
    if (event.key !== "Escape" || input.value === "") return;
    event.preventDefault();
    clearText();
  });
  clear.addEventListener("click", clearText);
  return { element, update };
}

/**
 * Returns the number of photos of the whole gallery that have these words, by the text index. Returns
 * `undefined` if the text has no letters and digits.
 * @param {PhotoGallery} gallery
 * @param {string} words
 */
async function countMatches(gallery, words) {
  const { searchTexts, searchedWords } = await import("./text-search.js");
  if (searchedWords(words).length === 0) return undefined;
  const { months } = await searchTexts(gallery, words);
  return (gallery.index?.months ?? []).reduce((sum, { month, photos }) => sum + Math.min(photos, months[month] ?? 0), 0);
}

/**
 * @param {PhotoGallery} gallery
 * @param {string} words
 * @param {number} photos
 * @param {boolean} isEmpty Whether no photo is shown.
 */
function describeMatches(gallery, words, photos, isEmpty) {
  const { [SEARCH_CONTROL]: _, ...others } = gallery.filters;
  const hasOthers = Object.values(others).some((filter) => Object.values(filter).some(Boolean));
  const number = photos.toLocaleString(document.documentElement.lang || undefined);
  const found = `${photos ? number : "No"} ${photos === 1 ? "photo" : "photos"} with “${words}”`;
  if (!photos || !hasOthers) return `${found}.`;
  return `${found} in the whole gallery.${isEmpty ? " None of them meets the other filters." : ""}`;
}
