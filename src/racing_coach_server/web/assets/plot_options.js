/** What uPlot is told about one plot: its axes, its lines, and their colours. */

import { colour } from "./preferences.js";

/** @typedef {import("./columns.js").Column} Column */

/**
 * @typedef {object} Spec one plot
 * @property {string} key
 * @property {string} title
 * @property {string} unit
 * @property {number} height in CSS pixels, of the plot alone
 * @property {Column | null} lap
 * @property {Column | null} reference
 * @property {number} digits
 * @property {boolean} [isDelta] coloured by its sign
 * @property {boolean} [isStepped]
 * @property {(value: number) => string} [text] how a value reads, if not as a number
 * @property {boolean} [isDotted] every value is a dot: there are few
 * @property {[number, number]} [range] of its values, where it is always the same
 */

const AXIS = 44;
export const BOTTOM = 26;
const FONT = "12px system-ui, sans-serif";

/**
 * @param {Spec} spec
 * @param {number | null} low
 * @param {number | null} high
 * @returns {[number, number]}
 */
export function roomy(spec, low, high) {
  if (low === null || high === null) return [0, 1];
  if (spec.isDelta) [low, high] = [Math.min(low, -0.02), Math.max(high, 0.02)];
  const room = Math.max((high - low) * 0.06, 1e-6);
  // The corners' numbers stand above the delta, not in it.
  return [low - room, high + (spec.isDelta ? 3 : 1) * room];
}

/**
 * @param {"this" | "that"} which
 * @param {number} width
 * @param {Spec} spec
 */
export function line(which, width, spec) {
  return {
    width,
    stroke: (/** @type {any} */ plot) => (spec.isDelta ? bySign(plot, "") : colour(which)),
    fill: spec.isDelta ? (/** @type {any} */ plot) => bySign(plot, "2e") : undefined,
    fillTo: 0,
    points: { show: spec.isDotted === true && which === "this", size: 7, fill: () => colour("this") },
    paths: spec.isStepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
  };
}

/**
 * The colour of losing above zero and that of gaining below it.
 *
 * @param {any} plot
 * @param {string} alpha two hexadecimal digits, or none
 */
function bySign(plot, alpha) {
  const { top, height } = plot.bbox;
  const zero = Math.min(1, Math.max(0, (plot.valToPos(0, "y", true) - top) / height)) || 0;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  for (const [stop, name] of /** @type {[number, string][]} */ ([[0, "loss"], [zero, "loss"], [zero, "gain"], [1, "gain"]]))
    gradient.addColorStop(stop, colour(name) + alpha);
  return gradient;
}

/** Places are whole numbers. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

/**
 * @param {boolean} isLast
 * @param {(at: number) => string} text
 */
export function placeAxis(isLast, text) {
  return {
    ...looks(),
    size: isLast ? BOTTOM : 0,
    space: 70,
    incrs: STEPS,
    values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((at) => (isLast ? text(at) : "")),
  };
}

/** @param {Spec} spec */
export function valueAxis({ height, isStepped, text }) {
  return {
    ...looks(),
    size: text ? 72 : AXIS,
    space: Math.max(22, height / 5),
    ...(isStepped ? { incrs: [1, 2, 5] } : {}),
    ...(text ? { values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map(text) } : {}),
  };
}

function looks() {
  return {
    font: FONT,
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
}
