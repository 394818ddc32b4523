/** Colours of the map: where time is won and lost, or how fast the car is. */

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {[number, number, number]} Rgb */

/** From slow to fast, of viridis: lighter is faster, for all eyes. */
/** @type {Rgb[]} */
const SPEED = [[72, 40, 120], [49, 104, 142], [31, 158, 137], [109, 205, 89], [253, 231, 37]];

/** How many colours a line is painted in: every piece of one colour is one stroke. */
export const SHADES = 15;

/** Less than this much of the delta in a metre is not painted in full colour, however even the lap is, s. */
const FAINT_S_PER_M = 0.0004;

/**
 * For every place, which of the shades it has by how much of the delta is made around it: 0 wins most, the last loses most.
 * Full colour is what the strongest twentieth of the lap has.
 *
 * @param {Column} delta s
 * @param {number} stepM
 * @returns {number[]}
 */
export function shadesByDelta(delta, stepM) {
  const reach = Math.max(1, Math.round(20 / stepM));
  const slopes = delta.map((_, index) => {
    const [before, after] = [Math.max(0, index - reach), Math.min(delta.length - 1, index + reach)];
    const [from, to] = [delta[before], delta[after]];
    return from === null || to === null ? 0 : (to - from) / ((after - before) * stepM);
  });
  const sizes = slopes.map(Math.abs).sort((one, other) => one - other);
  const full = Math.max(FAINT_S_PER_M, sizes[Math.floor(sizes.length * 0.95)]);
  const middle = (SHADES - 1) / 2;
  return slopes.map((slope) => Math.round(middle + middle * Math.max(-1, Math.min(1, slope / full))));
}

/**
 * For every place, which of the shades its speed has.
 *
 * @param {Column} speed
 * @returns {number[]}
 */
export function shadesBySpeed(speed) {
  const known = /** @type {number[]} */ (speed.filter((value) => value !== null));
  const low = known.reduce((least, value) => Math.min(least, value), Infinity);
  const high = known.reduce((most, value) => Math.max(most, value), -Infinity);
  return speed.map((value) => (value === null ? 0 : Math.round(((value - low) / (high - low || 1)) * (SHADES - 1))));
}

/**
 * The colours of the shades by delta.
 *
 * @param {string} gain a hexadecimal colour
 * @param {string} even
 * @param {string} loss
 */
export function deltaColours(gain, even, loss) {
  return ramp([gain, even, loss].map(rgbOf));
}

export function speedColours() {
  return ramp(SPEED);
}

/** @param {Rgb[]} stops */
function ramp(stops) {
  return Array.from({ length: SHADES }, (_, index) => {
    const at = (index / (SHADES - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[low].map((value, part) => Math.round(value + (stops[low + 1][part] - value) * (at - low)));
    return `rgb(${mixed.join(" ")})`;
  });
}

/**
 * @param {string} hex `#0b5fc0`
 * @returns {Rgb}
 */
function rgbOf(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return [red, green, blue];
}
