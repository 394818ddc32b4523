/** The plots of a driver's progress: over laps, over stints, or over days. */

import { el, fill, setText } from "./dom.js";
import { day, dayAndTime, lapTime } from "./format.js";
import { movingMedian, movingSpread } from "./moving.js";
import { Plots } from "./plots.js";
import { View } from "./view.js";

/** @typedef {import("./progress_documents.js").Progress} Progress */
/** @typedef {import("./progress_documents.js").ProgressCorner} Corner */
/** @typedef {import("./progress_documents.js").Stretch} Stretch */
/** @typedef {import("./plot_options.js").Spec} Spec */

/** @type {import("./chrome.js").Help[]} */
export const PROGRESS_KEYS = [
  ["← →", "move the cursor"],
  ["Enter", "open the lap at the cursor"],
  ["s", "over laps, stints or days"],
  ["+ -", "see less and larger; see more"],
  ["0", "see all"],
];

const OVER = /** @type {const} */ ({ laps: "Laps", sessions: "Stints", days: "Days" });
const LAST = 8;
const HINT = matchMedia("(pointer: coarse)").matches ? "Touch a lap" : "Enter or a click opens a lap";

/** @type {keyof typeof OVER} */
let over = "laps";

export class ProgressPlots {
  /**
   * @param {HTMLElement} bar
   * @param {HTMLElement} parent
   * @param {Progress} progress
   */
  constructor(bar, parent, progress) {
    this.bar = bar;
    this.parent = parent;
    this.progress = progress;
    this.laps = progress.laps.map((lap, index) => ({ ...lap, index })).filter((lap) => lap.is_reference);
    /** @type {Corner | null} */
    this.corner = null;
    this.closing = new AbortController();
    this.view = new View(1);
    this.#draw();
  }

  close() {
    this.closing.abort();
  }

  /** Over laps, then stints, then days. */
  next() {
    const all = /** @type {(keyof typeof OVER)[]} */ (Object.keys(OVER));
    this.#choose(all[(all.indexOf(over) + 1) % all.length]);
  }

  /** @param {Corner | null} corner whose times are shown too */
  showCorner(corner) {
    this.corner = corner;
    this.#choose("laps");
    this.parent.scrollIntoView({ block: "nearest" });
  }

  openLap() {
    const lap = over === "laps" && this.view.cursor !== null ? this.laps[this.view.cursor] : undefined;
    if (lap !== undefined) location.assign(`/lap/${encodeURIComponent(lap.lap_id)}`);
  }

  /** @param {keyof typeof OVER} what */
  #choose(what) {
    over = what;
    this.close();
    this.closing = new AbortController();
    this.#draw();
  }

  #draw() {
    const stretches = over === "laps" ? [] : this.progress[over].filter((one) => one.lap_time !== null);
    const count = over === "laps" ? this.laps.length : stretches.length;
    this.view = new View(Math.max(count, 1), 3);
    const places = Array.from({ length: Math.max(count, 1) }, (_, index) => index + 1);
    const bands = { corners: over === "laps" ? this.#stints() : [], spot: null };
    const text = (/** @type {number} */ at) => (over === "laps" ? `lap ${at}` : stretches[at - 1] ? day(stretches[at - 1].from_at) : "");
    fill(this.parent);
    const plots = new Plots(this.parent, places, this.view, bands, this.closing.signal, { text, margin: 0.5 });
    plots.show(over === "laps" ? this.#lapSpecs() : stretchSpecs(stretches));
    this.parent.addEventListener("click", (event) => this.#click(event), { signal: this.closing.signal });
    this.#fillBar(stretches);
  }

  /** @returns {Spec[]} */
  #lapSpecs() {
    const times = this.laps.map((lap) => lap.lap_time);
    const specs = [
      timesSpec("Lap time", "median of the last 8 beside it", times, movingMedian(times, LAST), lapTime),
      spreadSpec("Spread", `± s, last ${LAST} laps`, movingSpread(times, LAST)),
    ];
    if (this.corner !== null) {
      const corner = /** @type {Corner} */ (this.corner);
      const through = this.laps.map((lap) => corner.times_s[lap.index]);
      const seconds = (/** @type {number} */ value) => value.toFixed(2);
      specs.push(timesSpec(nameOf(corner), "s", through, movingMedian(through, LAST), seconds));
    }
    return specs;
  }

  /** Every second stint is shaded. */
  #stints() {
    /** @type {{from: number, to: number, label: string, id: string}[]} */
    const stints = [];
    this.laps.forEach((lap, index) => {
      const last = stints.at(-1);
      if (last?.id === lap.session_id) last.to = index + 1.5;
      else stints.push({ from: index + 0.5, to: index + 1.5, label: day(lap.driven_at), id: lap.session_id });
    });
    return stints.filter((_, index) => index % 2 === 0);
  }

  /** @param {Stretch[]} stretches */
  #fillBar(stretches) {
    const place = el("p.place", null, el("span.muted", null, over === "laps" ? HINT : "Median, and the best beside it"));
    const buttons = Object.entries(OVER).map(([what, text]) =>
      el("button", { type: "button", "aria-pressed": String(what === over), click: () => this.#choose(/** @type {keyof typeof OVER} */ (what)) }, text),
    );
    fill(this.bar, place, el("div.bar-buttons", null, buttons));
    this.view.onCursor((cursor) => {
      if (cursor === null) return;
      const lap = this.laps[cursor];
      const said = () => `Lap ${lap.lap_number} · ${dayAndTime(lap.driven_at)} · ${lapTime(lap.lap_time)} `;
      if (over === "laps") fill(place, said(), el("a", { href: `/lap/${encodeURIComponent(lap.lap_id)}` }, "Open"));
      else setText(place, stretchText(stretches[cursor]));
    });
  }

  /** @param {Event} event */
  #click(event) {
    if (/** @type {HTMLElement} */ (event.target).closest(".u-over") && matchMedia("(pointer: fine)").matches) this.openLap();
  }
}

/** @param {Corner} corner */
export function nameOf({ number, name }) {
  return name === null ? `Turn ${number}` : `${number} ${name}`;
}

/** @param {Stretch} stretch */
function stretchText({ from_at: from, lap_time: times }) {
  if (times === null) return day(from);
  const spread = times.spread_s === null ? "" : ` · ±${times.spread_s.toFixed(3)}`;
  return `${dayAndTime(from)} · ${times.laps} laps · median ${lapTime(times.median_s)} · best ${lapTime(times.best_s)}${spread}`;
}

/** @param {Stretch[]} stretches */
function stretchSpecs(stretches) {
  const times = stretches.map((one) => /** @type {import("./progress_documents.js").Spread} */ (one.lap_time));
  return [
    timesSpec("Lap time", "median, best beside it", times.map((one) => one.median_s), times.map((one) => one.best_s), lapTime),
    spreadSpec("Spread", "± s", times.map((one) => one.spread_s)),
  ];
}

/**
 * @param {string} title
 * @param {string} unit
 * @param {import("./columns.js").Column} lap
 * @param {import("./columns.js").Column} reference
 * @param {(value: number) => string} text
 * @returns {Spec}
 */
function timesSpec(title, unit, lap, reference, text) {
  return { key: title, title, unit, height: 220, lap, reference, digits: 3, text, isDotted: true };
}

/**
 * @param {string} title
 * @param {string} unit
 * @param {import("./columns.js").Column} lap
 * @returns {Spec}
 */
function spreadSpec(title, unit, lap) {
  return { key: title, title, unit, height: 90, lap, reference: null, digits: 3, text: (value) => value.toFixed(2), isDotted: true };
}
