/** The two laps that were chosen to be compared, and the line at the foot of the page that says so. */

import { el, fill } from "./dom.js";
import { lapTime } from "./format.js";

/** @typedef {import("./documents.js").LapRow} LapRow */

export class Comparison {
  /**
   * @param {HTMLElement} bar
   * @param {() => void} changed
   */
  constructor(bar, changed) {
    this.bar = bar;
    this.changed = changed;
    /** @type {LapRow[]} at most two, in the order in which they were chosen */
    this.laps = [];
  }

  /** @param {string} lapId */
  has(lapId) {
    return this.laps.some((lap) => lap.lap_id === lapId);
  }

  /**
   * Chooses a lap, or no longer. A third takes the place of the first.
   *
   * @param {LapRow} lap
   */
  toggle(lap) {
    this.laps = this.has(lap.lap_id) ? this.laps.filter((one) => one.lap_id !== lap.lap_id) : [...this.laps, lap].slice(-2);
    this.#show();
    this.changed();
  }

  /** Goes to the page of both, the slower one against the faster. */
  open() {
    const href = this.#href();
    if (href !== null) location.assign(href);
  }

  #href() {
    if (this.laps.length < 2 || this.#reason() !== null) return null;
    const [faster, slower] = [...this.laps].sort((one, other) => (one.lap_time ?? Infinity) - (other.lap_time ?? Infinity));
    return `/lap/${encodeURIComponent(slower.lap_id)}?against=${encodeURIComponent(faster.lap_id)}`;
  }

  /** Why the two cannot be compared, if so. */
  #reason() {
    const [one, other] = this.laps;
    if (other === undefined) return "Choose another lap";
    const isSame = one.track_id === other.track_id && one.track_config_name === other.track_config_name;
    return isSame ? null : "These are laps of two tracks";
  }

  #show() {
    this.bar.hidden = this.laps.length === 0;
    const names = this.laps.map((lap) => el("span.chosen", null, el("strong", null, lapTime(lap.lap_time)), ` ${lap.driver_name}`));
    const href = this.#href();
    fill(
      this.bar,
      el(
        "div.compare-row",
        null,
        names,
        href === null ? el("span.muted", null, this.#reason()) : el("a.button.primary", { href, title: "Compare (c)" }, "Compare"),
        el("button.quiet", { type: "button", click: () => this.#clear() }, "Clear"),
      ),
    );
  }

  #clear() {
    this.laps = [];
    this.#show();
    this.changed();
  }
}
