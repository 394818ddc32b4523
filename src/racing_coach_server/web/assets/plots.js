/**
 * The plots of a lap, one below the other over place, on uPlot. They share one `View`: a cursor moved or a stretch chosen in
 * one of them is so in all.
 */

import { shadeStretches } from "./bands.js";
import { el, setText } from "./dom.js";
import { fixed, signed } from "./format.js";
import { colour } from "./preferences.js";
import { followFingers } from "./touch.js";

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./view.js").View} View */

/**
 * @typedef {object} Spec one plot
 * @property {string} key
 * @property {string} title
 * @property {string} unit
 * @property {number} height in CSS pixels, of the plot alone
 * @property {Column | null} lap
 * @property {Column | null} reference
 * @property {number} digits
 * @property {boolean} [isDelta] coloured by its sign
 * @property {boolean} [isStepped]
 * @property {[number, number]} [range] of its values, where it is always the same
 */

const AXIS = 44;
const BOTTOM = 26;
const FONT = "12px system-ui, sans-serif";

export class Plots {
  /**
   * @param {HTMLElement} parent
   * @param {number[]} metres the places
   * @param {View} view
   * @param {import("./bands.js").Bands} bands what is shaded behind the lines
   */
  constructor(parent, metres, view, bands) {
    this.parent = parent;
    this.metres = metres;
    this.view = view;
    this.bands = bands;
    /** @type {{spec: Spec, box: HTMLElement, plot: any, values: HTMLElement[]}[]} */
    this.shown = [];
    this.isFollowing = false;
    view.onCursor((cursor) => this.#drawCursor(cursor));
    view.onStretch(({ from, to }) => this.#drawStretch(from, to));
    new ResizeObserver(() => this.#fit()).observe(parent);
    document.addEventListener("theme", () => this.redraw());
  }

  /** @param {Spec[]} specs */
  show(specs) {
    for (const one of this.shown) one.plot.destroy();
    this.parent.replaceChildren();
    this.shown = specs.map((spec, index) => this.#make(spec, index === specs.length - 1));
    this.#drawStretch(this.view.stretch.from, this.view.stretch.to);
    this.#drawCursor(this.view.cursor);
  }

  /** Draws everything anew: colours or bands are others now. */
  redraw() {
    for (const { plot } of this.shown) plot.redraw(false, true);
  }

  get #width() {
    return Math.max(240, this.parent.clientWidth);
  }

  /**
   * @param {Spec} spec
   * @param {boolean} isLast
   */
  #make(spec, isLast) {
    const values = [el("span.value.this"), el("span.value.that"), el("span.value.between")];
    const head = el("div.plot-head", null, el("h3", null, spec.title), el("span.muted", null, spec.unit), values);
    const box = el("section.plot", { "aria-label": spec.title }, head);
    this.parent.append(box);
    const data = [this.metres, ...(spec.reference ? [spec.reference] : []), spec.lap ?? this.metres.map(() => null)];
    const plot = new uPlot(this.#options(spec, isLast), data, box);
    plot.over.addEventListener("dblclick", () => this.view.showAll());
    plot.over.addEventListener("wheel", (/** @type {WheelEvent} */ event) => this.#wheel(plot, event), { passive: false });
    followFingers(plot.over, this.view);
    return { spec, box, plot, values };
  }

  /**
   * @param {Spec} spec
   * @param {boolean} isLast
   */
  #options(spec, isLast) {
    return {
      width: this.#width,
      height: spec.height + (isLast ? BOTTOM : 4),
      padding: [4, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: spec.range ?? ((/** @type {any} */ _, low, high) => roomy(spec, low, high)) } },
      axes: [placeAxis(isLast), valueAxis(spec)],
      series: [{}, ...(spec.reference ? [line("that", 1.25, spec)] : []), line("this", 1.75, spec)],
      hooks: {
        drawClear: [(/** @type {any} */ plot) => shadeStretches(plot, this.bands)],
        setCursor: [(/** @type {any} */ plot) => this.#hear(plot)],
        setSelect: [(/** @type {any} */ plot) => this.#select(plot)],
      },
    };
  }

  /** @param {any} plot */
  #hear(plot) {
    if (!this.isFollowing && plot.cursor.idx !== null && plot.cursor.left >= 0) this.view.moveTo(plot.cursor.idx);
  }

  /** @param {any} plot */
  #select(plot) {
    const { left, width } = plot.select;
    if (width < 8) return;
    this.view.show(plot.posToIdx(left), plot.posToIdx(left + width));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  /**
   * @param {any} plot
   * @param {WheelEvent} event
   */
  #wheel(plot, event) {
    if (!event.ctrlKey) return; // the wheel alone scrolls the page
    event.preventDefault();
    this.view.zoom(event.deltaY < 0 ? 0.8 : 1.25, plot.posToIdx(event.offsetX));
  }

  /** @param {number | null} cursor */
  #drawCursor(cursor) {
    const first = this.shown[0];
    if (first === undefined) return;
    const left = cursor === null ? -10 : first.plot.valToPos(this.metres[cursor], "x");
    this.isFollowing = true;
    for (const { spec, plot, values } of this.shown) {
      plot.setCursor({ left, top: 0 }, false);
      sayValues(spec, values, cursor);
    }
    this.isFollowing = false;
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #drawStretch(from, to) {
    for (const { plot } of this.shown) plot.setScale("x", { min: this.metres[from], max: this.metres[to] });
  }

  #fit() {
    const width = this.#width;
    for (const { plot } of this.shown) if (plot.width !== width) plot.setSize({ width, height: plot.height });
    this.#drawCursor(this.view.cursor);
  }
}

