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
      lap.is_valid ? null : el("p.flag", null, "Not a valid lap: not from line to line on the track"),
      lapView.no_grid === null ? null : el("p.flag", null, lapView.no_grid),
    ),
    el(
      "div.lap-times",
      null,
      el("p.lap-time", null, time),
      reference === null
        ? el("p.muted", null, lapView.no_reference ?? "Held against nothing")
        : el("p.lap-against", null, deltaOf(lapView.delta_total_s), " ", againstText(lapView, ways)),
    ),
    ways.isReport ? null : toolsOf(lapView, ways),
  );
}

/** @param {LapRow} lap */
export function trackOf(lap) {
  return lap.track_config_name ? `${lap.track_name} (${lap.track_config_name})` : lap.track_name;
}

/**
 * @param {LapView} lapView
 * @param {Ways} ways
 */
function againstText({ reference }, ways) {
  if (reference === null) return null;
  const { lap, rule } = reference;
  const whose = lap === null ? "theoretical best: the best of every segment, driven by nobody" : `${lap.driver_name}, ${ruleText(rule)}`;
  const time = lapTime(reference.lap_time);
  return el(
    "span",
    null,
    "against ",
    lap === null || ways.isReport ? el("strong", null, time) : el("a", { href: `/lap/${encodeURIComponent(lap.lap_id)}` }, time),
    ` · ${whose}`,
  );
}

/**
 * @param {LapView} lapView
 * @param {Ways} ways
 */
function toolsOf(lapView, ways) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { id: "against" }, optionsOf(lapView).map(([value, text]) => el("option", { value }, text)))
  );
  select.value = lapView.against;
  select.addEventListener("change", async () => {
    const chosen = select.value === ANOTHER ? await chooseAmongLaps(lapView.lap) : select.value;
    if (chosen === null) select.value = lapView.against;
    else ways.choose(chosen);
  });
  return el(
    "div.lap-tools",
    null,
    el("label", { for: "against" }, el("span.muted", null, "Against"), select),
    el("button.primary", { type: "button", click: ways.openReport, title: "This page as one file (r)" }, "Report"),
  );
}

/**
 * @param {LapView} lapView
 * @returns {[value: string, text: string][]}
 */
function optionsOf(lapView) {
  /** @type {[string, string][]} */
  const options = lapView.references.map((choice) => [choice.against, choiceText(choice)]);
  const known = options.map(([value]) => value);
  if (!known.includes("none")) options.push(["none", "Nothing"]);
  if (!known.includes(lapView.against) && lapView.against !== "none") {
    const { lap, lap_time: time } = lapView.reference ?? { lap: null, lap_time: null };
    options.unshift([lapView.against, time === null ? "The coach's choice" : `${lapTime(time)} ${lap?.driver_name ?? ""}`.trim()]);
  }
  options.push([ANOTHER, "Another lap …"]);
  return options;
}

/** @param {import("./documents.js").ReferenceChoice} choice */
function choiceText({ against, lap, lap_time: time }) {
  /** @type {Record<string, string>} */
  const names = {
    coach: "The coach's choice",
    own_best: "Own best",
    car_best: "This car's best",
    theoretical: "Theoretical best",
  };
  const name = names[against] ?? lap?.driver_name ?? "A lap";
  return time === null ? name : `${name}, ${lapTime(time)}`;
}
