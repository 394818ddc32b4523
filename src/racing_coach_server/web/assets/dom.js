/**
 * Elements. Whatever came from a rig goes through `el` and becomes text, never markup.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 */

/**
 * An element. Attributes that are false or null are left out; functions become listeners.
 *
 * @param {string} tag `"p"`, or with classes `"p.muted.small"`
 * @param {Record<string, unknown> | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(key, /** @type {EventListener} */ (value));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * Puts children into an element in place of those that it has.
 *
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

/**
 * The element with this id, which the page has.
 *
 * @param {string} id
 * @returns {any} of whatever kind the page says
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Sets an element's text where it differs, so that nothing is laid out anew for nothing.
 *
 * @param {Node} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {(Child | Child[])[]} children */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "")
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * Does what is not the first thing that a reader looks at, once the next frame is on the screen.
 *
 * @param {() => void} work
 */
export function afterNextFrame(work) {
  requestAnimationFrame(() => setTimeout(work));
}
