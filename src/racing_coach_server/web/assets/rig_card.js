/** What one rig's card says: who, where, the last lap large, what the coach said of it, and the laps before. */

import { agoOf } from "./clock.js";
import { deltaOf } from "./delta.js";
import { el } from "./dom.js";
import { lapTime, milliseconds, unbroken } from "./format.js";

/** @typedef {import("./live_documents.js").Rig} Rig */
/** @typedef {import("./live_documents.js").RigLap} RigLap */

const STATES = /** @type {const} */ ([
  [true, "is-on", "online"],
  [false, "is-off", "away"],
  [null, "is-unknown", "not known whether it is online"],
]);

/** @param {Rig} rig */
export function contentOf(rig) {
  const [last, ...before] = rig.laps;
  return [
    headOf(rig),
    last ? nowOf(rig, last) : el("p.waits.muted", null, "Waiting for the first lap"),
    last ? saidOf(last) : null,
    before.length > 0 ? el("ol.laps-before", { "aria-label": "Laps before" }, before.slice(0, 7).map(lapItem)) : null,
    last ? footOf(last) : null,
  ];
}

/** @param {Rig} rig */
function headOf(rig) {
  const [, state, text] = STATES.find(([online]) => online === rig.online) ?? STATES[2];
  const track = rig.track_config_name ? `${rig.track_name} (${rig.track_config_name})` : rig.track_name;
  const where = [rig.car_name, track].filter((part) => part).join(" · ");
  return el(
    "header.rig-head",
    null,
    el(`span.dot.${state}`, { title: text, role: "img", "aria-label": text }),
    el("h2", null, rig.driver_name ?? rig.rig_id),
    rig.driver_name === null ? null : el("span.muted", null, rig.rig_id),
    where ? el("p.muted", null, where) : null,
    rig.online === false && rig.online_since ? el("p.muted", null, "Away, left ", agoOf(rig.online_since)) : null,
  );
}

/**
 * @param {Rig} rig
 * @param {RigLap} lap
 */
function nowOf(rig, lap) {
  return el(
    "div.now",
    null,
    el("a.now-time", { href: hrefOf(lap), "aria-label": `Lap ${lap.lap_number}, ${lapTime(lap.lap_time)}` }, lap.lap_time === null ? "No time" : lapTime(lap.lap_time)),
    el(
      "div.now-beside",
      null,
      lap.is_best ? el("span.best", null, "★ best") : lap.delta_s === null ? null : deltaOf(lap.delta_s),
      lap.is_valid ? null : el("span.muted", null, "not valid"),
      rig.best_s === null || lap.is_best ? null : bestOf(rig),
    ),
  );
}

/** @param {Rig} rig */
function bestOf(rig) {
  const time = lapTime(rig.best_s);
  const link = rig.best_lap_id === null ? time : el("a", { href: `/lap/${encodeURIComponent(rig.best_lap_id)}` }, time);
  return el("span.now-best", null, el("span.muted", null, "best "), link);
}

/** @param {RigLap} lap */
function saidOf({ coaching }) {
  if (coaching === null) return null;
  const advice = coaching.advice.map((one) => el("li", null, unbroken(one.text)));
  if (advice.length > 0) return el("ul.said", { "aria-label": "The coach" }, advice);
  const praise = coaching.praise[0]?.text;
  if (praise) return el("ul.said", { "aria-label": "The coach" }, el("li.gain", null, praise));
  return coaching.silence_text ? el("p.said-nothing.muted", null, coaching.silence_text) : null;
}

/** @param {RigLap} lap */
function lapItem(lap) {
  return el(
    "li",
    null,
    el("span.muted", null, String(lap.lap_number)),
    el("a", { href: hrefOf(lap) }, lapTime(lap.lap_time)),
    lap.is_valid
      ? lap.is_best
        ? el("span.best", { title: "best" }, "★")
        : deltaOf(lap.delta_s, { arrow: false })
      : el("span.muted", null, "not valid"),
  );
}

/** @param {RigLap} lap */
function footOf(lap) {
  return el(
    "footer.muted",
    null,
    `Lap ${lap.lap_number} · `,
    agoOf(lap.received_at),
    lap.answer_ms === null ? null : ` · stored in ${milliseconds(lap.answer_ms)}`,
  );
}

/** @param {RigLap} lap */
function hrefOf(lap) {
  return `/lap/${encodeURIComponent(lap.lap_id)}`;
}
