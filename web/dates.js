// Formats dates and times of photos. Times are wall-clock times at the place of capture. They are
// never shifted to the time zone of the visitor.

/** The name of the month of photos without a date. */
export const UNDATED = "undated";

const LANGUAGE = document.documentElement.lang || undefined;

/**
 * Returns a formatter that does not shift times to another time zone.
 * @param {Intl.DateTimeFormatOptions} options
 */
export const formatter = (options) => new Intl.DateTimeFormat(LANGUAGE, { ...options, timeZone: "UTC" });
const MONTH = formatter({ year: "numeric", month: "long" });
const SHORT_MONTH = formatter({ year: "numeric", month: "short" });
const DAY = formatter({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
const SHORT_DAY = formatter({ year: "numeric", month: "long", day: "numeric" });

/**
 * Returns the month of a date, or of the folder of a photo. A year is at its start: `1985` gives
 * `1985-01`.
 * @param {string} date
 */
export function monthOf(date) {
  return date === UNDATED ? date : `${date}-01`.slice(0, 7);
}

/**
 * Formats a month such as `2018-02`.
 * @param {string} month
 */
export function formatMonth(month, short = false) {
  if (month === UNDATED) return "Without a date";
  return (short ? SHORT_MONTH : MONTH).format(new Date(`${month}-01T00:00:00Z`));
}

/**
 * Formats a day such as `2018-02-01`, or a partial date such as `1985` or `1985-06`.
 * @param {string | null} date
 */
export function formatDay(date, short = false) {
  if (!date) return "Without a date";
  if (date.length === 4) return date;
  if (date.length === 7) return formatMonth(date);
  return (short ? SHORT_DAY : DAY).format(new Date(`${date.slice(0, 10)}T00:00:00Z`));
}
