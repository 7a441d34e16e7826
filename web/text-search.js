// Searches in the text index of the static files: docs/static-gallery.md.

import { splitWords } from "./words.js";

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 * @typedef {Record<string, Record<string, number[]>>} TextWords The photos of each word by month:
 *   positions, of which all but the first are differences to the one before.
 * @typedef {object} TextMatches
 * @property {Record<string, number>} months The number of photos of each month, by the text index.
 * @property {(photo: Photo) => boolean} meets Reports whether a photo has the words. The index can be
 *   older than the file of a month. So only the photo's own texts decide.
 */

/** The maximum number of words of one photo. Publish leaves out later ones, too. */
const MAX_PHOTO_WORDS = 256;

/**
 * Returns the different words of a search. It has none if the text has no letters and digits.
 * @param {string} search
 */
export function searchedWords(search) {
  return [...new Set(splitWords(search))];
}

/**
 * Searches for the photos that have all words of a text, each as the beginning of a word. Reads only
 * the shards of these words. Fails if there is no text index.
 * @param {PhotoGallery} gallery
 * @param {string} search
 * @returns {Promise<TextMatches>}
 */
export async function searchTexts(gallery, search) {
  const words = searchedWords(search);
  /** @type {{text?: string[]}} */
  const { text } = (await gallery.readList("facets")) ?? {};
  if (!text) throw new Error("the gallery has no text index");
  const positions = await Promise.all(
    words.map(async (word) => {
      const shard = shardName(word);
      return text.includes(shard) ? findPositions((await gallery.readList(`text/${shard}`))?.words ?? {}, word) : {};
    }),
  );
  /** @type {Record<string, number>} */
  const months = {};
  const [first = {}, ...others] = positions;
  for (const [month, found] of Object.entries(first)) {
    const both = [...found].filter((position) => others.every((other) => other[month]?.has(position)));
    if (both.length) months[month] = both.length;
  }
  const meets = (/** @type {Photo} */ photo) => {
    const own = photoWords(photo);
    return words.every((word) => own.some((other) => other.startsWith(word)));
  };
  return { months, meets };
}

/** Returns the name of the shard that contains a word. @param {string} word */
function shardName(word) {
  const code = word.codePointAt(0) ?? 0;
  return /^[a-z0-9]/.test(word) ? word[0] : `u${(code >> 8).toString(16)}`;
}

/**
 * Returns the positions of the photos that have a word with this beginning, by month.
 * @param {TextWords} words
 * @param {string} beginning
 */
function findPositions(words, beginning) {
  /** @type {Record<string, Set<number>>} */
  const found = {};
  for (const [word, months] of Object.entries(words)) {
    if (!word.startsWith(beginning)) continue;
    for (const [month, differences] of Object.entries(months)) {
      const positions = (found[month] ??= new Set());
      let position = 0;
      for (const difference of differences) positions.add((position += difference));
    }
  }
  return found;
}

/**
 * Returns the words by which a photo is found, in the order of `photo_words` in
 * src/term_index/photo_terms.rs.
 * @param {Photo} photo
 */
function photoWords({ title, headline, place, event, camera, lens, keywords, people, altText, caption }) {
  const names = [place?.sublocation, place?.city, place?.region, place?.country, event, camera?.name, lens?.name];
  const texts = [title, headline, ...names, ...keywords, ...(people ?? []), altText, caption];
  /** @type {Set<string>} */
  const words = new Set();
  for (const text of texts) {
    for (const word of splitWords(text ?? "")) {
      if (words.size === MAX_PHOTO_WORDS) return [...words];
      words.add(word);
    }
  }
  return [...words];
}
