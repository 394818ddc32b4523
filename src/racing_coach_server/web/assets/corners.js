/** Corner by corner: how fast in, through and out, and where the time went. A row shows its corner in the plots. */

import { deltaOf } from "./delta.js";
import { el, fill } from "./dom.js";
import { fixed, signed } from "./format.js";
import { speedUnit } from "./preferences.js";
import { reasonText } from "./words.js";

/** @typedef {import("./documents.js").ViewCorner} Corner */
/** @typedef {import("./documents.js").LapView} LapView */
/** @typedef {import("./scene.js").Scene} Scene */

/**
 * @param {HTMLElement} card
 * @param {LapView} lapView
 * @param {Scene} scene
 */
export function showCorners(card, lapView, scene) {
  const { corners } = lapView;
  card.hidden = corners.length === 0;
  if (card.hidden) return;
  const compares = corners.some((corner) => corner.loss_s !== null);
  const most = Math.max(0.05, ...corners.map((corner) => Math.abs(lostIn(corner) ?? 0)));
  const body = el("tbody", null, corners.map((corner) => rowOf(corner, compares, most, scene)));
  fill(
    card,
    el("div.card-head", null, el("h2", null, "Corner by corner"), el("p.muted", null, `speeds in ${speedUnit().name}`)),
    el("div.scroll", { tabindex: 0, role: "region", "aria-label": "Corner by corner, a table" },
      el("table.corners", null, headOf(compares), body, compares ? footOf(lapView) : null)),
  );
  scene.view.onCursor((cursor) => mark(body, corners, scene, cursor));
}

/** @param {boolean} compares */
function headOf(compares) {
  /** @type {(text: string, title: string) => HTMLElement} */
  const column = (text, title) => el("th", { scope: "col", title }, text);
  const speeds = [
    column("Entry", "Speed at the corner's start; beside it, against the reference"),
    column("Minimum", "Lowest speed"),
    column("Exit", "Speed at the corner's end"),
  ];
  const losses = [
    column("Lost", "In the corner and on the straight after it, s"),
    column("In", "Time lost on the way in, s"),
    column("Middle", "Time lost in the middle, s"),
    column("Out", "Time lost on the way out, s"),
    column("Straight", "Time lost on the straight after it, s"),
  ];
  return el("thead", null, el("tr", null, el("th", { scope: "col" }, "Turn"), compares ? losses : null, speeds));
}

/**
 * @param {Corner} corner
 * @param {boolean} compares
 * @param {number} most the greatest loss of all, s
 * @param {Scene} scene
 */
function rowOf(corner, compares, most, scene) {
  const show = () => scene.showCorner(corner);
  const name = corner.name === null ? String(corner.number) : `${corner.number} ${corner.name}`;
  const button = el("button.quiet", { type: "button", click: show, title: `Show turn ${name} in the plots` }, name);
  const why = corner.excluded === null ? null : el("span.why.muted", null, reasonText(corner.excluded));
  return el(
    "tr",
    { click: show },
    el("th", { scope: "row" }, button, why),
    compares
      ? [
          totalCell(lostIn(corner), most),
          ...[corner.entry_s, corner.middle_s, corner.exit_s, corner.straight_s].map((loss) =>
            el("td", null, deltaOf(loss, { digits: 2, arrow: false, least: 0.015 })),
          ),
        ]
      : null,
    /** @type {const} */ (["entry_speed", "min_speed", "exit_speed"]).map((name) => speedCell(corner, name)),
  );
}

/**
 * @param {Corner} corner
 * @param {"entry_speed" | "min_speed" | "exit_speed"} name
 */
function speedCell(corner, name) {
  const { factor } = speedUnit();
  const [here, there] = [corner.lap?.cornering[name] ?? null, corner.reference?.cornering[name] ?? null];
  const between = here === null || there === null ? null : (here - there) * factor;
  const way = between === null || Math.abs(between) < 0.5 ? "muted" : between > 0 ? "gain" : "loss";
  return el(
    "td.speed",
    null,
    el("span", null, fixed(here === null ? null : here * factor)),
    between === null ? null : el(`span.beside.${way}`, null, signed(between, 0)),
  );
}

/**
 * The loss, with a bar that leans right for a loss and left for a gain.
 *
 * @param {number | null} lost s
 * @param {number} most s
 */
function totalCell(lost, most) {
  const bar = el(`span.bar-of-loss.${(lost ?? 0) > 0 ? "leans-right" : "leans-left"}`, { "aria-hidden": "true" });
  bar.style.setProperty("--size", String(Math.min(1, Math.abs(lost ?? 0) / most)));
  return el("td.total", null, bar, deltaOf(lost, { digits: 3 }));
}

/** @param {LapView} lapView */
function footOf({ corners, delta_total_s: total }) {
  /** @type {(name: "entry_s" | "middle_s" | "exit_s" | "straight_s") => HTMLElement} */
  const sum = (name) => {
    const known = corners.map((corner) => corner[name]).filter((value) => value !== null);
    const added = known.reduce((all, value) => all + /** @type {number} */ (value), 0);
    return el("td", null, deltaOf(known.length ? added : null, { digits: 2, arrow: false, least: 0.015 }));
  };
  return el(
    "tfoot",
    null,
    el(
      "tr",
      null,
      el("th", { scope: "row" }, "Lap"),
      el("td.total", null, deltaOf(total)),
      [sum("entry_s"), sum("middle_s"), sum("exit_s"), sum("straight_s")],
      el("td", { colspan: 3 }),
    ),
  );
}

/**
 * Marks the row of the corner in which the cursor is.
 *
 * @param {HTMLElement} body
 * @param {Corner[]} corners
 * @param {Scene} scene
 * @param {number | null} cursor
 */
function mark(body, corners, scene, cursor) {
  const pct = cursor === null ? -1 : cursor / scene.view.last;
  corners.forEach((corner, index) => {
    const isHere = corner.start_pct <= pct && pct <= corner.end_pct;
    body.children[index].classList.toggle("is-here", isHere);
  });
}

/** @param {Corner} corner */
function lostIn(corner) {
  return corner.loss_s === null ? null : corner.loss_s + (corner.straight_s ?? 0);
}
