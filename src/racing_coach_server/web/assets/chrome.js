/** What frames every page: the header, its buttons, and the help. */

import { el, fill, setText } from "./dom.js";
import { isDark, speedUnit, toggleSpeedUnit, toggleTheme } from "./preferences.js";

/** @typedef {[keys: string, what: string]} Help */

const PLACES = [
  ["/", "Pit wall"],
  ["/laps", "Laps"],
  ["/progress", "Progress"],
];

/** @type {Help[]} */
const EVERYWHERE = [
  ["?", "this help"],
  ["d", "dark or light"],
];

/** @type {Help} */
const UNITS = ["u", "km/h or mph"];

/**
 * Builds the header of this page, and listens to the keys that work on every page.
 *
 * @param {{help?: Help[], isReport?: boolean, hasSpeeds?: boolean}} [options] what the page's own keys do; whether it is a file
 *   of its own; whether there are speeds on it
 */
export function frame(options = {}) {
  const hasSpeeds = options.hasSpeeds === true;
  const help = helpOf([...(options.help ?? []), ...EVERYWHERE, ...(hasSpeeds ? [UNITS] : [])]);
  const theme = button("Dark", toggleTheme, "Dark or light (d)");
  const units = button("km/h", toggleSpeedUnit, "Kilometres or miles an hour (u)");
  const say = () => {
    setText(theme, isDark() ? "Light" : "Dark");
    setText(units, speedUnit().name);
  };
  document.addEventListener("theme", say);
  document.addEventListener("units", say);
  say();
  const brand = options.isReport
    ? el("span.brand", null, "Racing Coach")
    : el("a.brand", { href: "/", "aria-label": "Racing Coach" }, "Racing Coach");
  const header = el(
    "div.top-row",
    null,
    el("a.skip.button", { href: "#main" }, "To the content"),
    brand,
    options.isReport ? null : el("nav", { "aria-label": "Pages" }, PLACES.map(placeLink)),
    el("div.top-tools", null, hasSpeeds ? units : null, theme, button("?", () => help.showModal(), "Keys (?)", "help")),
  );
  fill(/** @type {Element} */ (document.querySelector("header.top")), header);
  document.body.append(help);
  onKey({ "?": () => help.showModal(), d: toggleTheme, ...(hasSpeeds ? { u: toggleSpeedUnit } : {}) });
}

/**
 * Has keys do something, unless the reader is typing, choosing, or in a dialog.
 *
 * @param {Record<string, (event: KeyboardEvent) => void>} actions by `KeyboardEvent.key`
 */
export function onKey(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  });
}

/**
 * Shows one calm line above the page's content, or takes it away.
 *
 * @param {string | null} message
 * @param {Node[]} more links or buttons after it
 */
export function notice(message, ...more) {
  const main = /** @type {Element} */ (document.querySelector("main"));
  let line = main.querySelector(":scope > .notice");
  if (message === null) {
    line?.remove();
    return;
  }
  if (line === null) {
    line = el("div.notice", { role: "status" });
    main.prepend(line);
  }
  fill(line, el("span", null, message), ...more);
}

/** @param {string[]} place */
function placeLink([href, name]) {
  const isHere = href === "/" ? location.pathname === "/" : location.pathname.startsWith(href);
  return el("a", { href, "aria-current": isHere ? "page" : null }, name);
}

/**
 * @param {string} text
 * @param {() => void} click
 * @param {string} title
 * @param {string} [name] its class
 */
function button(text, click, title, name = "tool") {
  return el(`button.quiet.${name}`, { type: "button", title, "aria-label": title, click }, text);
}

/** @param {Help[]} keys */
function helpOf(keys) {
  const dialog = /** @type {HTMLDialogElement} */ (el("dialog", { "aria-label": "Keys" }));
  const rows = keys.flatMap(([key, what]) => [
    el("dt", null, key.split(" ").map((one) => [el("kbd", null, one), " "]).flat()),
    el("dd", null, what),
  ]);
  const close = el("button.primary", { type: "button", click: () => dialog.close(), autofocus: true }, "Close");
  dialog.append(el("h2", null, "Keys"), el("dl", null, rows), close);
  return dialog;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), select, textarea");
}
