/** The page of a lap, alone or beside another: from the API, or from the document that a report carries in itself. */

import { ApiError, askUntilAnswered } from "./api.js";
import { frame, notice, onKey } from "./chrome.js";
import { showCoach } from "./coach.js";
import { showCorners } from "./corners.js";
import { byId, el, fill } from "./dom.js";
import { showHead } from "./lap_head.js";
import { LAP_KEYS, lapActions } from "./lap_keys.js";
import { Scene } from "./scene.js";

const carried = document.getElementById("view");
const lapId = location.pathname.split("/").at(-1) ?? "";

/** @type {Scene | null} what is on the page now */
let scene = null;

frame({ help: LAP_KEYS, isReport: carried !== null, hasSpeeds: true });
onKey(lapActions(() => scene, openReport));
document.addEventListener("units", () => {
  if (scene !== null) show(scene.lapView);
});
addEventListener("popstate", () => void load());
if (carried === null) void load();
else show(JSON.parse(carried.textContent ?? ""));

/** Asks for the lap against what the address says, and shows it. */
async function load() {
  try {
    const lapView = await askUntilAnswered(`/api/v1/laps/${lapId}/view${location.search}`, (error) => notice(error.message));
    notice(null);
    show(lapView);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (scene === null) fill(byId("head"), el("div.empty", null, el("h1", null, "No lap to show"), el("p", null, error.message)));
    else notice(error.message);
  }
}

/** @param {import("./documents.js").LapView} lapView */
function show(lapView) {
  const before = scene;
  before?.close();
  byId("body").hidden = lapView.grid === null && lapView.coaching === null;
  scene = new Scene(lapView);
  showHead(byId("head"), lapView, { isReport: carried !== null, choose, openReport });
  scene.draw(byId("bar"), byId("plots"), byId("map-card"));
  showCoach(byId("coach"), lapView, scene);
  showCorners(byId("corners"), lapView, scene);
  if (before !== null) scene.lookAsBefore(before);
}

/**
 * Holds the lap against another one.
 *
 * @param {string} against as the API takes it
 */
function choose(against) {
  history.pushState(null, "", `?against=${encodeURIComponent(against)}`);
  void load();
}

function openReport() {
  if (carried !== null || scene === null) return;
  location.assign(`/api/v1/laps/${lapId}/report?against=${encodeURIComponent(scene.lapView.against)}`);
}
