/** Which plots a lap has, in which order, and what is in them. */

import { unpack } from "./columns.js";
import { offsetFrom } from "./line.js";
import { speedUnit } from "./preferences.js";

/** @typedef {import("./documents.js").LapView} LapView */
/** @typedef {import("./plot_options.js").Spec} Spec */
/** @typedef {Omit<Spec, "key" | "lap" | "reference" | "unit"> & {unit?: string, factor?: number, isMore?: boolean}} Way */

const G = 1 / 9.80665;
const DEGREES = 180 / Math.PI;

/** @type {Record<string, Way>} how each channel is shown */
const WAYS = {
  speed: { title: "Speed", height: 190, digits: 0 },
  throttle: { title: "Throttle", unit: "%", factor: 100, height: 76, digits: 0, range: [-4, 104] },
  brake: { title: "Brake", unit: "%", factor: 100, height: 76, digits: 0, range: [-4, 104] },
  steering_angle: { title: "Steering", unit: "° left +", factor: DEGREES, height: 96, digits: 0 },
  gear: { title: "Gear", unit: "", height: 68, digits: 0, isStepped: true },
  rpm: { title: "Engine", unit: "rpm", height: 84, digits: 0, isMore: true },
  lateral_acceleration: { title: "Lateral", unit: "g", factor: G, height: 84, digits: 2, isMore: true },
  longitudinal_acceleration: { title: "Longitudinal", unit: "g", factor: G, height: 84, digits: 2, isMore: true },
};

/**
 * The plots of a lap, with their numbers in the units that the reader chose.
 *
 * @param {LapView} lapView
 * @param {{more: boolean, small: boolean}} options whether to show all of them; whether the screen is a phone's
 * @returns {Spec[]}
 */
export function specsOf(lapView, { more, small }) {
  const specs = Object.entries(WAYS)
    .filter(([key, way]) => lapView.channels[key] !== undefined && (more || !way.isMore))
    .map(([key, way]) => specOf(key, way, lapView.channels[key]));
  const delta = unpack(lapView.delta_s);
  if (delta !== null) {
    specs.unshift({ key: "delta", title: "Delta", unit: "s", height: 116, lap: delta, reference: null, digits: 3, isDelta: true });
  }
  const offset = more ? offsetFrom(lapView) : null;
  if (offset !== null) {
    const way = { title: "Line", unit: "m left of the reference", height: 84, digits: 1 };
    specs.push({ key: "line", ...way, lap: offset, reference: null });
  }
  return small ? specs.map((spec) => ({ ...spec, height: Math.round(spec.height * 0.82) })) : specs;
}

/**
 * @param {string} key
 * @param {Way} way
 * @param {import("./documents.js").ChannelPair} pair
 * @returns {Spec}
 */
function specOf(key, way, pair) {
  const speed = key === "speed" ? speedUnit() : null;
  const factor = speed?.factor ?? way.factor ?? 1;
  return {
    ...way,
    key,
    unit: speed?.name ?? way.unit ?? pair.unit,
    lap: unpack(pair.lap, factor),
    reference: unpack(pair.reference, factor),
  };
}
