/**
 * Sends the queue and fetches the run: one round at a time, in one window. Acts of a subject are sent in sequence, and
 * again with the same id until the server has answered.
 *
 * @import {Barrier, Entry, Picture, Storage} from './types'
 */
import { Refused } from './api.js';
import { answered, arrived, barred, due, rejected, sending, unanswered } from './queue.js';

const MOST_ACTS = 50;
const CALM_MS = 30_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 5 * 60_000;

/**
 * @typedef {object} Parts
 * @property {Storage} storage
 * @property {typeof import('./api.js').send} send
 * @property {(work: () => Promise<void>) => Promise<void>} alone runs the work unless another window does
 * @property {() => number} now
 * @property {() => number} random
 * @property {(isOnline: boolean) => void} ended called after each round
 * @property {typeof setTimeout} [later]
 * @property {typeof clearTimeout} [never]
 */

/** @param {Parts} parts */
export function createSync({ storage, send, alone, now, random, ended, later = setTimeout, never = clearTimeout }) {
  let failures = 0;
  /** @type {any} */
  let timer;
  /** @type {Promise<void> | null} */
  let running = null;
  let isAsked = false;

  /** Starts a round now, or another one after the round that runs. */
  function start() {
    isAsked = true;
    running ??= rounds().finally(() => {
      running = null;
      if (isAsked) start(); // asked while the next round was being planned
    });
    return running;
  }

  async function rounds() {
    while (isAsked) {
      isAsked = false;
      await alone(round);
    }
    await plan();
  }

  async function round() {
    try {
      await sendActs();
      await fetchRun();
      await sendPictures();
      failures = 0;
      ended(true);
    } catch (error) {
      await storage.change(unanswered);
      const barrier = barrierOf(error);
      if (barrier) await storage.change((state) => barred(state, barrier));
      else failures += 1;
      ended(error instanceof Refused);
    }
  }

  async function sendActs() {
    await storage.change(unanswered);
    let most = MOST_ACTS;
    for (;;) {
      /** @type {Entry[]} */
      let entries = [];
      await storage.change((state) => sending(entries = due(state.entries, now(), most)));
      if (!entries.length) return;
      try {
        const response = await send('POST', '/acts', { acts: entries.map((entry) => entry.act) });
        const { results } = await response.json();
        await storage.change((state) => answered(state, results, now()));
        if (results.every((/** @type {any} */ one) => one.outcome === 'later')) throw new Error('acts are missing');
      } catch (error) {
        if (!(error instanceof Refused) || error.isForNow || barrierOf(error)) throw error;
        // The server refuses the whole call: one act after the other shows which of them it means.
        const [{ act }, ...others] = entries;
        await storage.change((state) => (others.length ? unanswered(state) : rejected(state, act.id, error, now())));
        most = 1;
      }
    }
  }

  /** Sends each picture that waits. One that fails does not stop the others. */
  async function sendPictures() {
    const { entries } = await storage.read();
    const waits = new Set(entries.filter(({ state }) => ['held', 'refused'].includes(state)).map(({ act }) => act.id));
    /** @type {unknown} */
    let failure = null;
    for (const picture of await storage.pictures()) {
      if (picture.state === 'refused' || waits.has(picture.act_id)) continue;
      try {
        await send('PUT', `/pictures/${picture.act_id}`, picture.blob);
        await storage.change(() => ({ remove_pictures: [picture.act_id] }));
      } catch (error) {
        if (!(error instanceof Refused) || barrierOf(error)) throw error;
        if (error.isForNow) failure = error;
        else await refusePicture(picture, error);
      }
    }
    if (failure) throw failure;
  }

  /** @param {Picture} picture @param {Refused} error */
  async function refusePicture(picture, { rule, message }) {
    await storage.change(() => ({ pictures: [{ ...picture, state: 'refused', rule, message }] }));
  }

  async function fetchRun() {
    const { kept } = await storage.read();
    const known = kept.run && kept.run_tag;
    const response = await send('GET', '/run', undefined, known ? { 'If-None-Match': known } : {});
    const answer = response.status === 304 ? null : { run: await response.json(), tag: response.headers.get('ETag') };
    await storage.change((state) => arrived(state, answer, now()));
  }

  /** Plans the next round: soon after a failure, at the end of an undo, else after half a minute. */
  async function plan() {
    const { entries, kept } = await storage.read();
    const retry = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.5 + random());
    const ends = entries.flatMap((one) => (one.state === 'held' ? Math.max(0, (one.held_until ?? 0) - now()) : []));
    const wait = failures ? retry : Math.min(CALM_MS, ...ends);
    never(timer);
    if (!kept.barrier) timer = later(start, wait);
  }

  return { start, plan };
}

/** @param {unknown} error @returns {Barrier} */
function barrierOf(error) {
  if (!(error instanceof Refused)) return null;
  return error.status === 401 ? 'signed_out' : error.status === 423 ? 'locked' : null;
}

/**
 * Runs work in one window of the app at a time: with Web Locks, else with a lease in the store.
 * @param {Storage} storage
 * @param {string} window the window's own name
 * @param {() => number} now
 * @returns {Parts['alone']}
 */
export function onlyWindow(storage, window, now) {
  if (navigator.locks) {
    return async (work) => {
      await navigator.locks.request('handcart-shopper', { ifAvailable: true }, (lock) => (lock ? work() : undefined));
    };
  }
  return async (work) => {
    const mine = { by: window, until: now() + 60_000 };
    const { kept } = await storage.change(({ kept: { lease } }) =>
      (lease && lease.by !== window && lease.until > now() ? {} : { keep: { lease: mine } }));
    if (kept.lease?.by !== window) return;
    await work();
    await storage.change(() => ({ keep: { lease: null } }));
  };
}
