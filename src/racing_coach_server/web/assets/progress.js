/** A driver's progress in one car on one track: over laps, stints and days, and corner by corner. */

import { ApiError, askUntilAnswered } from "./api.js";
import { frame, notice, onKey } from "./chrome.js";
import { byId, el, fill } from "./dom.js";
import { lapTime } from "./format.js";
import { showProgressCorners } from "./progress_corners.js";
import { PROGRESS_KEYS, ProgressPlots } from "./progress_plots.js";

/** @typedef {import("./progress_documents.js").Progress} Progress */
/** @typedef {import("./progress_documents.js").Choice} Choice */

/** @type {ProgressPlots | null} */
let plots = null;
/** @type {Choice[]} */
let choices = [];
/** @type {AbortController | null} */
let showing = null;

frame({ help: PROGRESS_KEYS, hasSpeeds: true });
onKey({
  ArrowLeft: () => plots?.view.moveBy(-1),
  ArrowRight: () => plots?.view.moveBy(1),
  "+": () => plots?.view.zoom(0.625),
  "=": () => plots?.view.zoom(0.625),
  "-": () => plots?.view.zoom(1.6),
  0: () => plots?.view.showAll(),
  Enter: () => plots?.openLap(),
  s: () => plots?.next(),
});
addEventListener("popstate", () => void load());
void begin();

async function begin() {
  await guarded(async () => {
    choices = (await askUntilAnswered("/api/v1/progress/choices", tell)).choices;
    if (choices.length === 0) fill(byId("head"), noLapYet());
    else await load();
  });
}

async function load() {
  await guarded(async () => {
    const query = new URLSearchParams(location.search);
    const asked = query.has("driver") ? query : queryOf(choices[0]);
    /** @type {Progress} */
    const progress = await askUntilAnswered(`/api/v1/progress?${asked}`, tell);
    notice(null);
    show(progress);
  });
}

/** @param {() => Promise<void>} work */
async function guarded(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notice(error.message, el("a", { href: "/progress" }, "Begin anew"));
  }
}

/** @param {ApiError} error */
function tell(error) {
  notice(error.message);
}

/** @param {Progress} progress */
function show(progress) {
  document.title = `${progress.driver_name}, ${progress.track_name} – Racing Coach`;
  fill(
    byId("head"),
    el("h1", null, progress.driver_name),
    el("label.choice", null, el("span.off-screen", null, "Driver, track and car"), chooser(progress)),
  );
  fill(byId("facts"), factsOf(progress));
  plots?.close();
  byId("times").hidden = !progress.laps.some((lap) => lap.is_reference);
  plots = new ProgressPlots(byId("bar"), byId("plots"), progress);
  const showCorners = () => showProgressCorners(byId("corners"), progress, (corner) => plots?.showCorner(corner));
  showCorners();
  showing?.abort();
  showing = new AbortController();
  document.addEventListener("units", showCorners, { signal: showing.signal });
}

/** @param {Progress} progress */
function chooser(progress) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", null, choices.map((choice) => el("option", { value: queryOf(choice).toString() }, nameOf(choice))))
  );
  const here = queryOf(progress).toString();
  if (!choices.some((choice) => queryOf(choice).toString() === here)) select.prepend(el("option", { value: here }, nameOf(progress)));
  select.value = here;
  select.addEventListener("change", () => {
    history.pushState(null, "", `/progress?${select.value}`);
    void load();
  });
  return select;
}

/** @param {Choice | Progress} choice */
function nameOf({ driver_name: driver, track_name: track, track_config_name: config, car_name: car }) {
  return [driver, config ? `${track} (${config})` : track, car].join(" · ");
}

/** @param {Choice | Progress} choice */
function queryOf({ driver, track_id: track, track_config_name: config, car_id: car }) {
  return new URLSearchParams({ driver, track, ...(config ? { config } : {}), car });
}

/** @param {Progress} progress */
function factsOf({ laps, sessions, theoretical_best_s: theoretical, has_more: more }) {
  const counted = laps.filter((lap) => lap.is_reference && lap.lap_time !== null);
  const times = counted.map((lap) => /** @type {number} */ (lap.lap_time));
  const best = times.length > 0 ? Math.min(...times) : null;
  const last = sessions.at(-1)?.lap_time ?? null;
  /** @type {[string, string, string?][]} */
  const facts = [
    ["Best", lapTime(best)],
    ["Theoretical best", lapTime(theoretical), "The best of every segment; nobody has driven it in one lap"],
    ["Median of the last stint", lapTime(last?.median_s)],
    ["Spread of the last stint", last?.spread_s === null || last === null ? "–" : `±${last.spread_s.toFixed(3)}`, "Half of what lies between the quartiles, s"],
    ["Laps that count", `${counted.length} of ${laps.length}${more ? " newest" : ""}`, "Whole laps on the track"],
  ];
  return facts.map(([name, value, title]) => el("dl.fact", { title }, el("dt.muted", null, name), el("dd", null, value)));
}

function noLapYet() {
  return el(
    "div.empty",
    null,
    el("h1", null, "No progress to show yet"),
    el("p", null, "It begins with the first whole lap. On a rig: ", el("code", null, "racing-coach-rig run")),
  );
}
