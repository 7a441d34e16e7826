// Decides which photos a gallery shows.

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {import("./gallery-files.js").MonthEntry} MonthEntry
 * @typedef {import("./gallery-files.js").Facets} Facets
 * @typedef {import("./gallery-files.js").MapCell} MapCell
 * @typedef {import("./album.js").AlbumSection} AlbumSection
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 * @typedef {import("./text-search.js").TextMatches} TextMatches
 * @typedef {object} PhotoFilter The conditions that all must be met. An absent condition is met.
 * @property {string} [camera] The slug of the camera.
 * @property {string} [lens] The slug of the lens.
 * @property {string} [keyword] A keyword, or its slug. A parent of a hierarchy finds its children.
 * @property {number} [rating] The lowest number of stars.
 * @property {string} [from] The first day, month or year: `2018-02-01`, `2018-02`, `2018`.
 * @property {string} [to] The last day, month or year.
 * @property {string} [album] The slug of the album that contains the photos, and defines their order.
 * @property {string} [words] A text whose words the texts of the photos have, each as the beginning of a
 *   word.
 * @property {string[]} [cells] The geohash cells of `map.json` that contain the photos.
 *
 * @typedef {{entry: MonthEntry, photos: number}} Candidate A month, and the highest number of its
 *   photos that can meet the filter.
 */

/**
 * Returns a form of a text that is equal for spellings with the same slug.
 * @param {string} text
 */
function foldText(text) {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const letters = { ß: "ss", ø: "o", α: "alpha" };
  const ascii = plain.replace(/[ßøα]/g, (letter) => letters[/** @type {"ß"} */ (letter)]);
  return ascii.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
}

/**
 * Returns a keyword and its parents: `Places|Japan` gives `Places` and `Places|Japan`.
 * @param {string} keyword
 */
function keywordPaths(keyword) {
  const parts = keyword.split("|");
  return parts.map((_, last) => parts.slice(0, last + 1).join("|"));
}

/**
 * Reports whether a filter needs the counts of `facets.json`.
 * @param {PhotoFilter} filter
 */
export function needsFacets({ camera, lens, keyword, rating }) {
  return Boolean(camera || lens || keyword || rating);
}

/**
 * Returns the months of a gallery that can contain photos that meet all filters, in the order of the
 * index, and a function that reports whether a photo meets all of them. With an album, returns its
 * sections instead. Reads the lists that the filters need.
 * @param {PhotoGallery} gallery
 * @param {PhotoFilter[]} filters
 * @returns {Promise<{candidates: Candidate[], predicate: (photo: Photo) => boolean}>}
 */
export async function applyFilters(gallery, filters) {
  const months = gallery.index?.months ?? [];
  const albums = filters.flatMap(({ album }) => album || []);
  /** @type {[Facets | undefined, {cells: MapCell[]} | undefined, AlbumSection[] | undefined, (TextMatches | undefined)[]]} */
  const [facets, map, sections, texts] = await Promise.all([
    filters.some(needsFacets) ? gallery.readList("facets") : undefined,
    filters.some(({ cells }) => cells) ? gallery.readList("map") : undefined,
    albums.length ? import("./album.js").then(({ readSections }) => readSections(gallery, albums)) : undefined,
    Promise.all(filters.map(({ words }) => findTexts(gallery, words))),
  ]);
  const predicates = filters.map((filter, at) => makePredicate(filter, facets, texts[at]));
  const predicate = (/** @type {Photo} */ photo) => predicates.every((meets) => meets(photo));
  if (sections) {
    const counted = sections.map(({ entry, photos }) => ({ entry, photos: photos ? photos.filter(predicate).length : entry.photos }));
    return { candidates: counted.filter(({ photos }) => photos > 0), predicate };
  }
  let candidates = months.map((entry) => ({ entry, photos: entry.photos }));
  filters.forEach((filter, at) => {
    const counts = new Map(candidates.map(({ entry, photos }) => [entry, photos]));
    const entries = candidates.map(({ entry }) => entry);
    candidates = candidateMonths(entries, { facets, cells: map?.cells, texts: texts[at] }, filter).map(({ entry, photos }) => ({
      entry,
      photos: Math.min(photos, counts.get(entry) ?? photos),
    }));
  });
  return { candidates, predicate };
}

/** @param {PhotoGallery} gallery @param {string | undefined} words */
async function findTexts(gallery, words) {
  if (!words) return undefined;
  const { searchTexts } = await import("./text-search.js");
  return searchTexts(gallery, words);
}

/**
 * Returns the months that can contain photos that meet the filter, in the order of `months`.
 * @param {MonthEntry[]} months
 * @param {object} lists
 * @param {Facets} [lists.facets] Needed only if `needsFacets` is true for the filter.
 * @param {MapCell[]} [lists.cells] Needed only if the filter has cells.
 * @param {TextMatches} [lists.texts] Needed only if the filter has words.
 * @param {PhotoFilter} filter
 * @returns {Candidate[]}
 */
