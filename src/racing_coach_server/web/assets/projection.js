/** From metres on the ground to pixels on a canvas. */

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {{x: Column, y: Column}} Path metres east and north */
/** @typedef {import("./view.js").Stretch} Stretch */

const MARGIN = 26;

export class Projection {
  constructor() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
  }

  /**
   * Fits a stretch of a path into a canvas.
   *
   * @param {Path} path
   * @param {Stretch} stretch
   * @param {number} width
   * @param {number} height
   */
  aim(path, { from, to }, width, height) {
    const [left, right] = extent(path.x, from, to);
    const [bottom, top] = extent(path.y, from, to);
    this.scale = Math.min((width - 2 * MARGIN) / Math.max(right - left, 20), (height - 2 * MARGIN) / Math.max(top - bottom, 20));
    this.x = width / 2 - ((left + right) / 2) * this.scale;
    this.y = height / 2 + ((bottom + top) / 2) * this.scale;
  }

  /**
   * Where a place is on the canvas, in CSS pixels.
   *
   * @param {Path} path
   * @param {number} index
   * @returns {[number, number] | null}
   */
  at(path, index) {
    const [x, y] = [path.x[index], path.y[index]];
    if (x === null || y === null || x === undefined || y === undefined) return null;
    return [this.x + x * this.scale, this.y - y * this.scale];
  }

  /**
   * The direction away from the inside of a bend.
   *
   * @param {Path} path of a whole lap: it goes on at its end where it began
   * @param {number} index of the apex
   * @param {number} reach how many places before and after it count
   * @returns {[number, number]}
   */
  outwards(path, index, reach) {
    const places = path.x.length - 1;
    const [before, at, after] = [index - reach, index, index + reach].map((one) => this.at(path, (one + places) % places));
    if (!before || !at || !after) return [0, -1];
    const [x, y] = [at[0] - (before[0] + after[0]) / 2, at[1] - (before[1] + after[1]) / 2];
    const size = Math.hypot(x, y);
    return size < 0.01 ? [0, -1] : [x / size, y / size];
  }

  /**
   * The place of a stretch that is nearest to a point of the canvas.
   *
   * @param {Path} path
   * @param {Stretch} stretch
   * @param {number} x
   * @param {number} y
   * @param {number} reach px
   * @returns {number | null} null where none is in reach
   */
  nearest(path, { from, to }, x, y, reach) {
    /** @type {number | null} */
    let best = null;
    let least = reach ** 2;
    for (let index = from; index <= to; index += 2) {
      const at = this.at(path, index);
      if (at === null) continue;
      const distance = (at[0] - x) ** 2 + (at[1] - y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }
}

/**
 * The least and the greatest value of a stretch.
 *
 * @param {Column} values
 * @param {number} from
 * @param {number} to
 * @returns {[number, number]}
 */
export function extent(values, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (let index = from; index <= to; index += 1) {
    const value = values[index];
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}
