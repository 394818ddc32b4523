/** The card with the track map: what it is coloured by, and what the colours mean. */

import { unpack } from "./columns.js";
import { el, fill, setText } from "./dom.js";
import { TrackMap } from "./map.js";

/** @typedef {import("./scene.js").Scene} Scene */

/**
 * @param {HTMLElement} card
 * @param {Scene} scene
 * @returns {() => void} changes what it is coloured by
 */
export function showMap(card, scene) {
  const { lapView, view } = scene;
  const box = el("div.map");
  const legend = el("p.map-legend.muted");
  const toggle = el("button", { type: "button", title: "Delta or speed (m)" });
  fill(card, el("div.card-head", null, el("h2", null, "Map"), legend, toggle), box);
  const map = new TrackMap(box, trackOf(scene), view, scene.closing.signal);
  const delta = lapView.delta_s !== null;
  toggle.hidden = !delta;

  const say = () => {
    const byDelta = map.colouredBy === "delta";
    setText(toggle, byDelta ? "Speed" : "Delta");
    toggle.setAttribute("aria-label", `Colour the map by ${byDelta ? "speed" : "delta"} (m)`);
    const [low, high] = byDelta ? ["gaining", "losing"] : ["slow", "fast"];
    fill(legend, low, el(`span.ramp.${byDelta ? "by-delta" : "by-speed"}`), high);
  };
  const change = () => {
    if (!delta) return;
    map.colourBy(map.colouredBy === "delta" ? "speed" : "delta");
    say();
  };
  toggle.addEventListener("click", change);
  say();
  return change;
}

/**
 * @param {Scene} scene
 * @returns {import("./map.js").Track}
 */
function trackOf(scene) {
  const { lapView } = scene;
  return {
    lap: /** @type {import("./map.js").Path} */ (pathOf(lapView.path)),
    reference: pathOf(lapView.reference_path),
    delta: unpack(lapView.delta_s),
    speed: unpack(lapView.channels.speed?.lap),
    stepM: scene.length / scene.view.last,
    marks: lapView.corners.map((corner) => ({ index: scene.placeOf(corner.apex_pct), text: String(corner.number) })),
  };
}

/**
 * @param {import("./documents.js").PackedPath | null} packed
 * @returns {import("./map.js").Path | null}
 */
function pathOf(packed) {
  const [x, y] = [unpack(packed?.x), unpack(packed?.y)];
  return x === null || y === null ? null : { x, y };
}
