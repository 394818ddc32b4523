/** The keys of the page of a lap. */

/** @typedef {import("./scene.js").Scene} Scene */

/** @type {import("./chrome.js").Help[]} */
export const LAP_KEYS = [
  ["← →", "move the cursor; with Shift, ten times as far"],
  ["Home End", "to the start, to the end of what is shown"],
  ["j k", "next corner, corner before"],
  ["c", "next piece of the coach's advice"],
  ["+ -", "see less and larger; see more"],
  ["0 Esc", "the whole lap"],
  ["m", "map by delta or by speed"],
  ["x", "more or fewer plots"],
  ["r", "the report, as a file"],
];

/**
 * What each key does.
 *
 * @param {() => Scene | null} sceneNow
 * @param {() => void} openReport
 * @returns {Record<string, (event: KeyboardEvent) => void>}
 */
export function lapActions(sceneNow, openReport) {
  /** @type {(act: (scene: Scene, event: KeyboardEvent) => void) => (event: KeyboardEvent) => void} */
  const on = (act) => (event) => {
    const scene = sceneNow();
    if (scene !== null) act(scene, event);
  };
  /** @type {(sign: number) => (event: KeyboardEvent) => void} */
  const move = (sign) => on((scene, event) => scene.view.moveBy(sign * stepOf(scene) * (event.shiftKey ? 10 : 1)));
  const whole = on((scene) => scene.showAll());
  let said = -1;
  return {
    ArrowLeft: move(-1),
    ArrowRight: move(1),
    Home: on(({ view }) => view.moveTo(view.stretch.from)),
    End: on(({ view }) => view.moveTo(view.stretch.to)),
    j: on((scene) => scene.step(1)),
    k: on((scene) => scene.step(-1)),
    c: on((scene) => {
      const advice = scene.lapView.coaching?.advice ?? [];
      said = (said + 1) % advice.length;
      if (advice.length > 0) scene.showAdvice(advice[said]);
      else said = -1;
    }),
    "+": on(({ view }) => view.zoom(0.625)),
    "=": on(({ view }) => view.zoom(0.625)),
    "-": on(({ view }) => view.zoom(1.6)),
    0: whole,
    Escape: whole,
    m: on((scene) => scene.toggleMap?.()),
    x: on((scene) => scene.toggleMore()),
    r: openReport,
  };
}

/**
 * How many places an arrow key moves: about a pixel of what is shown, two for what is wide.
 *
 * @param {Scene} scene
 */
function stepOf({ view }) {
  return Math.max(1, Math.round((view.stretch.to - view.stretch.from) / 500));
}
