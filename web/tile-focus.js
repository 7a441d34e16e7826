// Moves the focus between the tiles by the arrow keys.

/**
 * Moves the focus from a tile to the tile beside, above or below it. Does nothing if there is none.
 * @param {Element} canvas
 * @param {Element} tile
 * @param {string} key
 */
export function moveFocus(canvas, tile, key) {
  const tiles = [...canvas.querySelectorAll("a")];
  const at = tiles.findIndex((other) => other === tile);
  const isForward = key === "ArrowRight" || key === "ArrowDown";
  const others = isForward ? tiles.slice(at + 1) : tiles.slice(0, at).reverse();
  if (key === "ArrowRight" || key === "ArrowLeft") {
    others[0]?.focus();
    return;
  }
  const { left, right, top } = tile.getBoundingClientRect();
  const middle = (left + right) / 2;
  const boxes = others.map((other) => ({ other, box: other.getBoundingClientRect() }));
  const elsewhere = boxes.filter(({ box }) => Math.abs(box.top - top) > 1);
  // The nearest tile of the next line.
  const line = elsewhere.filter(({ box }) => Math.abs(box.top - elsewhere[0].box.top) <= 1);
  const distance = (/** @type {DOMRect} */ box) => Math.abs((box.left + box.right) / 2 - middle);
  line.sort((a, b) => distance(a.box) - distance(b.box));
  (line[0]?.other ?? others.at(0))?.focus();
}
