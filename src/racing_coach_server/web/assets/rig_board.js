/** All rigs: those that are there as cards, by name, so that none changes its place; those that are away in one line each. */

import { agoOf, now } from "./clock.js";
import { el, fill } from "./dom.js";
import { lapTime } from "./format.js";
import { contentOf } from "./rig_card.js";

/** @typedef {import("./live_documents.js").Rig} Rig */

/** How long a rig that went offline keeps its card. */
const STAYS_MS = 15 * 60_000;
const COLLATOR = new Intl.Collator(undefined, { numeric: true });

export class RigBoard {
  /**
   * @param {HTMLElement} here
   * @param {HTMLElement} away
   */
  constructor(here, away) {
    this.here = here;
    this.away = away;
    /** @type {Map<string, Rig>} */
    this.rigs = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.cards = new Map();
    /** @type {Map<string, boolean>} whether each was placed among those that are away */
    this.placed = new Map();
  }

  /** @param {Rig[]} rigs all that there are */
  showAll(rigs) {
    this.rigs = new Map(rigs.map((rig) => [rig.rig_id, rig]));
    for (const rig of rigs) this.#write(rig, false);
    this.arrange();
  }

  /**
   * @param {Rig} rig in place of what was known of it
   * @param {boolean} isNews whether a lap came
   */
  show(rig, isNews) {
    const before = this.rigs.get(rig.rig_id);
    this.rigs.set(rig.rig_id, rig);
    this.#write(rig, isNews);
    if (before === undefined || isAway(rig) || this.placed.get(rig.rig_id) === true) this.arrange();
  }

  /**
   * @param {Rig} rig
   * @param {boolean} isNews
   */
  #write(rig, isNews) {
    let card = this.cards.get(rig.rig_id);
    if (card === undefined) {
      card = el("article.rig.card");
      this.cards.set(rig.rig_id, card);
    }
    const held = card.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    card.setAttribute("aria-label", [rig.driver_name, rig.rig_id].filter((name) => name).join(", "));
    fill(card, contentOf(rig));
    if (held) [...card.querySelectorAll("a")].find((link) => link.getAttribute("href") === held)?.focus();
    if (!isNews) return;
    card.classList.remove("has-news");
    void card.offsetWidth; // begins the animation anew
    card.classList.add("has-news");
  }

  /** Puts each rig where it belongs by now. */
  arrange() {
    for (const name of this.cards.keys()) if (!this.rigs.has(name)) this.cards.delete(name);
    const all = [...this.rigs.values()].sort((one, other) => COLLATOR.compare(one.rig_id, other.rig_id));
    this.placed = new Map(all.map((rig) => [rig.rig_id, isAway(rig)]));
    const isAlone = all.every(isAway); // nobody is there: better the last cards than an empty wall
    const there = all.filter((rig) => isAlone || !isAway(rig));
    const away = all.filter((rig) => !there.includes(rig));
    const cards = there.map((rig) => /** @type {HTMLElement} */ (this.cards.get(rig.rig_id)));
    const isSame = cards.length === this.here.children.length && cards.every((card, index) => card === this.here.children[index]);
    if (!isSame || cards.length === 0) fill(this.here, cards.length > 0 ? cards : emptiness());
    this.here.dataset.size = cards.length === 0 ? "none" : cards.length <= 4 ? "few" : cards.length <= 24 ? "some" : "many";
    this.away.hidden = away.length === 0;
    fill(this.away, el("h2", null, "Away"), el("ul.away-list", null, away.map(awayItem)));
  }
}

/**
 * Whether a rig is offline, and its last lap is some while ago: who just left is not away yet.
 *
 * @param {Rig} rig
 */
function isAway({ online, online_since: since, laps }) {
  const last = Math.max(...[since, laps[0]?.received_at].map((at) => (at ? Date.parse(at) : 0)));
  return online === false && now() - last > STAYS_MS;
}

/** @param {Rig} rig */
function awayItem(rig) {
  const last = rig.laps[0];
  return el(
    "li",
    null,
    el("span.dot.is-off", { "aria-hidden": "true" }),
    el("strong", null, rig.driver_name ?? rig.rig_id),
    el("span.muted", null, rig.rig_id),
    last ? el("a", { href: `/lap/${encodeURIComponent(last.lap_id)}` }, lapTime(last.lap_time)) : null,
    rig.online_since ? el("span.muted", null, "left ", agoOf(rig.online_since)) : null,
  );
}

function emptiness() {
  return el(
    "div.empty",
    null,
    el("h2", null, "No rig has been here yet"),
    el("p", null, "On a rig, beside the simulator: ", el("code", null, "racing-coach-rig run")),
    el("p", null, "Without one, a simulated driver: ", el("code", null, "racing-coach-rig run --simulate 1")),
    el("p.muted", null, "It is shown here as soon as it is there."),
  );
}
