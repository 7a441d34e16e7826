// Draws a thumbhash, the tiny picture that is shown until the picture is loaded
// (https://evanw.github.io/thumbhash/).

/**
 * Draws the thumbhash on the canvas. The canvas gets a size of at most 32 pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {string} base64
 */
export function drawThumbhash(canvas, base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const head = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const more = bytes[3] | (bytes[4] << 8);
  const hasAlpha = head >> 23;
  const isLandscape = more >> 15;
  const long = hasAlpha ? 5 : 7;
  const [columns, rows] = isLandscape ? [long, more & 7] : [more & 7, long];
  let at = hasAlpha ? 12 : 10;
  /** Reads the coefficients of one channel, which are four bits each. */
  const readChannel = (/** @type {number} */ nx, /** @type {number} */ ny, /** @type {number} */ scale) => {
    const terms = [];
    for (let y = 0; y < ny; y++) {
      for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++, at++) {
        const nibble = (bytes[at >> 1] >> ((at & 1) << 2)) & 15;
        terms.push({ x, y, value: (nibble / 7.5 - 1) * scale });
      }
    }
    return terms;
  };
  const light = readChannel(Math.max(3, columns), Math.max(3, rows), ((head >> 18) & 31) / 31);
  const yellow = readChannel(3, 3, (((more >> 3) & 63) / 63) * 1.25);
  const red = readChannel(3, 3, (((more >> 9) & 63) / 63) * 1.25);
  const means = [(head & 63) / 63, ((head >> 6) & 63) / 31.5 - 1, ((head >> 12) & 63) / 31.5 - 1];

  const ratio = columns / rows;
  const width = Math.round(ratio > 1 ? 32 : 32 * ratio);
  const height = Math.round(ratio > 1 ? 32 / ratio : 32);
  const cosines = (/** @type {number} */ size) =>
    Array.from({ length: size }, (_, pixel) =>
      Array.from({ length: 7 }, (_, term) => Math.cos((Math.PI / size) * (pixel + 0.5) * term)),
    );
  const [across, down] = [cosines(width), cosines(height)];
  const image = new ImageData(width, height);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out += 4) {
      const [l, p, q] = [light, yellow, red].map((terms, channel) =>
        terms.reduce((sum, term) => sum + term.value * across[x][term.x] * down[y][term.y] * 2, means[channel]),
      );
      const blue = l - (2 / 3) * p;
      const redder = (3 * l - blue + q) / 2;
      const levels = [redder, redder - q, blue, 1];
      levels.forEach((level, channel) => (image.data[out + channel] = Math.max(0, Math.min(1, level)) * 255));
    }
  }
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
