/** What a plot stands in: its title, the values at the cursor, and room for its canvas. */

import { el, setText } from "./dom.js";
import { fixed, signed } from "./format.js";
import { BOTTOM } from "./plot_options.js";

/** @typedef {import("./plot_options.js").Spec} Spec */

/**
 * @typedef {object} Shown
 * @property {Spec} spec
 * @property {HTMLElement} box
 * @property {HTMLElement} canvas
 * @property {any} plot a uPlot, once it is its turn
 * @property {HTMLElement[]} values
 */

/**
 * A plot's place on the page, as high as it will be.
 *
 * @param {Spec} spec
 * @param {boolean} isLast
 * @returns {Shown}
 */
export function boxOf(spec, isLast) {
  const values = [el("span.value.this"), el("span.value.that"), el("span.value.between")];
  const head = el("div.plot-head", null, el("h3", null, spec.title), el("span.muted", null, spec.unit), values);
  const canvas = el("div");
  canvas.style.minHeight = `${heightOf(spec, isLast)}px`;
  return { spec, box: el("section.plot", { "aria-label": spec.title }, head, canvas), canvas, plot: null, values };
}

/**
 * The height of a plot, with the axis below the last one.
 *
 * @param {Spec} spec
 * @param {boolean} isLast
 */
export function heightOf(spec, isLast) {
  return spec.height + (isLast ? BOTTOM : 0) + 4;
}

/**
 * Says what is at the cursor.
 *
 * @param {Spec} spec
 * @param {HTMLElement[]} values
 * @param {number | null} cursor
 */
export function sayValues(spec, [ours, theirs, between], cursor) {
  const here = cursor === null ? null : (spec.lap?.[cursor] ?? null);
  const there = cursor === null ? null : (spec.reference?.[cursor] ?? null);
  if (spec.isDelta) {
    setText(ours, here === null ? "" : signed(here));
    ours.className = `value ${here !== null && here > 0 ? "loss" : "gain"}`;
    return;
  }
  const text = spec.text ?? ((/** @type {number} */ value) => fixed(value, spec.digits));
  setText(ours, here === null ? "" : text(here));
  setText(theirs, there === null ? "" : text(there));
  setText(between, here === null || there === null ? "" : signed(here - there, spec.digits));
}
