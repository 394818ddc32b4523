/** A difference in time as people see it at a glance: colour, sign and arrow say the same. */

import { el } from "./dom.js";
import { signed, wayOf } from "./format.js";

const ARROWS = { gain: "▼", loss: "▲", even: "" };
const WORDS = { gain: "faster", loss: "slower", even: "even" };

/**
 * @param {number | null | undefined} seconds
 * @param {{digits?: number, arrow?: boolean, least?: number}} [options] `least`: what is less has no colour, s
 */
export function deltaOf(seconds, { digits = 3, arrow = true, least = 0.0005 } = {}) {
  const way = wayOf(seconds, least);
  const isKnown = seconds !== null && seconds !== undefined;
  return el(
    `span.delta.${way}`,
    null,
    arrow && ARROWS[way] !== "" ? el("span.arrow", { "aria-hidden": "true" }, ARROWS[way]) : null,
    signed(seconds, digits),
    isKnown ? el("span.off-screen", null, ` seconds, ${WORDS[way]}`) : null,
  );
}
