/** Laps: filtered, sorted and paged by what the address says, and two of them chosen to be compared. */

import { ApiError, askUntilAnswered } from "./api.js";
import { frame, notice, onKey } from "./chrome.js";
import { Comparison } from "./comparison.js";
import { byId, el, fill } from "./dom.js";
import { hasFilter, queryOf, showFilters } from "./lap_filters.js";
import { showTable } from "./lap_table.js";
import { focusRow } from "./rows.js";
import { warmLapPage } from "./warm.js";

/** @typedef {import("./documents.js").LapRow} LapRow */

const list = byId("list");
const comparison = new Comparison(byId("compare"), () => markTicked());
/** @type {AbortController | null} */
let asking = null;

frame({
  help: [
    ["j k", "next row, row before"],
    ["Enter", "open the lap"],
    ["Space", "choose it for comparison"],
    ["c", "compare the two chosen laps"],
    ["n", "next page"],
  ],
});
onKey({
  j: () => focusRow(list, 1),
  k: () => focusRow(list, -1),
  c: () => comparison.open(),
  n: () => /** @type {HTMLElement | null} */ (list.querySelector("#next"))?.click(),
});
addEventListener("popstate", () => void load());
void load();
void loadFilters();
warmLapPage();

async function loadFilters() {
  try {
    const facets = await askUntilAnswered("/api/v1/facets", () => {});
    showFilters(byId("filters"), facets, go);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notice(error.message);
  }
}

/**
 * Shows what another address says.
 *
 * @param {URLSearchParams} query
 */
function go(query) {
  const text = query.toString();
  history.pushState(null, "", text === "" ? "/laps" : `/laps?${text}`);
  void load();
}

async function load() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  list.setAttribute("aria-busy", "true");
  const query = new URLSearchParams(location.search);
  try {
    const page = await askUntilAnswered(`/api/v1/laps?${queryOf(query)}`, (error) => notice(error.message), signal);
    if (signal.aborted) return;
    notice(null);
    show(page, query);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    notice(error.message, el("a", { href: "/laps" }, "All laps"));
  }
  list.setAttribute("aria-busy", "false");
}

/**
 * @param {{laps: LapRow[], next: string | null}} page
 * @param {URLSearchParams} query
 */
function show(page, query) {
  if (page.laps.length === 0) {
    fill(list, query.has("after") ? nothingMore() : hasFilter(query) ? noMatch() : noLapYet());
    return;
  }
  showTable(list, page.laps, query, { go, comparison });
  const pager = el(
    "nav.pager",
    { "aria-label": "Pages of laps" },
    query.has("after") ? el("button", { type: "button", click: () => go(without(query, "after")) }, "First page") : null,
    page.next === null
      ? null
      : el("button", { type: "button", id: "next", click: () => go(withValue(query, "after", page.next ?? "")) }, "Next page"),
  );
  list.append(pager);
  if (query.has("after")) scrollTo({ top: 0 });
}

function markTicked() {
  for (const row of list.querySelectorAll("tr[data-lap]")) {
    const isTicked = comparison.has(/** @type {HTMLElement} */ (row).dataset.lap ?? "");
    row.classList.toggle("is-ticked", isTicked);
    const box = /** @type {HTMLInputElement} */ (row.querySelector("input[type=checkbox]"));
    box.checked = isTicked;
  }
}

/**
 * @param {URLSearchParams} query
 * @param {string} name
 * @param {string} value
 */
function withValue(query, name, value) {
  const changed = new URLSearchParams(query);
  changed.set(name, value);
  return changed;
}

/**
 * @param {URLSearchParams} query
 * @param {string} name
 */
function without(query, name) {
  const changed = new URLSearchParams(query);
  changed.delete(name);
  return changed;
}

function nothingMore() {
  return el("div.empty", null, el("h2", null, "No more laps"), el("p", null, el("a", { href: "/laps" }, "To the newest laps")));
}

function noMatch() {
  return el("div.empty", null, el("h2", null, "No lap is like that"), el("p", null, el("a", { href: "/laps" }, "Show all laps")));
}

function noLapYet() {
  return el(
    "div.empty",
    null,
    el("h2", null, "No lap yet"),
    el("p", null, "On a rig, beside the simulator: ", el("code", null, "racing-coach-rig run")),
    el("p", null, "A lap that you have as a file: ", el("code", null, "racing-coach-rig publish FILE")),
    el("p.muted", null, "Garage 61 CSV and iRacing .ibt are read as they are. Laps are here a moment after the line."),
  );
}
