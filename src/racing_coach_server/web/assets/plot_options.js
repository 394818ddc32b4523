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
  return [low - room, high + room];
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
    points: { show: false },
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

/** @param {boolean} isLast */
export function placeAxis(isLast) {
  return {
    ...looks(),
    size: isLast ? BOTTOM : 0,
    space: 70,
    values: (/** @type {any} */ _, /** @type {number[]} */ splits) => (isLast ? splits.map((at) => `${at} m`) : splits.map(() => "")),
  };
}

/** @param {Spec} spec */
export function valueAxis(spec) {
  return { ...looks(), size: AXIS, space: Math.max(22, spec.height / 5), ...(spec.isStepped ? { incrs: [1, 2, 5] } : {}) };
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
