/** The filters above the laps. The address is what holds them. */

import { el, fill } from "./dom.js";

/** @typedef {{track_id: string, track_name: string, track_config_name: string | null}} Track */

/**
 * @typedef {object} Facets
 * @property {Track[]} tracks
 * @property {{car_id: string, car_name: string}[]} cars
 * @property {{driver: string, driver_name: string}[]} drivers
 * @property {string[]} rigs
 */

const FILTERS = ["track", "config", "car", "driver", "rig", "session", "from", "to", "valid"];

/** @param {URLSearchParams} query */
export function hasFilter(query) {
  return FILTERS.some((name) => query.has(name));
}

/**
 * What the API is asked, of what the address says: days become the moments at which they begin and end here.
 *
 * @param {URLSearchParams} query
 */
export function queryOf(query) {
  const asked = new URLSearchParams(query);
  for (const name of ["from", "to"]) {
    const day = new Date(`${query.get(name)}T00:00:00`);
    if (Number.isNaN(day.getTime())) asked.delete(name);
    else {
      if (name === "to") day.setDate(day.getDate() + 1);
      asked.set(name, day.toISOString());
    }
  }
  return asked.toString();
}

/**
 * @param {HTMLElement} form
 * @param {Facets} facets
 * @param {(query: URLSearchParams) => void} go
 */
export function showFilters(form, facets, go) {
  const write = () => fill(form, fieldsOf(facets, new URLSearchParams(location.search), change));
  /** @param {Record<string, string | null>} values */
  const change = (values) => {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries({ ...values, after: null })) {
      if (value === null || value === "") query.delete(name);
      else query.set(name, value);
    }
    go(query);
    const held = document.activeElement?.id;
    write();
    if (held) document.getElementById(held)?.focus();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("popstate", write);
  write();
}

/**
 * @param {Facets} facets
 * @param {URLSearchParams} query
 * @param {(values: Record<string, string | null>) => void} change
 */
function fieldsOf(facets, query, change) {
  const tracks = facets.tracks.map((track, index) => [String(index), nameOf(track)]);
  const at = facets.tracks.findIndex(
    (track) => track.track_id === query.get("track") && (track.track_config_name ?? "") === (query.get("config") ?? ""),
  );
  return [
    select("track", "Track", tracks, at < 0 ? "" : String(at), (value) => {
      const track = facets.tracks[Number(value)];
      change(value === "" ? { track: null, config: null } : { track: track.track_id, config: track.track_config_name });
    }),
    select("car", "Car", facets.cars.map((car) => [car.car_id, car.car_name]), query.get("car"), (car) => change({ car })),
    select("driver", "Driver", facets.drivers.map((one) => [one.driver, one.driver_name]), query.get("driver"), (driver) => change({ driver })),
    select("rig", "Rig", facets.rigs.map((rig) => [rig, rig]), query.get("rig"), (rig) => change({ rig })),
    select("valid", "Laps", [["true", "Valid"], ["false", "Not valid"]], query.get("valid"), (valid) => change({ valid })),
    date("from", "From", query.get("from"), (from) => change({ from })),
    date("to", "To", query.get("to"), (to) => change({ to })),
    hasFilter(query) ? el("a.button.quiet", { href: "/laps" }, "Clear") : null,
  ];
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string[][]} options
 * @param {string | null} chosen
 * @param {(value: string) => void} change
 */
function select(id, label, options, chosen, change) {
  const known = chosen === null || chosen === "" || options.some(([value]) => value === chosen);
  const all = [["", "All"], ...options, ...(known ? [] : [[chosen, chosen]])];
  const box = /** @type {HTMLSelectElement} */ (el("select", { id }, all.map(([value, text]) => el("option", { value }, text))));
  box.value = chosen ?? "";
  box.addEventListener("change", () => change(box.value));
  return el("label", { for: id }, el("span", null, label), box);
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string | null} value
 * @param {(value: string) => void} change
 */
function date(id, label, value, change) {
  const box = /** @type {HTMLInputElement} */ (el("input", { id, type: "date", value }));
  box.addEventListener("change", () => change(box.value));
  return el("label", { for: id }, el("span", null, label), box);
}

/** @param {Track} track */
function nameOf({ track_name: name, track_config_name: config }) {
  return config ? `${name} (${config})` : name;
}
