/** The server's clock, and texts such as `3 min ago` that go with it. */

import { el, setText } from "./dom.js";
import { ago } from "./format.js";

let ahead = 0;

/** @param {string} iso what the server's clock says now */
export function setClock(iso) {
  ahead = Date.parse(iso) - Date.now();
}

/** Now, by the server's clock, in milliseconds. */
export function now() {
  return Date.now() + ahead;
}

/**
 * How long ago something was; kept true by `tick`.
 *
 * @param {string} iso
 */
export function agoOf(iso) {
  return el("time", { datetime: iso, "data-ago": true, title: new Date(iso).toLocaleString() }, ago(iso, now()));
}

/** Writes every such text anew. */
export function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    setText(time, ago(time.getAttribute("datetime"), now()));
  }
}
