/** Has the browser read what the page of a lap is made of before somebody opens one. */

const NO_LAP = "/lap/00000000-0000-0000-0000-000000000000";
const ASSET = /(?:href|src)="(\/assets\/[^"]+)"/g;

/** Once a tab, when it has nothing else to do. */
export function warmLapPage() {
  const idle = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ work) => setTimeout(work, 500));
  idle(() => void readAssets());
}

/** Not before a reader comes near a lap: many a pit wall is only looked at. */
export function warmLapPageOnApproach() {
  /** @param {Event} event */
  const approach = (event) => {
    if (!(event.target instanceof Element) || event.target.closest('a[href^="/lap/"]') === null) return;
    for (const kind of ["pointerover", "focusin"]) document.removeEventListener(kind, approach);
    warmLapPage();
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, approach);
}

async function readAssets() {
  try {
    const page = await (await fetch(NO_LAP, { priority: "low" })).text();
    await Promise.all([...page.matchAll(ASSET)].map(([, url]) => fetch(url, { priority: "low" })));
  } catch {
    // Nothing is lost: the page of a lap reads them itself.
  }
}
