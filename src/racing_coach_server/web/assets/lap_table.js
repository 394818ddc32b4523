/** A page of laps as a table. */

import { el, fill } from "./dom.js";
import { dayAndTime, lapTime } from "./format.js";
import { trackOf } from "./lap_head.js";

/** @typedef {import("./documents.js").LapRow} LapRow */
/** @typedef {{go: (query: URLSearchParams) => void, comparison: import("./comparison.js").Comparison}} Ways */

/**
 * @param {HTMLElement} list
 * @param {LapRow[]} laps
 * @param {URLSearchParams} query
 * @param {Ways} ways
 */
export function showTable(list, laps, query, ways) {
  const head = el(
    "tr",
    null,
    el("th.tick", { scope: "col" }, el("span.off-screen", null, "Compare")),
    sortable("lap_time", "Time", "asc", query, ways),
    el("th.left", { scope: "col" }, "Driver"),
    el("th.left", { scope: "col" }, "Track"),
    el("th.left.wide", { scope: "col" }, "Car"),
    el("th.wide", { scope: "col" }, "Lap"),
    el("th.left.wide", { scope: "col" }, "Rig"),
    sortable("received", "When", "desc", query, ways),
  );
  const rows = laps.map((lap) => rowOf(lap, ways.comparison));
  fill(list, el("div.card.table-card", null, el("table.laps", null, el("thead", null, head), el("tbody", null, rows))));
}

/**
 * @param {LapRow} lap
 * @param {import("./comparison.js").Comparison} comparison
 */
function rowOf(lap, comparison) {
  const isTicked = comparison.has(lap.lap_id);
  const time = lapTime(lap.lap_time);
  const box = el("input", {
    type: "checkbox",
    checked: isTicked,
    "aria-label": `Compare ${time} of ${lap.driver_name}`,
    change: () => comparison.toggle(lap),
  });
  return el(
    `tr${isTicked ? ".is-ticked" : ""}`,
    { "data-lap": lap.lap_id },
    el("td.tick", null, el("label", null, box)),
    el(
      "td.time",
      null,
      el("a", { href: `/lap/${encodeURIComponent(lap.lap_id)}`, keydown: tickBySpace(box) }, time),
      lap.is_valid ? null : el("span.not-valid", { title: "Not from line to line on the track" }, "not valid"),
    ),
    el("td.left.name", null, lap.driver_name),
    el("td.left.name", null, trackOf(lap), el("span.narrow.muted", null, `, ${lap.car_name}`)),
    el("td.left.name.wide", null, lap.car_name),
    el("td.wide", null, String(lap.lap_number)),
    el("td.left.name.wide", null, lap.rig_id),
    el("td.muted", null, el("time", { datetime: lap.received_at }, dayAndTime(lap.received_at))),
  );
}

/** @param {HTMLElement} box */
function tickBySpace(box) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    box.click();
  };
}

/**
 * A column's head by which the laps can be sorted.
 *
 * @param {string} name
 * @param {string} text
 * @param {"asc" | "desc"} first the order at the first click
 * @param {URLSearchParams} query
 * @param {Ways} ways
 */
function sortable(name, text, first, query, ways) {
  const isSorted = (query.get("sort") ?? "received") === name;
  const order = isSorted ? (query.get("order") ?? (name === "received" ? "desc" : "asc")) : null;
  const sort = () => {
    const changed = new URLSearchParams(query);
    changed.delete("after");
    changed.set("sort", name);
    changed.set("order", order === null ? first : order === "asc" ? "desc" : "asc");
    ways.go(changed);
  };
  const arrow = order === null ? "" : order === "asc" ? " ↑" : " ↓";
  const aria = order === null ? null : order === "asc" ? "ascending" : "descending";
  return el("th.sorts", { scope: "col", "aria-sort": aria }, el("button.quiet", { type: "button", click: sort }, `${text}${arrow}`));
}
