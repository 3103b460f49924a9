/**
 * Tells the server where the phone is: with the person's consent, while there is work and the app is in front. Without
 * a position, everything else works.
 *
 * @import {Run} from './types'
 */
import { Refused } from './api.js';

const OFTEN_MS = 10_000;
const SELDOM_MS = 60_000;
const METERS = 25;
const MOST_POINTS = 100;

/** @typedef {{at: string, latitude: number, longitude: number, accuracy: number}} Point */
/** @typedef {'off' | 'seldom' | 'often'} Pace */

/**
 * How often the phone says where it is: often on the way to a store or a customer, never without work.
 * @param {Run | null} run
 * @returns {Pace}
 */
export function paceOf(run) {
  const batches = (run?.batches ?? []).filter((batch) => batch.is_accepted);
  if (!batches.length) return 'off';
  return batches.some(isDriven) ? 'often' : 'seldom';
}

/** @param {import('./types').Batch} batch */
function isDriven({ type, state }) {
  return state === 'delivering' || (type === 'delivery_only' && state === 'acknowledged');
}

/**
 * Whether a position says something new after the last one that was kept.
 * @param {Point | null} last @param {Point} point @param {Pace} pace
 */
export function isNews(last, point, pace) {
  if (!last) return true;
  const passed = Date.parse(point.at) - Date.parse(last.at);
  if (pace === 'seldom') return passed >= SELDOM_MS;
  return passed >= OFTEN_MS || meters(last, point) >= METERS;
}

/**
 * Watches the position and sends it. `update` says whether the person agreed, and what the work is now.
 * @param {object} parts
 * @param {typeof import('./api.js').send} parts.send
 * @param {Geolocation | undefined} parts.geolocation
 * @param {() => number} parts.now
 * @param {() => boolean} parts.isInFront
 * @param {(isDenied: boolean) => void} parts.heard called when the browser gives or denies the position
 */
export function createTracker({ send, geolocation, now, isInFront, heard }) {
  /** @type {number | null} */
  let watch = null;
  /** @type {Pace} */
  let pace = 'off';
  /** @type {Point | null} */
  let last = null;
  /** @type {Point[]} */
  let waiting = [];
  let isSending = false;
  let sentAt = 0;

  /** @param {boolean} isAgreed @param {Run | null} run */
  function update(isAgreed, run) {
    const next = isAgreed && geolocation && isInFront() ? paceOf(run) : 'off';
    if (next !== pace) restart(next);
    // Browsers tell of no position while the phone stays where it is.
    else if (pace !== 'off' && (!last || now() - Date.parse(last.at) >= SELDOM_MS)) geolocation?.getCurrentPosition(take, failed);
  }

  /** @param {Pace} next */
  function restart(next) {
    if (watch !== null) geolocation?.clearWatch(watch);
    watch = null;
    pace = next;
    if (pace === 'off') waiting = [];
    else watch = geolocation?.watchPosition(take, failed, { enableHighAccuracy: pace === 'often' }) ?? null;
  }

  /** @param {GeolocationPosition} position */
  function take({ timestamp, coords: { latitude, longitude, accuracy } }) {
    heard(false);
    const point = { at: new Date(timestamp).toISOString(), latitude, longitude, accuracy };
    if (pace === 'off' || !isNews(last, point, pace)) return;
    last = point;
    waiting = [...waiting, point].slice(-MOST_POINTS);
    if (now() - sentAt >= OFTEN_MS) flush();
  }

  /** Sends what waits. Without a network it goes with the next position. */
  async function flush() {
    if (isSending) return;
    isSending = true;
    const points = waiting;
    try {
      await send('POST', '/positions', { points });
      sentAt = now();
      waiting = waiting.filter((one) => !points.includes(one));
    } catch (error) {
      if (error instanceof Refused && !error.isForNow) waiting = [];
    }
    isSending = false;
  }

  /** @param {GeolocationPositionError} error */
  function failed(error) {
    if (error.code === error.PERMISSION_DENIED) heard(true);
  }

  return { update };
}

/** The distance of two near points. @param {Point} a @param {Point} b */
function meters(a, b) {
  const degree = 111_195;
  const north = (b.latitude - a.latitude) * degree;
  const east = (b.longitude - a.longitude) * degree * Math.cos((a.latitude * Math.PI) / 180);
  return Math.hypot(north, east);
}
