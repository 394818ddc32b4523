/** The pit wall: every rig as it is now, fed by live events. */

import { frame, onKey } from "./chrome.js";
import { setClock, tick } from "./clock.js";
import { showDaemons, troublesOf } from "./daemons.js";
import { byId, el, fill } from "./dom.js";
import { timeOfDay } from "./format.js";
import { Live } from "./live.js";
import { showRejected } from "./rejected.js";
import { RigBoard } from "./rig_board.js";
import { warmLapPageOnApproach } from "./warm.js";

/** @typedef {import("./live_documents.js").PitWall} PitWall */
/** @typedef {import("./live_documents.js").Daemon} Daemon */

const board = new RigBoard(byId("rigs"), byId("away"));
/** @type {Map<string, Daemon>} */
const daemons = new Map();
/** @type {PitWall["sources"] | null} */
let sources = null;

frame({ help: [["j k", "next rig, rig before"]] });
onKey({ j: () => focusCard(1), k: () => focusCard(-1) });

const handlers = {
  /** @param {PitWall} wall */
  snapshot(wall) {
    setClock(wall.made_at);
    daemons.clear();
    for (const daemon of wall.daemons) daemons.set(daemon.instance, daemon);
    sources = wall.sources;
    board.showAll(wall.rigs);
    showRejected(byId("rejected"), wall.rejected);
    showSystem();
    tick();
  },
  /** @param {{cause: string, lap_id: string | null, rig: import("./live_documents.js").Rig}} event */
  rig(event) {
    board.show(event.rig, event.cause === "lap");
  },
  /** @param {Daemon} daemon */
  daemon(daemon) {
    daemons.set(daemon.instance, daemon);
    showSystem();
  },
  /** @param {{rejected: PitWall["rejected"]}} event */
  rejected(event) {
    showRejected(byId("rejected"), event.rejected);
  },
  /** @param {PitWall["sources"]} now */
  source(now) {
    sources = now;
    showSystem();
  },
  /** @param {{at: string}} ping */
  ping(ping) {
    setClock(ping.at);
    tick();
  },
};

new Live("/api/v1/events", handlers, (isLive) => {
  document.body.classList.toggle("is-stale", !isLive);
  const text = isLive ? "Live" : `Not live since ${timeOfDay(new Date().toISOString())}. Reconnecting …`;
  fill(byId("live"), el(`span.dot.${isLive ? "is-on" : "is-off"}`, { "aria-hidden": "true" }), text);
});
warmLapPageOnApproach();
setInterval(tick, 5_000);
setInterval(() => board.arrange(), 60_000);

function showSystem() {
  const all = [...daemons.values()].sort((one, other) => one.instance.localeCompare(other.instance));
  showDaemons(byId("daemons"), all);
  fill(byId("troubles"), troublesOf(all, sources).map((text) => el("p.notice", { role: "status" }, text)));
}

/**
 * Puts the focus on the last lap of the next rig, or of the one before.
 *
 * @param {1 | -1} direction
 */
function focusCard(direction) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".now-time")]);
  const at = links.findIndex((link) => link === document.activeElement);
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + direction))]?.focus();
}
