/** Any lap of the same track and car, to be held against. */

import { ApiError, ask } from "./api.js";
import { el, fill } from "./dom.js";
import { dayAndTime, lapTime } from "./format.js";

/** @typedef {import("./documents.js").LapRow} LapRow */

/**
 * Lets the reader choose, the fastest first.
 *
 * @param {LapRow} lap
 * @returns {Promise<string | null>} a lap's id; null where none was chosen
 */
export function chooseAmongLaps(lap) {
  return new Promise((resolve) => {
    const list = el("ul.choices", null, el("li.muted", null, "Reading laps …"));
    const title = el("h2", null, "Against which lap?");
    const close = el("button", { type: "button", click: () => dialog.close() }, "Cancel");
    const dialog = /** @type {HTMLDialogElement} */ (el("dialog", { "aria-label": "Against which lap" }, title, list, close));
    /** @type {string | null} */
    let chosen = null;
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
    void fillWith(list, lap, (id) => {
      chosen = id;
      dialog.close();
    });
  });
}

/**
 * @param {HTMLElement} list
 * @param {LapRow} lap
 * @param {(id: string) => void} choose
 */
async function fillWith(list, lap, choose) {
  const query = new URLSearchParams({ track: lap.track_id, car: lap.car_id, valid: "true", sort: "lap_time", order: "asc" });
  if (lap.track_config_name) query.set("config", lap.track_config_name);
  try {
    /** @type {{laps: LapRow[]}} */
    const { laps } = await ask(`/api/v1/laps?${query}`);
    const others = laps.filter((one) => one.lap_id !== lap.lap_id);
    if (others.length === 0) fill(list, el("li.muted", null, "There is no other valid lap of this car on this track."));
    else fill(list, others.map((one) => choiceOf(one, choose)));
    list.querySelector("button")?.focus();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fill(list, el("li", null, error.message));
  }
}

/**
 * @param {LapRow} lap
 * @param {(id: string) => void} choose
 */
function choiceOf(lap, choose) {
  return el(
    "li",
    null,
    el(
      "button",
      { type: "button", click: () => choose(lap.lap_id) },
      el("strong", null, lapTime(lap.lap_time)),
      el("span", null, lap.driver_name),
      el("span.muted", null, `lap ${lap.lap_number}, ${dayAndTime(lap.received_at)}`),
    ),
  );
}
