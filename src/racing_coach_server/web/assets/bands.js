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
 * @property {Stretch[]} left out: what says nothing of how it was driven
 * @property {(Stretch & {at: number}) | null} spot what the coach speaks of; `at` is where to act, m
 */

/**
 * @param {any} plot a uPlot, before it draws its lines
 * @param {Bands} bands
 */
export function shadeStretches(plot, bands) {
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
    ctx.fillStyle = colour("loss");
    ctx.fillRect(plot.valToPos(bands.spot.at, "x", true) - 1, bbox.top, 2 * devicePixelRatio, bbox.height);
  }
  ctx.restore();
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
