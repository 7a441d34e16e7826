// Reads the photos of an album, in the order of the album.

import { UNDATED, monthOf } from "./dates.js";
import { tileAspect } from "./gallery-files.js";

/**
 * @typedef {import("./gallery-files.js").Photo} Photo
 * @typedef {import("./gallery-files.js").MonthEntry} MonthEntry
 * @typedef {import("./photo-gallery.js").PhotoGallery} PhotoGallery
 * @typedef {{name: string, hasOwnOrder: boolean, photos: Photo[]}} Album `hasOwnOrder` means that the
 *   order is not that of time.
 * @typedef {{entry: MonthEntry, photos?: Photo[]}} AlbumSection A part of an album that is shown like a
 *   month. If it cannot be read, it has no photos.
 */

/**
 * Returns the sections of an album: its months if its photos are in the order of time, and otherwise a
 * single one. An album that does not exist has none. With several albums, only the photos that are in all
 * of them are shown, in the order of the last one.
 * @param {PhotoGallery} gallery
 * @param {string[]} slugs
 * @returns {Promise<AlbumSection[]>}
 */
export async function readSections(gallery, slugs) {
  /** @type {Album[]} */
  let albums;
  try {
    albums = await Promise.all(slugs.map((slug) => readAlbum(gallery, slug)));
  } catch (error) {
    // A photo that was shown may be hidden now. So the album is a section that cannot be read.
    const entry = { month: UNDATED, title: slugs[0], photos: 1, files: [], read: () => Promise.reject(error) };
    return [{ entry }];
  }
  const [album, ...others] = albums.reverse();
  const ids = others.map((album) => new Set(album.photos.map(({ id }) => id)));
  const photos = album.photos.filter(({ id }) => ids.every((other) => other.has(id)));
  return makeSections(gallery, { ...album, photos });
}

/**
 * Reads all files of an album.
 * @param {PhotoGallery} gallery
 * @param {string} slug
 * @returns {Promise<Album>}
 */
async function readAlbum(gallery, slug) {
  const album = { name: slug, hasOwnOrder: false, photos: /** @type {Photo[]} */ ([]) };
  const read = new Set();
  /** @type {string | null} */
  let file = `${slug}.json`;
  while (file && !read.has(file)) {
    const path = `album/${encodeURIComponent(file.replace(/\.json$/, ""))}`;
    let list;
    try {
      list = await gallery.readList(path);
    } catch (error) {
      // A bucket whose files cannot be listed answers 403 instead of 404.
      const isMissing = error instanceof Error && (error.cause === 404 || error.cause === 403);
      if (read.size === 0 && isMissing) return album;
      throw error;
    }
    if (!list) return album;
    album.name = list.name || album.name;
    album.hasOwnOrder ||= list.order === "listed" || list.order === "added";
    album.photos.push(...list.items);
    read.add(file);
    file = list.next;
  }
  return album;
}

/**
 * @param {PhotoGallery} gallery
 * @param {Album} album
 * @returns {AlbumSection[]}
 */
function makeSections(gallery, { name, hasOwnOrder, photos }) {
  const isByTime = !hasOwnOrder && areByTime(photos);
  // The gallery reverses the photos of a month, unless the oldest are first.
  const isReversed = gallery.getAttribute("order") !== "oldest";
  /** @type {Map<string, Photo[]>} */
  const groups = new Map();
  for (const photo of photos) {
    const month = isByTime && photo.takenAtLocal ? monthOf(photo.takenAtLocal) : UNDATED;
    const group = groups.get(month) ?? [];
    group.push(photo);
    groups.set(month, group);
  }
  return [...groups].map(([month, photos]) => ({
    entry: {
      month,
      months: isByTime ? undefined : [...new Set(photos.map(({ takenAtLocal }) => (takenAtLocal ? monthOf(takenAtLocal) : UNDATED)))],
      title: isByTime ? undefined : name,
      photos: photos.length,
      aspects: photos.map(tileAspect).reduce((sum, aspect) => sum + aspect, 0),
      files: [{ path: "", photos: photos.length, etag: String(gallery.index?.generation) }],
      read: async () => (isReversed ? [...photos].reverse() : photos),
    },
    photos,
  }));
}

/**
 * Reports whether photos are in the order of time or in the opposite one, with undated ones at the end.
 * @param {Photo[]} photos
 */
function areByTime(photos) {
  const times = photos.flatMap(({ takenAtLocal }) => takenAtLocal ?? []);
  const isSorted = (/** @type {string[]} */ list) => list.every((time, at) => at === 0 || list[at - 1] <= time);
  const areFirst = photos.slice(0, times.length).every(({ takenAtLocal }) => takenAtLocal);
  return times.length > 0 && areFirst && (isSorted(times) || isSorted([...times].reverse()));
}
