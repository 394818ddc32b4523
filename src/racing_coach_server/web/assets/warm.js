/** Has the browser read what the page of a lap is made of before somebody opens one. */

const NO_LAP = "/lap/00000000-0000-0000-0000-000000000000";
const ASSET = /(?:href|src)="(\/assets\/[^"]+)"/g;

/** Once a tab, when it has nothing else to do. */
export function warmLapPage() {
  const idle = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ work) => setTimeout(work, 500));
  idle(() => void readAssets());
}

async function readAssets() {
  try {
    const page = await (await fetch(NO_LAP, { priority: "low" })).text();
    await Promise.all([...page.matchAll(ASSET)].map(([, url]) => fetch(url, { priority: "low" })));
  } catch {
    // Nothing is lost: the page of a lap reads them itself.
  }
}
