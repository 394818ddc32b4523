/** What was rejected, and why. */

import { agoOf } from "./clock.js";
import { el, fill } from "./dom.js";

const SHOWN = 6;

/**
 * @param {HTMLElement} card
 * @param {import("./live_documents.js").Rejection[]} rejected newest first
 */
export function showRejected(card, rejected) {
  card.hidden = rejected.length === 0;
  const more = rejected.length - SHOWN;
  fill(
    card,
    el("h2", null, "Rejected"),
    el("ul.rejections", null, rejected.slice(0, SHOWN).map(rejectionItem)),
    more > 0 ? el("p.muted", null, `and ${more} more: `, el("code", null, "racing-coach rejected list")) : null,
  );
}

/** @param {import("./live_documents.js").Rejection} one */
function rejectionItem(one) {
  const times = one.times_received > 1 ? ` · ${one.times_received} times` : "";
  return el(
    "li",
    null,
    el("p", null, one.reason),
    el("p.muted", null, `${one.rig_id ?? one.topic}${times} · `, agoOf(one.last_received_at), ` · number ${one.id}`),
  );
}
