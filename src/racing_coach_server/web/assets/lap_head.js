/** The head of the page of a lap: who, what, when, the time, what it is held against, and the report. */

import { deltaOf } from "./delta.js";
import { el, fill } from "./dom.js";
import { dayAndTime, lapTime } from "./format.js";
import { chooseAmongLaps } from "./lap_chooser.js";
import { ruleText } from "./words.js";

/** @typedef {import("./documents.js").LapView} LapView */
/** @typedef {import("./documents.js").LapRow} LapRow */
/** @typedef {{isReport: boolean, choose: (against: string) => void, openReport: () => void}} Ways */

const ANOTHER = "another";

/**
 * @param {HTMLElement} head
 * @param {LapView} lapView
 * @param {Ways} ways
 */
export function showHead(head, lapView, ways) {
  const { lap, reference } = lapView;
  const time = lapTime(lap.lap_time);
  document.title = `${time} ${lap.driver_name}, ${trackOf(lap)} – Racing Coach`;
  fill(
    head,
    el(
      "div.lap-who",
      null,
      el("h1", null, lap.driver_name),
      el("p.muted", null, [trackOf(lap), lap.car_name, `lap ${lap.lap_number}`, dayAndTime(lap.received_at), lap.rig_id].join(" · ")),
      flagOf(lapView),
    ),
    el(
      "div.lap-times",
      null,
      el("p.lap-time", null, lap.lap_time === null ? "No time" : time),
      lapView.grid === null ? null : el(
        "p.lap-against",
        null,
        reference === null ? null : deltaOf(lapView.delta_total_s),
        ways.isReport ? el("span", null, `against ${againstText(lapView)}`) : chooserOf(lapView, ways),
        ways.isReport || !reference?.lap ? null : el("a", { href: `/lap/${encodeURIComponent(reference.lap.lap_id)}` }, "That lap"),
      ),
      lapView.grid !== null && reference === null && lapView.no_reference ? el("p.muted", null, lapView.no_reference) : null,
    ),
    ways.isReport
      ? null
      : el(
          "div.lap-tools",
          null,
          el("a.button", { href: progressOf(lap) }, "Progress"),
          el("button.primary", { type: "button", click: ways.openReport, title: "This page as one file (r)" }, "Report"),
        ),
  );
}

/** @param {LapRow} lap */
export function trackOf(lap) {
  return lap.track_config_name ? `${lap.track_name} (${lap.track_config_name})` : lap.track_name;
}

/**
 * What is the matter with a lap.
 *
 * @param {LapView} lapView
 */
function flagOf({ lap, no_grid: noPlots }) {
  if (noPlots !== null) return el("p.flag", null, noPlots);
  return lap.is_valid ? null : el("p.flag", null, "Not a valid lap: not from line to line on the track");
}

/** @param {LapRow} lap */
function progressOf(lap) {
  const query = new URLSearchParams({ driver: lap.driver, track: lap.track_id, car: lap.car_id });
  if (lap.track_config_name) query.set("config", lap.track_config_name);
  return `/progress?${query}`;
}

/** @param {LapView} lapView */
function againstText({ reference, no_reference: why }) {
  if (reference === null) return why ?? "nothing";
  const { lap, rule, lap_time: time } = reference;
  return lap === null ? `the theoretical best, ${lapTime(time)}` : `${lapTime(time)}, ${lap.driver_name} (${ruleText(rule)})`;
}

/**
 * @param {LapView} lapView
 * @param {Ways} ways
 */
function chooserOf(lapView, ways) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { "aria-label": "Against which lap" }, optionsOf(lapView).map(([value, text]) => el("option", { value }, text)))
  );
  select.value = lapView.against;
  select.addEventListener("change", async () => {
    const chosen = select.value === ANOTHER ? await chooseAmongLaps(lapView.lap) : select.value;
    if (chosen === null) select.value = lapView.against;
    else ways.choose(chosen);
  });
  return [el("span", null, "against"), select];
}

/**
 * @param {LapView} lapView
 * @returns {[value: string, text: string][]}
 */
function optionsOf(lapView) {
  const now = lapView.against;
  // Only of the one that is shown is the theoretical best's time known.
  const time = lapView.reference?.lap_time ?? null;
  /** @type {[string, string][]} */
  const options = lapView.references.map((choice) => [
    choice.against,
    choiceText(choice.against === now ? { ...choice, lap_time: choice.lap_time ?? time } : choice),
  ]);
  if (!options.some(([value]) => value === "none")) options.push(["none", "nothing"]);
  if (!options.some(([value]) => value === now)) {
    options.unshift([now, lapView.reference === null ? "–" : capital(againstText(lapView))]);
  }
  options.push([ANOTHER, "another lap …"]);
  return options;
}

/** @param {import("./documents.js").ReferenceChoice} choice */
function choiceText({ against, lap, lap_time: time }) {
  /** @type {Record<string, string>} */
  const names = {
    coach: "the coach's choice",
    own_best: "own best",
    car_best: "this car's best",
    theoretical: "theoretical best",
  };
  return [time === null ? null : lapTime(time), lap?.driver_name, names[against]]
    .filter((part) => part)
    .join(" · ");
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
