/** Signing in: one password, then back to where one was going. */

import { ApiError, ask } from "./api.js";
import { byId } from "./dom.js";

const form = byId("form");
const password = byId("password");
const refusal = byId("refusal");
const button = form.querySelector("button");

form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  refusal.hidden = true;
  button.disabled = true;
  try {
    await ask("/api/v1/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: password.value }),
    });
    location.replace(next());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refuse(error);
  }
});

/** @param {ApiError} error */
function refuse(error) {
  refusal.textContent = error.message;
  refusal.hidden = false;
  setTimeout(() => {
    button.disabled = false;
  }, (error.retryAfter ?? 0) * 1000);
  password.select();
  password.focus();
}

/** Where to go: a path of this server, whatever the address says. */
function next() {
  const asked = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return asked.origin === location.origin ? asked.pathname + asked.search : "/";
}
