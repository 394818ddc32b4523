/** The track from above, on a canvas: coloured by delta or speed, with the cursor, and zoomed to what the plots show. */

import { el } from "./dom.js";
import { SHADES, deltaColours, shadesByDelta, shadesBySpeed, speedColours } from "./paint.js";
import { colour } from "./preferences.js";

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./view.js").View} View */
/** @typedef {{x: Column, y: Column}} Path metres east and north */
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

const MARGIN = 26;

export class TrackMap {
  /**
   * @param {HTMLElement} parent
   * @param {Track} track
   * @param {View} view
   */
  constructor(parent, track, view) {
    this.track = track;
    this.view = view;
    this.canvas = /** @type {HTMLCanvasElement} */ (el("canvas"));
    this.dot = el("div.map-dot", { hidden: true });
    parent.append(this.canvas, this.dot);
    this.colouredBy = track.delta === null ? "speed" : "delta";
    this.project = { scale: 1, x: 0, y: 0 };
    view.onStretch(() => this.draw());
    view.onCursor((cursor) => this.#drawDot(cursor));
    this.canvas.addEventListener("pointermove", (event) => this.#point(event, 24));
    this.canvas.addEventListener("pointerdown", (event) => this.#point(event, 60));
    this.canvas.addEventListener("dblclick", () => view.showAll());
    document.addEventListener("theme", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
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
    this.#aim(width, height);
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
   * Fits what is shown of the lap into the canvas.
   *
   * @param {number} width
   * @param {number} height
   */
  #aim(width, height) {
    const { from, to } = this.view.stretch;
    const [left, right] = extent(this.track.lap.x, from, to);
    const [bottom, top] = extent(this.track.lap.y, from, to);
    const scale = Math.min((width - 2 * MARGIN) / Math.max(right - left, 20), (height - 2 * MARGIN) / Math.max(top - bottom, 20));
    this.project = {
      scale,
      x: width / 2 - ((left + right) / 2) * scale,
      y: height / 2 + ((bottom + top) / 2) * scale,
    };
  }

  /**
   * Where a place is on the canvas, in CSS pixels.
   *
   * @param {Path} path
   * @param {number} index
   * @returns {[number, number] | null}
   */
  #at(path, index) {
    const [x, y] = [path.x[index], path.y[index]];
    if (x === null || y === null) return null;
    return [this.project.x + x * this.project.scale, this.project.y - y * this.project.scale];
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
      const at = this.#at(path, index);
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
      const [at, aside] = [this.#at(lap, index), this.#outwards(index)];
      if (at !== null) ctx.fillText(text, at[0] + aside[0] * 16, at[1] + aside[1] * 16);
    }
    const [line, next] = [this.#at(lap, 0), this.#at(lap, 3)];
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

  /**
   * The direction away from the inside of a corner.
   *
   * @param {number} index of its apex
   * @returns {[number, number]}
   */
  #outwards(index) {
    const reach = Math.max(4, Math.round(30 / this.track.stepM));
    const [before, at, after] = [index - reach, index, index + reach].map((one) =>
      this.#at(this.track.lap, (one + this.view.last) % this.view.last),
    );
    if (!before || !at || !after) return [0, -1];
    const [x, y] = [at[0] - (before[0] + after[0]) / 2, at[1] - (before[1] + after[1]) / 2];
    const size = Math.hypot(x, y);
    return size < 0.01 ? [0, -1] : [x / size, y / size];
  }

  /** @param {number | null} cursor */
  #drawDot(cursor) {
    const at = cursor === null ? null : this.#at(this.track.lap, cursor);
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
    const { from, to } = this.view.stretch;
    let [best, least] = [-1, reach ** 2];
    for (let index = from; index <= to; index += 2) {
      const at = this.#at(this.track.lap, index);
      if (at === null) continue;
      const distance = (at[0] - event.offsetX) ** 2 + (at[1] - event.offsetY) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    if (best >= 0) this.view.moveTo(best);
  }
}

/**
 * @param {Column} values
 * @param {number} from
 * @param {number} to
 * @returns {[number, number]}
 */
function extent(values, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (let index = from; index <= to; index += 1) {
    const value = values[index];
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}