/**
 * @param {Spec} spec
 * @param {HTMLElement[]} values
 * @param {number | null} cursor
 */
function sayValues(spec, [ours, theirs, between], cursor) {
  const here = cursor === null ? null : (spec.lap?.[cursor] ?? null);
  const there = cursor === null ? null : (spec.reference?.[cursor] ?? null);
  if (spec.isDelta) {
    setText(ours, here === null ? "" : signed(here));
    ours.className = `value ${here !== null && here > 0 ? "loss" : "gain"}`;
    return;
  }
  setText(ours, here === null ? "" : fixed(here, spec.digits));
  setText(theirs, there === null ? "" : fixed(there, spec.digits));
  setText(between, here === null || there === null ? "" : signed(here - there, spec.digits));
}

/**
 * @param {Spec} spec
 * @param {number | null} low
 * @param {number | null} high
 * @returns {[number, number]}
 */
function roomy(spec, low, high) {
  if (low === null || high === null) return [0, 1];
  if (spec.isDelta) [low, high] = [Math.min(low, -0.02), Math.max(high, 0.02)];
  const room = Math.max((high - low) * 0.06, 1e-6);
  return [low - room, high + room];
}

/**
 * @param {"this" | "that"} which
 * @param {number} width
 * @param {Spec} spec
 */
function line(which, width, spec) {
  return {
    width,
    stroke: (/** @type {any} */ plot) => (spec.isDelta ? bySign(plot, "") : colour(which)),
    fill: spec.isDelta ? (/** @type {any} */ plot) => bySign(plot, "2e") : undefined,
    fillTo: 0,
    points: { show: false },
    paths: spec.isStepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
  };
}

/**
 * The colour of losing above zero and that of gaining below it.
 *
 * @param {any} plot
 * @param {string} alpha two hexadecimal digits, or none
 */
function bySign(plot, alpha) {
  const { top, height } = plot.bbox;
  const zero = Math.min(1, Math.max(0, (plot.valToPos(0, "y", true) - top) / height)) || 0;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  for (const [stop, name] of /** @type {[number, string][]} */ ([[0, "loss"], [zero, "loss"], [zero, "gain"], [1, "gain"]]))
    gradient.addColorStop(stop, colour(name) + alpha);
  return gradient;
}

/** @param {boolean} isLast */
function placeAxis(isLast) {
  return {
    ...looks(),
    size: isLast ? BOTTOM : 0,
    space: 70,
    values: (/** @type {any} */ _, /** @type {number[]} */ splits) => (isLast ? splits.map((at) => `${at} m`) : splits.map(() => "")),
  };
}

/** @param {Spec} spec */
function valueAxis(spec) {
  return { ...looks(), size: AXIS, space: Math.max(22, spec.height / 5), ...(spec.isStepped ? { incrs: [1, 2, 5] } : {}) };
}

function looks() {
  return {
    font: FONT,
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
}
