/** How far beside the reference's path a lap's own path is. */

import { unpack } from "./columns.js";

/**
 * Metres to the left of the reference, place by place; null without two paths.
 *
 * @param {import("./documents.js").LapView} lapView
 * @returns {import("./columns.js").Column | null}
 */
export function offsetFrom(lapView) {
  const [x, y] = [unpack(lapView.path?.x), unpack(lapView.path?.y)];
  const [u, v] = [unpack(lapView.reference_path?.x), unpack(lapView.reference_path?.y)];
  if (x === null || y === null || u === null || v === null) return null;
  const last = u.length - 1;
  return x.map((here, index) => {
    const [before, after] = [Math.max(0, index - 2), Math.min(last, index + 2)];
    const numbers = [here, y[index], u[index], v[index], u[before], v[before], u[after], v[after]];
    if (numbers.some((value) => value === null)) return null;
    const [px, py, qx, qy, ax, ay, bx, by] = /** @type {number[]} */ (numbers);
    const length = Math.hypot(bx - ax, by - ay);
    return length === 0 ? null : ((bx - ax) * (py - qy) - (by - ay) * (px - qx)) / length;
  });
}
