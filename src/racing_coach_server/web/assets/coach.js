/** What the coach said of a lap. Each piece shows in the plots what it speaks of. */

import { el, fill } from "./dom.js";
import { unbroken } from "./format.js";
import { speedUnit } from "./preferences.js";
import { evidenceText } from "./words.js";

/** @typedef {import("./documents.js").Advice} Advice */
/** @typedef {import("./scene.js").Scene} Scene */

/**
 * @param {HTMLElement} card
 * @param {import("./documents.js").LapView} lapView
 * @param {Scene} scene
 */
export function showCoach(card, { coaching, coaching_missing: missing }, scene) {
  const advice = coaching?.advice ?? [];
  const praise = coaching?.praise ?? [];
  const silence = coaching === null ? missing : coaching.silence_text;
  card.hidden = advice.length === 0 && praise.length === 0 && !silence;
  fill(
    card,
    el("div.card-head", null, el("h2", null, "The coach")),
    advice.length > 0 && el("ol.advice", null, advice.map((one, index) => adviceItem(one, index, scene))),
    praise.length > 0 && el("ul.praise", null, praise.map((one) => el("li", null, el("span.gain", { "aria-hidden": "true" }, "✓ "), unbroken(one.text)))),
    advice.length === 0 && silence ? el("p.muted", null, silence) : null,
  );
}

/**
 * @param {Advice} advice
 * @param {number} index
 * @param {Scene} scene
 */
function adviceItem(advice, index, scene) {
  const evidence = Object.entries(advice.evidence).map(([name, values]) => evidenceText(name, values, speedUnit()));
  const facts = [
    `seen on ${advice.laps_seen} of ${advice.laps_looked_at} ${advice.laps_looked_at === 1 ? "lap" : "laps"}`,
    `at least ${advice.gain_s_low.toFixed(2)} s`,
    `${Math.round(advice.confidence * 100)} % sure`,
  ];
  return el(
    "li",
    null,
    el(
      "button.say",
      { type: "button", click: () => scene.showAdvice(advice), title: `Show it in the plots (c)` },
      el("span.number", { "aria-hidden": "true" }, String(index + 1)),
      el("span.text", null, unbroken(advice.text)),
    ),
    el("p.muted", null, unbroken(facts.join(" · "))),
    evidence.map((line) => el("p.muted", null, unbroken(capital(line)))),
  );
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
