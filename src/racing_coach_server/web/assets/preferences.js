/** What the reader chose: theme and units. Kept in the browser; where nothing may be kept, for the page's life. */

/** @type {Map<string, string>} */
const unkept = new Map();

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return unkept.get(key) ?? null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    unkept.set(key, value);
  }
}

/** @typedef {{name: "km/h" | "mph", factor: number}} SpeedUnit */

/** @type {Record<string, SpeedUnit>} */
const SPEEDS = { "km/h": { name: "km/h", factor: 3.6 }, mph: { name: "mph", factor: 2.2369363 } };

/** The unit of speeds, and what makes one of m/s. */
export function speedUnit() {
  return SPEEDS[read("speed") ?? "km/h"] ?? SPEEDS["km/h"];
}

/** The other unit from now on. Tells the page by the event `units`. */
export function toggleSpeedUnit() {
  keep("speed", speedUnit().name === "km/h" ? "mph" : "km/h");
  document.dispatchEvent(new CustomEvent("units"));
}

/** Whether the page is dark. */
export function isDark() {
  return document.documentElement.dataset.theme === "dark";
}

/** Light if dark, dark if light. Tells the page by the event `theme`. */
export function toggleTheme() {
  const theme = isDark() ? "light" : "dark";
  keep("theme", theme);
  document.dispatchEvent(new CustomEvent("theme-chosen", { detail: theme }));
}

/** @type {Map<string, string>} of the theme that is shown; to ask the browser for one takes as long as to draw with it */
const colours = new Map();
document.addEventListener("theme", () => colours.clear());

/**
 * The value of a colour token, for canvases.
 *
 * @param {string} name `"accent"`
 */
export function colour(name) {
  let found = colours.get(name);
  if (found === undefined) {
    found = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(name, found);
  }
  return found;
}
