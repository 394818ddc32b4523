/** Names of the wire, in words. */

/** @type {Record<string, string>} */
const REASONS = {
  not_a_whole_lap: "not a whole lap",
  missing_channels: "channels are missing",
  pit: "in the pit lane",
  off_track: "off the track",
  spin: "a spin",
  standstill: "stood still",
  tow: "towed",
  gap: "a gap in the data",
};

/** @param {string} reason why a stretch does not count */
export function reasonText(reason) {
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}

/** @type {Record<string, string>} */
const RULES = {
  chosen: "the chosen lap",
  own_best: "own best",
  car_best: "this car's best",
  named: "another lap",
  theoretical: "theoretical best",
};

/** @param {string} rule why a lap is the reference */
export function ruleText(rule) {
  return RULES[rule] ?? rule.replaceAll("_", " ");
}

/** @type {Record<string, [unit: string, digits: number, factor: number]>} by what a name ends with */
const UNITS = {
  _rad_m: ["1/m", 4, 1],
  _mps: ["km/h", 0, 3.6],
  _m: ["m", 0, 1],
  _s: ["s", 2, 1],
};

/**
 * A measured value in words: its name, and the value on this lap and on the reference.
 *
 * @param {string} name its unit ends it: `brake_onset_m`
 * @param {[number | null, number | null]} values
 * @param {{name: string, factor: number}} speed the unit of speeds
 */
export function evidenceText(name, [here, there], speed) {
  const ending = Object.keys(UNITS).find((one) => name.endsWith(one)) ?? "";
  let [unit, digits, factor] = UNITS[ending] ?? ["", 2, 1];
  if (name === "brake_pressure") [unit, digits, factor] = ["%", 0, 100];
  if (ending === "_mps") [unit, factor] = [speed.name, speed.factor];
  const words = name.slice(0, name.length - ending.length).replaceAll("_", " ");
  /** @type {(value: number | null) => string} */
  const shown = (value) => (value === null ? "–" : (value * factor).toFixed(digits));
  return `${words}: ${shown(here)}${unit && ` ${unit}`}, reference ${shown(there)}${unit && ` ${unit}`}`;
}
