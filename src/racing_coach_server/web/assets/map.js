/** The track from above, on a canvas: coloured by delta or speed, with the cursor, and zoomed to what the plots show. */

import { afterNextFrame, el } from "./dom.js";
import { SHADES, deltaColours, shadesByDelta, shadesBySpeed, speedColours } from "./paint.js";
import { colour } from "./preferences.js";
import { Projection, extent } from "./projection.js";

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./projection.js").Path} Path */
/** @typedef {{index: number, text: string}} Mark a corner's apex */

/**
 * @typedef {object} Track
 * @property {Path} lap
 * @property {Path | null} reference
 * @property {Column | null} delta
 * @property {Column | null} speed
 * @property {number} stepM
 * @property {Mark[]} marks
 */

export class TrackMap {
  /**
   * @param {HTMLElement} parent
   * @param {Track} track
   * @param {View} view
   * @param {AbortSignal} signal when it is no longer on the page
   */
  constructor(parent, track, view, signal) {
    this.track = track;
    this.view = view;
    this.canvas = /** @type {HTMLCanvasElement} */ (el("canvas"));
    this.dot = el("div.map-dot", { hidden: true });
    parent.append(this.canvas, this.dot);
    this.colouredBy = track.delta === null ? "speed" : "delta";
    this.projection = new Projection();
    view.onStretch(() => this.draw());
    view.onCursor((cursor) => this.#drawDot(cursor));
    this.canvas.style.aspectRatio = String(shapeOf(track.lap));
    this.canvas.addEventListener("pointermove", (event) => this.#point(event, 24));
    this.canvas.addEventListener("pointerdown", (event) => this.#point(event, 60));
    this.canvas.addEventListener("dblclick", () => view.showAll());
    document.addEventListener("theme", () => this.draw(), { signal });
    const observer = new ResizeObserver(() => this.draw());
    afterNextFrame(() => signal.aborted || observer.observe(this.canvas)); // which has it drawn
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** @param {"delta" | "speed"} by */
  colourBy(by) {
    this.colouredBy = by;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0) return;
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    this.projection.aim(this.track.lap, this.view.stretch, width, height);
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    ctx.scale(devicePixelRatio, devicePixelRatio);
    ctx.lineCap = ctx.lineJoin = "round";
    const { from, to } = this.view.stretch;
    this.#stroke(ctx, this.track.lap, 0, this.view.last, colour("line"), this.view.isWhole ? 9 : 6);
    if (!this.view.isWhole && this.track.reference) this.#stroke(ctx, this.track.reference, from, to, colour("that"), 2);
    this.#strokeShades(ctx, from, to);
    this.#write(ctx);
    this.#drawDot(this.view.cursor);
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Path} path
   * @param {number} from
   * @param {number} to
   * @param {string} style
   * @param {number} width
   */
  #stroke(ctx, path, from, to, style, width) {
    ctx.beginPath();
    this.#trace(ctx, path, from, to);
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Path} path
   * @param {number} from
   * @param {number} to
   */
  #trace(ctx, path, from, to) {
    let isOn = false;
    for (let index = from; index <= to; index += 1) {
      const at = this.projection.at(path, index);
      if (at !== null) isOn ? ctx.lineTo(...at) : ctx.moveTo(...at);
      isOn = at !== null;
    }
  }

  /**
   * The lap's line, each shade in one stroke.
   *
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} from
   * @param {number} to
   */
  #strokeShades(ctx, from, to) {
    const { delta, speed, stepM } = this.track;
    const byDelta = this.colouredBy === "delta" && delta !== null;
    if (!byDelta && speed === null) return;
    const shades = byDelta ? shadesByDelta(delta, stepM) : shadesBySpeed(/** @type {Column} */ (speed));
    const colours = byDelta ? deltaColours(colour("gain"), colour("that"), colour("loss")) : speedColours();
    ctx.lineWidth = 4;
    for (let shade = 0; shade < SHADES; shade += 1) {
      ctx.beginPath();
      for (let start = from; start < to; start += 1) {
        if (shades[start] !== shade) continue;
        let end = start;
        while (end < to && shades[end] === shade) end += 1;
        this.#trace(ctx, this.track.lap, start, end);
        start = end - 1;
      }
      ctx.strokeStyle = colours[shade];
      ctx.stroke();
    }
  }

  /**
   * The corners' numbers, outside of the line, and a bar where the lap begins.
   *
   * @param {CanvasRenderingContext2D} ctx
   */
  #write(ctx) {
    const { lap, marks } = this.track;
    ctx.font = "600 13px system-ui, sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = colour("text");
    for (const { index, text } of marks) {
      const [at, aside] = [this.projection.at(lap, index), this.projection.outwards(lap, index, Math.max(4, Math.round(30 / this.track.stepM)))];
      if (at !== null) ctx.fillText(text, at[0] + aside[0] * 16, at[1] + aside[1] * 16);
    }
    const [line, next] = [this.projection.at(lap, 0), this.projection.at(lap, 3)];
    if (line === null || next === null) return;
    const angle = Math.atan2(next[1] - line[1], next[0] - line[0]);
    const [dx, dy] = [-Math.sin(angle) * 8, Math.cos(angle) * 8];
    ctx.beginPath();
    ctx.moveTo(line[0] - dx, line[1] - dy);
    ctx.lineTo(line[0] + dx, line[1] + dy);
    ctx.strokeStyle = colour("text");
    ctx.lineWidth = 2.5;
    ctx.stroke();
  }

  /** @param {number | null} cursor */
  #drawDot(cursor) {
    const at = cursor === null ? null : this.projection.at(this.track.lap, cursor);
    this.dot.hidden = at === null;
    if (at !== null) this.dot.style.transform = `translate(${at[0]}px, ${at[1]}px)`;
  }

  /**
   * Moves the cursor to the place nearest to the pointer, if one is near.
   *
   * @param {PointerEvent} event
   * @param {number} reach px
   */
  #point(event, reach) {
    const nearest = this.projection.nearest(this.track.lap, this.view.stretch, event.offsetX, event.offsetY, reach);
    if (nearest !== null) this.view.moveTo(nearest);
  }
}

/**
 * How much wider than high a map is to be: as the track is, within what a page has room for.
 *
 * @param {Path} path
 */
function shapeOf(path) {
  const [width, height] = [path.x, path.y].map((values) => {
    const [low, high] = extent(values, 0, values.length - 1);
    return high - low;
  });
  return Math.min(2, Math.max(0.95, width / (height || 1)));
}
