/**
 * The plots of a lap, one below the other over place, on uPlot. They share one `View`: a cursor moved or a stretch chosen in
 * one of them is so in all.
 */

import { shadeStretches } from "./bands.js";
import { afterNextFrame } from "./dom.js";
import { boxOf, heightOf, sayValues } from "./plot_box.js";
import { line, placeAxis, roomy, valueAxis } from "./plot_options.js";
import { followFingers } from "./touch.js";

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./plot_box.js").Shown} Shown */
/** @typedef {import("./plot_options.js").Spec} Spec */
/** @typedef {import("./view.js").View} View */

/**
 * @typedef {object} Places what the plots stand over
 * @property {(at: number) => string} text
 * @property {number} margin before the first and after the last, in their own unit
 */

/** Delta and speed: what a reader looks at first. */
const FIRST = 2;

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
    /** @type {Shown[]} */
    this.shown = [];
    view.onCursor((cursor) => this.#drawCursor(cursor));
    view.onStretch((stretch) => this.#drawStretch(stretch));
    const observer = new ResizeObserver(() => this.#fit());
    observer.observe(parent);
    document.addEventListener("theme", () => this.redraw(), { signal });
    signal.addEventListener("abort", () => {
      observer.disconnect();
      for (const { plot } of this.shown) plot?.destroy();
      this.shown = [];
    });
  }

  /**
   * Shows plots: the first of them in the next frame, the others in the one after it.
   *
   * @param {Spec[]} specs
   */
  show(specs) {
    for (const { plot } of this.shown) plot?.destroy();
    const width = this.#width; // once: it has the browser lay the page out
    const shown = specs.map((spec, index) => boxOf(spec, index === specs.length - 1));
    this.shown = shown;
    this.parent.replaceChildren(...shown.map(({ box }) => box));
    this.#draw(shown.slice(0, FIRST), width);
    requestAnimationFrame(() => performance.mark("first plots drawn")); // uPlot draws before the next frame
    afterNextFrame(() => {
      if (this.shown !== shown) return; // others are shown by now, or none
      this.#draw(shown.slice(FIRST), width);
      requestAnimationFrame(() => performance.mark("plots drawn"));
    });
  }

  /**
   * @param {Shown[]} some
   * @param {number} width
   */
  #draw(some, width) {
    for (const one of some) one.plot = this.#make(one, width);
    this.#drawStretch(this.view.stretch);
    this.#drawCursor(this.view.cursor);
  }

  /** Draws everything anew: colours or bands are others now. */
  redraw() {
    for (const { plot } of this.shown) plot?.redraw(false, true);
  }

  get #width() {
    return Math.max(240, this.parent.clientWidth);
  }

  /**
   * @param {Shown} one
   * @param {number} width
   */
  #make({ spec, box, canvas }, width) {
    const [isFirst, isLast] = [box === this.shown[0].box, box === this.shown.at(-1)?.box];
    const data = [this.metres, ...(spec.reference ? [spec.reference] : []), spec.lap ?? this.metres.map(() => null)];
    const plot = new uPlot(this.#options(spec, width, isFirst, isLast), data, canvas);
    // Not uPlot's own hook, which also tells of cursors that nobody moved, such as when the stretch changes.
    plot.over.addEventListener("mousemove", (/** @type {MouseEvent} */ event) => this.view.moveTo(plot.posToIdx(event.offsetX)));
    // It takes its own cursor away then, also where only the page moved below the pointer: the others keep theirs.
    plot.over.addEventListener("mouseleave", () => this.#drawCursor(this.view.cursor));
    plot.over.addEventListener("dblclick", () => this.view.showAll());
    plot.over.addEventListener("wheel", (/** @type {WheelEvent} */ event) => this.#wheel(plot, event), { passive: false });
    followFingers(plot.over, this.view);
    return plot;
  }

  /**
   * @param {Spec} spec
   * @param {number} width
   * @param {boolean} isFirst
   * @param {boolean} isLast
   */
  #options(spec, width, isFirst, isLast) {
    return {
      width,
      height: heightOf(spec, isLast),
      padding: [8, 16, 0, 0], // above: half a number of the axis
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
    if (!first?.plot) return;
    // By the view's stretch: the scale of a uPlot that was just told of another one is still the old one.
    const { min, max } = this.#limits(this.view.stretch);
    const width = first.plot.bbox.width / devicePixelRatio;
    const left = cursor === null ? -10 : ((this.metres[cursor] - min) / (max - min)) * width;
    for (const { spec, plot, values } of this.shown) {
      plot?.setCursor({ left, top: 0 }, false);
      sayValues(spec, values, cursor);
    }
  }

  /** @param {import("./view.js").Stretch} stretch */
  #drawStretch(stretch) {
    for (const { plot } of this.shown) plot?.setScale("x", this.#limits(stretch));
  }

  /** @param {import("./view.js").Stretch} stretch */
  #limits({ from, to }) {
    return { min: this.metres[from] - this.places.margin, max: this.metres[to] + this.places.margin };
  }

  #fit() {
    const width = this.#width;
    for (const { plot } of this.shown) if (plot && plot.width !== width) plot.setSize({ width, height: plot.height });
    this.#drawCursor(this.view.cursor);
  }
}
