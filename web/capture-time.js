// Formats the capture time of a photo.

import { formatDay, formatter } from "./dates.js";

const TIME = formatter({ hour: "numeric", minute: "2-digit", second: "2-digit" });

/**
 * Formats the capture time of a photo, as precisely as it is known.
 * @param {import("./gallery-files.js").Photo} photo
 */
export function formatCaptureTime({ takenAtLocal, offset }) {
  const day = formatDay(takenAtLocal);
  if (!takenAtLocal || takenAtLocal.length < 19) return day;
  const time = TIME.format(new Date(`${takenAtLocal.slice(0, 19)}Z`));
  return `${day}, ${time}${offset ? ` (UTC${offset})` : ""}`;
}
