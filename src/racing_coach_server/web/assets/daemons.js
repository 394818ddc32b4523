/** The daemons, their heartbeats, and what is the matter. */

import { agoOf } from "./clock.js";
import { el, fill } from "./dom.js";
import { count, milliseconds, timeOfDay } from "./format.js";

/** @typedef {import("./live_documents.js").Daemon} Daemon */
/** @typedef {import("./live_documents.js").PitWall} PitWall */

/**
 * @param {HTMLElement} card
 * @param {Daemon[]} daemons
 */
export function showDaemons(card, daemons) {
  card.hidden = daemons.length === 0;
  fill(card, el("h2", null, daemons.length === 1 ? "Daemon" : "Daemons"), el("ul.daemons", null, daemons.map(daemonItem)));
}

/**
 * What people should know of, in calm words.
 *
 * @param {Daemon[]} daemons
 * @param {PitWall["sources"] | null} sources
 * @returns {string[]}
 */
export function troublesOf(daemons, sources) {
  const away = Object.entries(sources ?? {})
    .filter(([, source]) => !source.reachable)
    .map(([name, source]) => `Since ${timeOfDay(source.since)}: ${source.message ?? `the ${name} is away.`}`);
  const isServed = daemons.some((daemon) => daemon.online && !daemon.is_late);
  const isKnown = sources?.broker.reachable ?? false;
  const offline = isKnown && daemons.length > 0 && !isServed ? ["No daemon is running. Laps wait on the rigs until one is; none is lost."] : [];
  const ill = daemons
    .filter((daemon) => daemon.online && !daemon.is_late && daemon.heartbeat?.status === "degraded")
    .map(({ instance, heartbeat }) => `${instance} is degraded: ${heartbeat?.database.message ?? "see its log"}. Laps wait meanwhile; none is lost.`);
  return [...away, ...offline, ...ill];
}

/** @param {Daemon} daemon */
function daemonItem(daemon) {
  const [state, text] = stateOf(daemon);
  const { heartbeat } = daemon;
  return el(
    "li",
    null,
    el("p.daemon-head", null, el(`span.dot.${state}`, { "aria-hidden": "true" }), el("strong", null, daemon.instance), el("span", null, text)),
    el("p.muted", null, `version ${daemon.version} · last word `, agoOf(heartbeat?.timestamp ?? daemon.said_at)),
    heartbeat === null || !daemon.online ? null : numbersOf(heartbeat),
  );
}

/** @param {Daemon} daemon */
function stateOf(daemon) {
  if (!daemon.online) return ["is-off", "away"];
  if (daemon.is_late) return ["is-unknown", "has missed its heartbeats"];
  return daemon.heartbeat?.status === "degraded" ? ["is-unknown", "degraded"] : ["is-on", "healthy"];
}

/** @param {import("./live_documents.js").Heartbeat} heartbeat */
function numbersOf({ laps, database, rss_bytes: bytes, features }) {
  const behind = Object.values(features).reduce((sum, feature) => sum + feature.behind, 0);
  /** @type {[string, string][]} */
  const numbers = [
    ["stored", count(laps.stored)],
    ["again", count(laps.duplicate)],
    ["rejected", count(laps.rejected)],
    ["in flight", count(laps.in_flight)],
    ["to analyse", count(behind)],
    ["database", milliseconds(database.latency_ms)],
    ["memory", `${Math.round(bytes / 1e6)} MB`],
  ];
  return el("dl.numbers", null, numbers.map(([name, value]) => el("div", null, el("dt.muted", null, name), el("dd", null, value))));
}
