/** Fingers on a plot: one moves the cursor, two zoom and shift. Up and down still scrolls the page (`touch-action: pan-y`). */

/** @typedef {import("./view.js").View} View */

/**
 * @param {HTMLElement} surface as wide as the stretch that is shown
 * @param {View} view
 */
export function followFingers(surface, view) {
  /** @type {Map<number, number>} */
  const fingers = new Map();

  /** @param {number} clientX */
  const placeAt = (clientX) => {
    const { left, width } = surface.getBoundingClientRect();
    const { from, to } = view.stretch;
    return from + ((clientX - left) / width) * (to - from);
  };

  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 1) view.moveTo(placeAt(event.clientX));
  });
  surface.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    if (fingers.size === 1) view.moveTo(placeAt(event.clientX));
    else pinch(event);
    fingers.set(event.pointerId, event.clientX);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    surface.addEventListener(end, (event) => fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
  }

  /** @param {PointerEvent} event */
  function pinch(event) {
    const other = [...fingers].find(([id]) => id !== event.pointerId);
    const before = fingers.get(event.pointerId);
    if (other === undefined || before === undefined) return;
    const held = other[1];
    const gap = Math.max(Math.abs(event.clientX - held), 10);
    view.zoom(Math.max(Math.abs(before - held), 10) / gap, placeAt(held));
  }
}
