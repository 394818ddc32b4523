/** Going through a table's rows by key. */

/**
 * Puts the focus on the link of the next row, or of the row before.
 *
 * @param {HTMLElement} list
 * @param {1 | -1} direction
 */
export function focusRow(list, direction) {
  const rows = [...list.querySelectorAll("tbody tr")];
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + direction));
  const link = rows[next].querySelector("a");
  link?.focus();
  link?.scrollIntoView({ block: "nearest" });
}
