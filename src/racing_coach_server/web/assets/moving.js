/** Medians and spreads over the last values. */

/** @typedef {import("./columns.js").Column} Column */

/**
 * At each value, the median of so many values up to it that are known; null before there are three.
 *
 * @param {Column} values
 * @param {number} count
 * @returns {Column}
 */
export function movingMedian(values, count) {
  return over(values, count, (sorted) => quantile(sorted, 0.5));
}

/**
 * Likewise, half of what lies between the quartiles.
 *
 * @param {Column} values
 * @param {number} count
 * @returns {Column}
 */
export function movingSpread(values, count) {
  return over(values, count, (sorted) => (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2);
}

/**
 * @param {Column} values
 * @param {number} count
 * @param {(sorted: number[]) => number} of
 */
function over(values, count, of) {
  /** @type {number[]} */
  const last = [];
  return values.map((value) => {
    if (value === null) return null;
    last.push(value);
    if (last.length > count) last.shift();
    return last.length < 3 ? null : of(last.toSorted((one, other) => one - other));
  });
}

/**
 * @param {number[]} sorted
 * @param {number} share
 */
function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}
