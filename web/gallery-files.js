// Reads the static gallery files: docs/static-gallery.md.

/**
 * @typedef {{url: string, width: number, height: number, mime: string, bytes: number}} Picture
 * @typedef {{slug: string, name: string}} Equipment
 * @typedef {{time: string | null, fNumber: number | null, iso: number | null, focalLength: number | null,
 *   focalLength35: number | null, bias: number | null}} Exposure
 * @typedef {{sublocation: string | null, city: string | null, region: string | null, country: string | null}} Place
 * @typedef {object} Photo
 * @property {string} id
 * @property {string} stem
 * @property {string} name
 * @property {string} version
 * @property {string | null} date
 * @property {string | null} takenAtLocal
 * @property {string | null} offset
 * @property {string | null} datePrecision
 * @property {number | null} width
 * @property {number | null} height
 * @property {Equipment | null} camera
 * @property {Equipment | null} lens
 * @property {Exposure | null} exposure
 * @property {{lat: number, lon: number} | null} location
 * @property {Place | null} place
 * @property {string | null} title
 * @property {string | null} headline
 * @property {string | null} caption
 * @property {string | null} altText
 * @property {string | null} copyright
 * @property {string | null} licenseUrl
 * @property {string | null} artist
 * @property {string[]} keywords
 * @property {string[]} people
 * @property {string | null} event
 * @property {number | null} rating
 * @property {Picture[]} images
 * @property {string | null} placeholder
 * @property {string | null} color
 * @property {string | null} alt
 *
 * @typedef {{path: string, photos: number, etag: string}} FileEntry
 * @typedef {{month: string, photos: number, aspects?: number, files: FileEntry[], title?: string,
 *   months?: string[], read?: () => Promise<Photo[]>}} MonthEntry A month, or a section of an album. An
 *   album that is not in the order of time is one section, with a title and the months of its photos.
 * @typedef {{generation: number, photos: number, positions?: number, months: MonthEntry[]}} GalleryIndex
 *   `positions` is the number of photos on the map.
 *
 * @typedef {{photos: number, months: Record<string, number>}} FacetCount
 * @typedef {FacetCount & Equipment} NamedFacet
 * @typedef {{cameras: NamedFacet[], lenses: NamedFacet[], keywords: NamedFacet[],
 *   ratings: (FacetCount & {rating: number})[], albums?: {slug: string, title: string, photos: number, list: string | null}[],
 *   text?: string[]}} Facets
 * @typedef {FacetCount & {cell: string, lat: number, lon: number}} MapCell The photos of a geohash cell,
 *   and their mean position.
 */

/** The smallest and the largest aspect ratio of a tile. The index counts with the same limits. */
const ASPECTS = { min: 0.25, max: 4, unknown: 1.5 };

/**
 * Returns the aspect ratio of a photo's tile: width divided by height.
 * @param {Photo} photo
 */
export function tileAspect(photo) {
  if (!photo.width || !photo.height) return ASPECTS.unknown;
  return Math.min(ASPECTS.max, Math.max(ASPECTS.min, photo.width / photo.height));
}

/** The static files below one address. */
export class GalleryFiles {
  /** @param {string} address The address of the folder that contains `index.json`. */
  constructor(address) {
    this.base = new URL(address.endsWith("/") ? address : `${address}/`, document.baseURI);
  }

  /**
   * Reads `index.json`. A cached copy is used only if the server confirms it.
   * @returns {Promise<GalleryIndex>}
   */
  readIndex() {
    return this.#readJson("index.json", "", "no-cache");
  }

  /**
   * Reads a list such as `facets.json`.
   * @param {string} name The name without `.json`.
   * @param {number | undefined} generation That of the index.
   */
  readList(name, generation) {
    return this.#readJson(`${name}.json`, String(generation));
  }

  /**
   * Reads the photos of a month, the oldest first.
   * @param {MonthEntry} month
   * @returns {Promise<Photo[]>}
   */
  async readMonth(month) {
    if (month.read) return month.read();
    const files = month.files.map(({ path, etag }) => this.#readJson(path, etag));
    return (await Promise.all(files)).flatMap((file) => file.items);
  }

  /**
   * @param {string} path
   * @param {string} version A text that changes with the file, so that no cache returns an old one.
   * @param {RequestCache} cache
   */
  async #readJson(path, version, cache = "default") {
    const url = new URL(path, this.base);
    if (version) url.searchParams.set("v", version.slice(0, 16));
    const response = await fetch(url, { cache });
    if (!response.ok) throw new Error(`${path}: HTTP status ${response.status}`, { cause: response.status });
    return response.json();
  }
}
