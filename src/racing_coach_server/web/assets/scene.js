/** A lap as it is on the page: its places, what of them is looked at, the plots, the map, and the bar above them. */

import { specsOf } from "./channels.js";
import { unpack } from "./columns.js";
import { el, fill, setText } from "./dom.js";
import { lapTime } from "./format.js";
import { showMap } from "./map_card.js";
import { Plots } from "./plots.js";
import { View } from "./view.js";

/** @typedef {import("./documents.js").LapView} LapView */
/** @typedef {import("./documents.js").ViewCorner} Corner */

const BEFORE_M = 100;
const AFTER_M = 140;
const HINT = matchMedia("(pointer: coarse)").matches ? "Touch a plot" : "Move over a plot, or press an arrow key";

let showsMore = false;

export class Scene {
  /** @param {LapView} lapView */
  constructor(lapView) {
    this.lapView = lapView;
    this.closing = new AbortController();
    const { n, length_m: length } = lapView.grid ?? { n: 2, length_m: 1 };
    this.length = length;
    this.view = new View(n);
    this.metres = Array.from({ length: n }, (_, index) => (index / (n - 1)) * length);
    this.time = unpack(lapView.time?.lap);
    /** @type {import("./bands.js").Bands} */
    this.bands = {
      corners: lapView.corners.map(({ number, start_pct: start, end_pct: end }) => ({
        from: start * length,
        to: end * length,
        label: String(number),
      })),
      spot: null,
    };
    /** @type {Plots | null} */
    this.plots = null;
    /** @type {(() => void) | null} */
    this.toggleMap = null;
  }

  close() {
    this.closing.abort();
  }

  /**
   * @param {HTMLElement} bar
   * @param {HTMLElement} plots
   * @param {HTMLElement} mapCard
   */
  draw(bar, plots, mapCard) {
    const { lapView } = this;
    mapCard.hidden = lapView.path === null;
    /** @type {HTMLElement} */ (bar.parentElement).hidden = lapView.grid === null;
    fill(plots);
    if (lapView.grid === null) return;
    this.plots = new Plots(plots, this.metres, this.view, this.bands, this.closing.signal);
    this.#drawPlots();
    this.#fillBar(bar);
    if (lapView.path !== null) this.toggleMap = showMap(mapCard, this);
  }

  /**
   * @param {number} pct
   * @returns {number} the place there
   */
  placeOf(pct) {
    return Math.round(pct * this.view.last);
  }

  /**
   * Shows a corner with the way to it and out of it, the cursor at its apex.
   *
   * @param {Corner} corner
   */
  showCorner(corner) {
    this.spot(null);
    this.#showAround(corner.start_pct, corner.end_pct, corner.apex_pct);
  }

  /**
   * Shows what a piece of advice speaks of, the cursor where to act.
   *
   * @param {{from_pct: number, to_pct: number, at_pct: number}} advice
   */
  showAdvice(advice) {
    const { from_pct: from, to_pct: to, at_pct: at } = advice;
    this.spot({ from: from * this.length, to: to * this.length, at: at * this.length });
    this.#showAround(from, to, at);
  }

  /** @param {import("./bands.js").Bands["spot"]} spot */
  spot(spot) {
    this.bands.spot = spot;
    this.plots?.redraw();
  }

  /**
   * The next corner, or the one before, from the cursor on.
   *
   * @param {1 | -1} direction
   */
  step(direction) {
    const { corners } = this.lapView;
    if (corners.length === 0) return;
    const here = this.view.cursor ?? (direction > 0 ? -1 : this.view.last + 1);
    const ordered = direction > 0 ? corners : corners.toReversed();
    const next = ordered.find((corner) => (this.placeOf(corner.apex_pct) - here) * direction > 0) ?? ordered[0];
    this.showCorner(next);
  }

  showAll() {
    this.spot(null);
    this.view.showAll();
  }

  toggleMore() {
    showsMore = !showsMore;
    this.#drawPlots();
  }

  /**
   * Looks at the same part of the lap, after the reference was changed.
   *
   * @param {Scene} before
   */
  lookAsBefore({ view, bands }) {
    const factor = this.view.last / view.last;
    this.view.show(view.stretch.from * factor, view.stretch.to * factor);
    this.view.moveTo(view.cursor === null ? null : view.cursor * factor);
    this.spot(bands.spot);
  }

  #drawPlots() {
    const small = matchMedia("(max-width: 640px)").matches;
    this.plots?.show(specsOf(this.lapView, { more: showsMore, small }));
  }

  /**
   * @param {number} from share of the lap
   * @param {number} to smaller than `from` where the line lies between: then the part after the line is shown
   * @param {number} at
   */
  #showAround(from, to, at) {
    const step = this.length / this.view.last;
    const start = from <= to ? from : 0;
    this.view.show(this.placeOf(start) - BEFORE_M / step, this.placeOf(to) + AFTER_M / step);
    this.view.moveTo(this.placeOf(at));
  }

  /** @param {HTMLElement} bar */
  #fillBar(bar) {
    const place = el("p.place", null, el("span.muted", null, HINT));
    /** @type {(text: string, title: string, click: () => void) => HTMLElement} */
    const button = (text, title, click) => el("button", { type: "button", title, "aria-label": title, click }, text);
    fill(
      bar,
      place,
      el(
        "div.bar-buttons",
        null,
        this.lapView.corners.length > 0 && [
          button("‹", "Corner before (k)", () => this.step(-1)),
          button("›", "Next corner (j)", () => this.step(1)),
        ],
        button("−", "See more of the lap (-)", () => this.view.zoom(1.6)),
        button("+", "See less, larger (+)", () => this.view.zoom(0.625)),
        button("Lap", "The whole lap (0)", () => this.showAll()),
        button("Plots", "More or fewer plots (x)", () => this.toggleMore()),
      ),
    );
    this.view.onCursor((cursor) => {
      if (cursor !== null) setText(place, this.#placeText(cursor));
    });
  }

  /** @param {number} cursor */
  #placeText(cursor) {
    const pct = cursor / this.view.last;
    const corner = this.lapView.corners.find(({ start_pct: start, end_pct: end }) =>
      start <= end ? start <= pct && pct <= end : pct >= start || pct <= end,
    );
    const seconds = this.time?.[cursor];
    return [
      corner ? (corner.name ?? `Turn ${corner.number}`) : null,
      `${Math.round(this.metres[cursor])} m`,
      seconds === null || seconds === undefined ? null : lapTime(seconds),
    ]
      .filter((part) => part !== null)
      .join(" · ");
  }
}
