/** What is shaded behind the lines of a plot: corners, and what the coach speaks of. */

import { colour } from "./preferences.js";

/**
 * @typedef {object} Stretch
 * @property {number} from m
 * @property {number} to m
 * @property {string} [label]
 */

/**
 * @typedef {object} Bands
 * @property {Stretch[]} corners
 * @property {(Stretch & {at: number}) | null} spot what the coach speaks of; `at` is where to act, m
 */

/**
 * @param {any} plot a uPlot, before it draws its lines
 * @param {Bands} bands
 * @param {boolean} isLabelled whether the corners' numbers are written into it
 */
export function shadeStretches(plot, bands, isLabelled) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour("band");
  for (const { from, to } of bands.corners) shade(plot, from, to);
  if (bands.spot !== null) {
    ctx.fillStyle = colour("spot");
    shade(plot, bands.spot.from, bands.spot.to);
    ctx.fillStyle = colour("warn");
    ctx.fillRect(plot.valToPos(bands.spot.at, "x", true) - 1, bbox.top, 2 * devicePixelRatio, bbox.height);
  }
  if (isLabelled) label(plot, bands.corners);
  ctx.restore();
}

/**
 * @param {any} plot
 * @param {Stretch[]} corners
 */
function label(plot, corners) {
  const { ctx, bbox } = plot;
  ctx.font = `600 ${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.fillStyle = colour("muted");
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  let end = -Infinity;
  for (const { from, to, label: text } of corners) {
    const middle = plot.valToPos(from <= to ? (from + to) / 2 : from, "x", true);
    if (middle < end) continue; // would be written over the one before
    ctx.fillText(text ?? "", middle, bbox.top + 3 * devicePixelRatio);
    end = middle + 16 * devicePixelRatio;
  }
}

/**
 * @param {any} plot
 * @param {number} from
 * @param {number} to smaller than `from` for what the line crosses
 */
function shade(plot, from, to) {
  const { left, top, width, height } = plot.bbox;
  const [start, end] = [plot.valToPos(from, "x", true), plot.valToPos(to, "x", true)];
  if (from <= to) {
    plot.ctx.fillRect(start, top, end - start, height);
    return;
  }
  plot.ctx.fillRect(start, top, left + width - start, height);
  plot.ctx.fillRect(left, top, end - left, height);
}
