/**
 * The plots of a lap, one below the other over place, on uPlot. They share one `View`: a cursor moved or a stretch chosen in
 * one of them is so in all.
 */

import { shadeStretches } from "./bands.js";
import { el, setText } from "./dom.js";
import { fixed, signed } from "./format.js";
import { BOTTOM, line, placeAxis, roomy, valueAxis } from "./plot_options.js";
import { followFingers } from "./touch.js";

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./plot_options.js").Spec} Spec */
/** @typedef {import("./view.js").View} View */

/**
 * @typedef {object} Places what the plots stand over
 * @property {(at: number) => string} text
 * @property {number} margin before the first and after the last, in their own unit
 */

/** @type {Places} */
const ROAD = { text: (at) => `${at} m`, margin: 0 };

export class Plots {
  /**
   * @param {HTMLElement} parent
   * @param {number[]} metres the places
   * @param {View} view
   * @param {import("./bands.js").Bands} bands what is shaded behind the lines
   * @param {AbortSignal} signal when they are no longer on the page
   * @param {Places} [places]
   */
  constructor(parent, metres, view, bands, signal, places = ROAD) {
    this.places = places;
    this.parent = parent;
    this.metres = metres;
    this.view = view;
    this.bands = bands;
    /** @type {{spec: Spec, box: HTMLElement, plot: any, values: HTMLElement[]}[]} */
    this.shown = [];
    view.onCursor((cursor) => this.#drawCursor(cursor));
    view.onStretch((stretch) => this.#drawStretch(stretch));
    const observer = new ResizeObserver(() => this.#fit());
    observer.observe(parent);
    document.addEventListener("theme", () => this.redraw(), { signal });
    signal.addEventListener("abort", () => {
      observer.disconnect();
      for (const { plot } of this.shown) plot.destroy();
      this.shown = [];
    });
  }

  /** @param {Spec[]} specs */
  show(specs) {
    for (const one of this.shown) one.plot.destroy();
    this.parent.replaceChildren();
    this.shown = specs.map((spec, index) => this.#make(spec, index === 0, index === specs.length - 1));
    this.#drawStretch(this.view.stretch);
    this.#drawCursor(this.view.cursor);
    requestAnimationFrame(() => performance.mark("plots drawn")); // uPlot draws before the next frame
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
   * @param {boolean} isFirst
   * @param {boolean} isLast
   */
  #make(spec, isFirst, isLast) {
    const values = [el("span.value.this"), el("span.value.that"), el("span.value.between")];
    const head = el("div.plot-head", null, el("h3", null, spec.title), el("span.muted", null, spec.unit), values);
    const box = el("section.plot", { "aria-label": spec.title }, head);
    this.parent.append(box);
    const data = [this.metres, ...(spec.reference ? [spec.reference] : []), spec.lap ?? this.metres.map(() => null)];
    const plot = new uPlot(this.#options(spec, isFirst, isLast), data, box);
    // Not uPlot's own hook, which also tells of cursors that nobody moved, such as when the stretch changes.
    plot.over.addEventListener("mousemove", (/** @type {MouseEvent} */ event) => this.view.moveTo(plot.posToIdx(event.offsetX)));
    plot.over.addEventListener("dblclick", () => this.view.showAll());
    plot.over.addEventListener("wheel", (/** @type {WheelEvent} */ event) => this.#wheel(plot, event), { passive: false });
    followFingers(plot.over, this.view);
    return { spec, box, plot, values };
  }

  /**
   * @param {Spec} spec
   * @param {boolean} isFirst
   * @param {boolean} isLast
   */
  #options(spec, isFirst, isLast) {
    return {
      width: this.#width,
      height: spec.height + (isLast ? BOTTOM : 4),
      padding: [4, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: spec.range ?? ((/** @type {any} */ _, /** @type {any} */ low, /** @type {any} */ high) => roomy(spec, low, high)) } },
      axes: [placeAxis(isLast, this.places.text), valueAxis(spec)],
      series: [{}, ...(spec.reference ? [line("that", 1.5, spec)] : []), line("this", 2, spec)],
      hooks: {
        drawClear: [(/** @type {any} */ plot) => shadeStretches(plot, this.bands, isFirst)],
        setSelect: [(/** @type {any} */ plot) => this.#select(plot)],
      },
    };
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
    // By the view's stretch: the scale of a uPlot that was just told of another one is still the old one.
    const { min, max } = this.#limits(this.view.stretch);
    const width = first.plot.bbox.width / devicePixelRatio;
    const left = cursor === null ? -10 : ((this.metres[cursor] - min) / (max - min)) * width;
    for (const { spec, plot, values } of this.shown) {
      plot.setCursor({ left, top: 0 }, false);
      sayValues(spec, values, cursor);
    }
  }

  /** @param {import("./view.js").Stretch} stretch */
  #drawStretch(stretch) {
    for (const { plot } of this.shown) plot.setScale("x", this.#limits(stretch));
  }

  /** @param {import("./view.js").Stretch} stretch */
  #limits({ from, to }) {
    return { min: this.metres[from] - this.places.margin, max: this.metres[to] + this.places.margin };
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
  const text = spec.text ?? ((/** @type {number} */ value) => fixed(value, spec.digits));
  setText(ours, here === null ? "" : text(here));
  setText(theirs, there === null ? "" : text(there));
  setText(between, here === null || there === null ? "" : signed(here - there, spec.digits));
}
