/**
 * The stream of live events. It reconnects by itself after whatever ended it, the page's own sleep included. Nothing is
 * missed: the browser asks for what came after the last event it has, and whoever begins anew is first sent everything.
 */

import { ApiError, ask } from "./api.js";

/** The server says something every ten seconds; who hears nothing for so long reconnects. */
const SILENCE_MS = 25_000;
/** A page that nobody sees lets go of its stream after so long: a browser has only six of them for one server. */
const UNSEEN_MS = 60_000;
const CHECK_MS = 2_000;
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000];

/** @typedef {Record<string, (data: any) => void>} Handlers by the event's name */

export class Live {
  /**
   * @param {string} path
   * @param {Handlers} handlers
   * @param {(isLive: boolean) => void} tell told of each change
   */
  constructor(path, handlers, tell) {
    this.path = path;
    this.handlers = handlers;
    this.tell = tell;
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {boolean | null} */
    this.isLive = null;
    this.heardAt = this.checkedAt = performance.now();
    this.failures = 0;
    /** @type {number | undefined} */
    this.waiting = undefined;
    /** @type {number | null} */
    this.unseenSince = null;
    setInterval(() => this.#check(), CHECK_MS);
    document.addEventListener("visibilitychange", () => this.#check());
    addEventListener("online", () => this.#open());
    addEventListener("pageshow", (event) => event.persisted && this.#open());
    addEventListener("pagehide", () => this.source?.close());
    this.#open();
  }

  #open() {
    clearTimeout(this.waiting);
    this.source?.close();
    this.heardAt = performance.now();
    const source = new EventSource(this.path);
    this.source = source;
    for (const [name, handle] of Object.entries(this.handlers)) {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.heardAt = performance.now();
        this.failures = 0;
        handle(JSON.parse(event.data));
        this.#say(true);
      });
    }
    source.addEventListener("error", () => {
      if (source === this.source) this.#lost();
    });
  }

  /** The browser reconnects by itself, unless the server answered with an error: then it has given up. */
  #lost() {
    this.#say(false);
    if (this.source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.#tryAgain(), PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)]);
    this.failures += 1;
  }

  /** Asks first, because a stream does not say why there is none; who is signed out is led to sign in. */
  async #tryAgain() {
    try {
      await ask("/api/v1/health");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return;
    }
    this.#open();
  }

  #check() {
    const now = performance.now();
    const slept = now - this.checkedAt > 5 * CHECK_MS;
    this.checkedAt = now;
    if (document.hidden) {
      this.unseenSince ??= now;
      if (now - this.unseenSince > UNSEEN_MS && this.source !== null) this.#letGo();
      return;
    }
    this.unseenSince = null;
    const silent = now - this.heardAt;
    if (this.source === null || silent > SILENCE_MS || (slept && silent > 5 * CHECK_MS)) this.#open();
  }

  #letGo() {
    clearTimeout(this.waiting);
    this.source?.close();
    this.source = null;
    this.#say(false);
  }

  /** @param {boolean} isLive */
  #say(isLive) {
    if (isLive === this.isLive) return;
    this.isLive = isLive;
    this.tell(isLive);
  }
}
