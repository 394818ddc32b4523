/** How numbers read: lap times 1:18.783, deltas with a sign, times of day in the reader's own zone. */

const MINUS = "\u2212";
const NONE = "\u2013";

/**
 * A lap time: `1:18.783`, or `58.120` under a minute.
 *
 * @param {number | null | undefined} seconds
 */
export function lapTime(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const thousandths = Math.round(seconds * 1000);
  const minutes = Math.floor(thousandths / 60000);
  const rest = ((thousandths - minutes * 60000) / 1000).toFixed(3);
  return minutes === 0 ? rest : `${minutes}:${rest.padStart(6, "0")}`;
}

/**
 * A difference in time, signed: `+0.312`, `−0.120`, `0.000`.
 *
 * @param {number | null | undefined} seconds
 * @param {number} [digits]
 */
export function signed(seconds, digits = 3) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const size = Math.abs(seconds).toFixed(digits);
  if (Number(size) === 0) return size;
  return (seconds < 0 ? MINUS : "+") + size;
}

/**
 * Which way a difference goes: less time is a gain.
 *
 * @param {number | null | undefined} seconds
 * @param {number} [least] what is less is even
 * @returns {"gain" | "loss" | "even"}
 */
export function wayOf(seconds, least = 0.0005) {
  if (!seconds || Math.abs(seconds) < least) return "even";
  return seconds < 0 ? "gain" : "loss";
}

/**
 * A number with so many digits, or a dash.
 *
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function fixed(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/**
 * How long ago, calmly: `just now`, `40 s ago`, `3 min ago`, `2 h ago`, then the day.
 *
 * @param {string | null | undefined} iso
 * @param {number} [now] milliseconds
 */
export function ago(iso, now = Date.now()) {
  if (!iso) return "never";
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10 || 5} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return day(iso);
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return NONE;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {string} iso */
export function day(iso) {
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** @param {string} iso */
export function dayAndTime(iso) {
  return new Date(iso).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** @param {string} iso */
export function timeOfDay(iso) {
  return new Date(iso).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/**
 * A sentence whose numbers keep their units beside them.
 *
 * @param {string} text
 */
export function unbroken(text) {
  return text.replaceAll(/(\d) (s|m|%)(?=\W|$)/g, "$1\u00a0$2");
}

/** @param {number} value */
export function count(value) {
  return value.toLocaleString();
}
