/** Corner by corner over all laps: the best, the usual, how alike, and what lies between best and usual. */

import { deltaOf } from "./delta.js";
import { el, fill } from "./dom.js";
import { fixed } from "./format.js";
import { speedUnit } from "./preferences.js";
import { nameOf } from "./progress_plots.js";

/** @typedef {import("./progress_documents.js").ProgressCorner} Corner */

const RECENT = 5;

/**
 * @param {HTMLElement} card
 * @param {import("./progress_documents.js").Progress} progress
 * @param {(corner: Corner) => void} show its times in the plots
 */
export function showProgressCorners(card, { corners }, show) {
  const known = corners.filter((corner) => corner.spread !== null);
  card.hidden = known.length === 0;
  const most = Math.max(0.05, ...known.map(missing));
  const columns = [
    ["To gain", "What the median loses to the best, s"],
    ["Median", "s"],
    ["Best", "s"],
    ["Spread", "Half of what lies between the quartiles, s"],
    ["Now", `Median of the last ${RECENT} laps against that of all, s`],
    ["Slowest", `Median of the lowest speeds, ${speedUnit().name}`],
  ];
  fill(
    card,
    el("div.card-head", null, el("h2", null, "Corner by corner"), el("p.muted", null, "a row shows its times above")),
    el(
      "div.scroll",
      { tabindex: 0, role: "region", "aria-label": "Corner by corner, a table" },
      el(
        "table.corners",
        null,
        el("thead", null, el("tr", null, el("th", { scope: "col" }, "Turn"), columns.map(([text, title]) => el("th", { scope: "col", title }, text)))),
        el("tbody", null, known.map((corner) => rowOf(corner, most, show))),
      ),
    ),
  );
}

/**
 * @param {Corner} corner
 * @param {number} most s
 * @param {(corner: Corner) => void} show
 */
function rowOf(corner, most, show) {
  const spread = /** @type {import("./progress_documents.js").Spread} */ (corner.spread);
  const lost = missing(corner);
  const bar = el("span.bar-of-loss.leans-right", { "aria-hidden": "true" });
  bar.style.setProperty("--size", String(lost / most));
  const recent = median(corner.times_s.filter((time) => time !== null).slice(-RECENT));
  const change = recent === null ? null : recent - spread.median_s;
  const slowest = median(corner.min_speeds.filter((speed) => speed !== null));
  return el(
    "tr",
    { click: () => show(corner) },
    el("th", { scope: "row" }, el("button.quiet", { type: "button", title: "Show its times" }, nameOf(corner))),
    el("td.total", null, bar, fixed(lost, 3)),
    el("td", null, fixed(spread.median_s, 3)),
    el("td", null, fixed(spread.best_s, 3)),
    el("td", null, spread.spread_s === null ? "–" : `±${spread.spread_s.toFixed(3)}`),
    el("td", null, deltaOf(change, { digits: 2, least: 0.015 })),
    el("td", null, fixed(slowest === null ? null : slowest * speedUnit().factor)),
  );
}

/** @param {Corner} corner */
function missing({ spread }) {
  return spread === null ? 0 : spread.median_s - spread.best_s;
}

/** @param {(number | null)[]} values */
function median(values) {
  const sorted = /** @type {number[]} */ (values).toSorted((one, other) => one - other);
  return sorted.length === 0 ? null : sorted[Math.floor(sorted.length / 2)];
}
