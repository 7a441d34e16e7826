// Splits texts into the words that a search compares. src/term_index/words.rs does the same, because
// publish writes the words into the text index. A change here needs a change there: both are tested with
// the texts of tests/browser/words.json.

/** The maximum length of a word in UTF-8. A longer word is cut. */
const MAX_WORD_BYTES = 64;
/** The accents of Latin, Greek and Cyrillic letters, and the sound marks of Japanese ones. */
const ACCENTS = /[\u0300-\u036f\u3099\u309a]/g;
/** A Chinese or Japanese character, or a row of other letters and digits. */
const WORD =
  /(?=[\p{Alphabetic}\p{N}])(?:[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]|(?:(?![\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}])[\p{Alphabetic}\p{N}])+)/gu;

/**
 * Splits a text into words: rows of letters and digits, in lower case and without accents. Each
 * Chinese or Japanese character is a word.
 * @param {string} text
 * @returns {string[]}
 */
export function splitWords(text) {
  const folded = text.normalize("NFKD").toLowerCase().replace(ACCENTS, "");
  return (folded.match(WORD) ?? []).map(cutWord);
}

/** Cuts a word at a character. @param {string} word */
function cutWord(word) {
  if (word.length * 3 <= MAX_WORD_BYTES) return word;
  const { read } = new TextEncoder().encodeInto(word, new Uint8Array(MAX_WORD_BYTES));
  return word.slice(0, read);
}