function candidateMonths(months, { facets, cells, texts }, filter) {
  /** @type {Record<string, number>[]} */
  const counts = texts ? [texts.months] : [];
  if (facets) {
    const bySlug = (/** @type {{slug: string, months: Record<string, number>}[]} */ list, /** @type {string} */ slug) =>
      list.find((facet) => facet.slug === slug)?.months ?? {};
    if (filter.camera) counts.push(bySlug(facets.cameras, filter.camera));
    if (filter.lens) counts.push(bySlug(facets.lenses, filter.lens));
    if (filter.keyword) counts.push(findKeyword(facets, filter.keyword)?.months ?? {});
    if (filter.rating) counts.push(sumMonths(facets.ratings.filter(({ rating }) => rating >= Number(filter.rating))));
  }
  const wanted = filter.cells;
  if (wanted && cells) {
    // After an update of the list, its cells can be larger or smaller.
    const overlaps = (/** @type {MapCell} */ { cell }) =>
      wanted.some((other) => other.startsWith(cell) || cell.startsWith(other));
    counts.push(sumMonths(cells.filter(overlaps)));
  }
  return months.flatMap((entry) => {
    const { month } = entry;
    const isDated = /^\d/.test(month);
    if (filter.from && (!isDated || month < filter.from.slice(0, 7))) return [];
    if (filter.to && (!isDated || month > `${filter.to}-12`.slice(0, 7))) return [];
    const photos = Math.min(entry.photos, ...counts.map((count) => count[month] ?? 0));
    return photos > 0 ? [{ entry, photos }] : [];
  });
}

/**
 * Returns a function that reports whether a photo meets the filter.
 * @param {PhotoFilter} filter
 * @param {Facets | undefined} facets
 * @param {TextMatches | undefined} texts
 * @returns {(photo: Photo) => boolean}
 */
function makePredicate(filter, facets, texts) {
  const { camera, lens, rating, from, to } = filter;
  const cells = filter.cells && new Set(filter.cells);
  const lengths = new Set(filter.cells?.map((cell) => cell.length));
  const named = filter.keyword && facets ? findKeyword(facets, filter.keyword)?.name : undefined;
  const keyword = filter.keyword ? foldText(named ?? filter.keyword) : undefined;
  return (photo) => {
    if (camera && photo.camera?.slug !== camera) return false;
    if (lens && photo.lens?.slug !== lens) return false;
    if (rating && (photo.rating ?? 0) < rating) return false;
    if (keyword && !photo.keywords.flatMap(keywordPaths).some((own) => foldText(own) === keyword)) return false;
    if (texts && !texts.meets(photo)) return false;
    const { location } = photo;
    if (cells && !(location && [...lengths].some((length) => cells.has(encodeGeohash(location, length))))) return false;
    if (!from && !to) return true;
    if (!photo.takenAtLocal) return false;
    // A partial date is at the start of its period.
    const time = photo.takenAtLocal;
    const day = `${time}${"-01-01".slice(Math.max(0, time.length - 4))}`.slice(0, 10);
    return (!from || day >= from) && (!to || day.slice(0, to.length) <= to);
  };
}

/** @param {Facets} facets @param {string} keyword A keyword, or its slug. */
function findKeyword(facets, keyword) {
  const folded = foldText(keyword);
  return (
    facets.keywords.find(({ slug }) => slug === keyword) ??
    facets.keywords.find(({ name }) => foldText(name) === folded)
  );
}

/** Adds up the numbers of photos of each month. @param {{months: Record<string, number>}[]} counts */
function sumMonths(counts) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const { months } of counts) {
    for (const [month, photos] of Object.entries(months)) sums[month] = (sums[month] ?? 0) + photos;
  }
  return sums;
}

const GEOHASH_DIGITS = "0123456789bcdefghjkmnpqrstuvwxyz";

/**
 * Returns the geohash cell of a position.
 * @param {{lat: number, lon: number}} position
 * @param {number} length The number of characters.
 */
export function encodeGeohash({ lat, lon }, length) {
  const axes = [
    { value: lon, low: -180, high: 180 },
    { value: lat, low: -90, high: 90 },
  ];
  let cell = "";
  for (let bit = 0, digit = 0; cell.length < length; bit++) {
    const axis = axes[bit % 2];
    const middle = (axis.low + axis.high) / 2;
    const isUpper = axis.value >= middle;
    if (isUpper) axis.low = middle;
    else axis.high = middle;
    digit = 2 * digit + Number(isUpper);
    if (bit % 5 < 4) continue;
    cell += GEOHASH_DIGITS[digit];
    digit = 0;
  }
  return cell;
}
