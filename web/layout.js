// Computes the positions of tiles. Pure: no DOM, no state.

/**
 * @typedef {{width: number, rowHeight: number, gap: number}} Grid
 * @typedef {{top: number, height: number, first: number, end: number}} Row A row of the tiles from
 *   `first` up to `end`, which is not in the row.
 */

/**
 * Arranges tiles in rows that fill the width. Only the last row can be shorter.
 * @param {number[]} aspects The aspect ratios of the tiles.
 * @param {Grid} grid
 * @param {number} top The position of the first row.
 * @returns {{rows: Row[], bottom: number}}
 */
export function justifyRows(aspects, { width, rowHeight, gap }, top) {
  /** @type {Row[]} */
  const rows = [];
  let [first, sum] = [0, 0];
  const add = (/** @type {number} */ end, /** @type {number} */ height) => {
    rows.push({ top, height, first, end });
    top += height + gap;
    [first, sum] = [end, 0];
  };
  aspects.forEach((aspect, at) => {
    const heightWithout = sum ? (width - gap * (at - first - 1)) / sum : Infinity;
    sum += aspect;
    const height = (width - gap * (at - first)) / sum;
    if (height > rowHeight) return;
    // The row ends before this tile if that comes closer to the wanted height.
    if (heightWithout / rowHeight < rowHeight / height && at > first) {
      add(at, heightWithout);
      sum = aspect;
    } else {
      add(at + 1, height);
    }
  });
  if (first < aspects.length) {
    add(aspects.length, Math.min(rowHeight, (width - gap * (aspects.length - first - 1)) / sum));
  }
  return { rows, bottom: top };
}

/**
 * Estimates the height of the rows of tiles that have this sum of aspect ratios.
 * @param {number} sum
 * @param {Grid} grid
 */
export function estimateHeight(sum, { width, rowHeight, gap }) {
  return Math.max(1, Math.ceil((sum * rowHeight) / width)) * (rowHeight + gap);
}

/**
 * Returns the index of the last element whose position is at most `y`, or 0.
 * @param {{top: number}[]} elements In the order of their positions.
 * @param {number} y
 */
export function findAt(elements, y) {
  let [low, high] = [0, elements.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (elements[middle].top <= y) low = middle;
    else high = middle;
  }
  return low;
}
