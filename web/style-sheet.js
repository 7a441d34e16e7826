// Makes style sheets.

/**
 * Makes a constructed style sheet. A strict Content-Security-Policy needs no exception for it.
 * @param {string} css
 */
export function styleSheet(css) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
