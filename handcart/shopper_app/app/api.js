/** Calls of the server. The browser adds the session's cookie. */

const API = '/shopper/api';
const PATIENCE_MS = 30_000;

/** The server refused a call: with a rule's name, and a sentence for the person. */
export class Refused extends Error {
  /** @param {number} status @param {Record<string, any>} error */
  constructor(status, error) {
    super(error.message ?? '');
    this.status = status;
    this.rule = error.rule ?? null;
    this.error = error;
  }

  /** Whether the same call may succeed later: the server is busy, or something on the way failed. */
  get isForNow() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/**
 * Calls the server. Rejects with `Refused`, or with another error if no answer came.
 * @param {string} method
 * @param {string} path below the app's API
 * @param {unknown} [body] a Blob is sent as it is, anything else as JSON
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Response>} a status of 200 to 399
 */
export async function send(method, path, body, headers = {}) {
  const isBlob = body instanceof Blob;
  const type = isBlob ? body.type : 'application/json';
  const response = await fetch(API + path, {
    method,
    body: isBlob || body === undefined ? body : JSON.stringify(body),
    headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': type }), ...headers },
    cache: 'no-store',
    credentials: 'same-origin',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (response.ok || response.status === 304) return response;
  const answer = await response.json().catch(() => ({}));
  throw new Refused(response.status, answer.error ?? {});
}

/**
 * Calls the server. Returns the JSON of its answer, null if it has none.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 */
export async function call(method, path, body) {
  const response = await send(method, path, body);
  return response.status === 204 ? null : response.json();
}
