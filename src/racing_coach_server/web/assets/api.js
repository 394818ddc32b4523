/** Asks the API. What goes wrong is an `ApiError` that says in one sentence what to do. */

const UNREACHABLE = "The server does not answer. Trying again as long as this page is open.";

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where there was no answer at all
   * @param {number | null} retryAfter seconds
   */
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same question may have an answer later. */
  get mayPass() {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * The JSON at a path of the API.
 *
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function ask(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(UNREACHABLE, 0);
  }
  if (response.status === 401 && !location.pathname.startsWith("/sign-in")) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (!response.ok) throw await errorOf(response);
  return response.status === 204 ? null : response.json();
}

/**
 * Asks until there is an answer, every few seconds; tells meanwhile what the matter is.
 *
 * @param {string} path
 * @param {(error: ApiError) => void} tell
 * @param {AbortSignal} [signal] ends it
 * @returns {Promise<any>}
 */
export async function askUntilAnswered(path, tell, signal) {
  for (let pause = 1000; ; pause = Math.min(pause * 1.7, 10000)) {
    try {
      return await ask(path, { signal });
    } catch (error) {
      if (!(error instanceof ApiError) || !error.mayPass) throw error;
      tell(error);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** @param {Response} response */
async function errorOf(response) {
  const body = await response.json().catch(() => ({}));
  const message = typeof body.message === "string" ? body.message : `The server answered ${response.status}.`;
  const after = Number(response.headers.get("retry-after"));
  return new ApiError(message, response.status, Number.isFinite(after) && after > 0 ? after : null);
}
