/**
 * The app's storage in memory, with the interface of `store.js`; and a server that keeps the rules of acts.
 *
 * @import {Act, Changes, Entry, Picture, Result, Run, State, Storage} from '../../../handcart/shopper_app/app/types'
 */
import { readFileSync } from 'node:fs';
import { Refused } from '../../../handcart/shopper_app/app/api.js';
import { applyAct } from '../../../handcart/shopper_app/app/apply.js';

/** @returns {Run} */
export function preparedRun() {
  return JSON.parse(readFileSync(new URL('../run.json', import.meta.url), 'utf8'));
}

/** @returns {State['kept']} */
export function keptNothing() {
  return {
    run: null, run_tag: null, me: null, barrier: null, chains: {}, lease: null,
    settings: { locale: null, theme: 'system', sound: true, vibration: true, position: null },
  };
}

/** @param {Partial<State['kept']>} [kept] @returns {Storage & {entries: Entry[]}} */
export function memoryStorage(kept = {}) {
  let next = 1;
  /** @type {Map<number, Entry>} */
  const entries = new Map();
  /** @type {Map<string, Picture>} */
  const pictures = new Map();
  const known = { ...keptNothing(), ...kept };
  const state = () => structuredClone({ kept: known, entries: [...entries.values()] });
  return {
    get entries() { return [...entries.values()]; },
    read: async () => state(),
    async change(decide) {
      /** @type {Changes} */
      const changes = decide(state());
      for (const entry of changes.put ?? []) {
        const seq = entry.seq ?? next++;
        entries.set(seq, structuredClone({ ...entry, seq }));
      }
      for (const seq of changes.remove_entries ?? []) entries.delete(seq);
      for (const picture of changes.pictures ?? []) pictures.set(picture.act_id, picture);
      for (const id of changes.remove_pictures ?? []) pictures.delete(id);
      Object.assign(known, structuredClone(changes.keep ?? {}));
      return state();
    },
    picture: async (id) => pictures.get(id),
    pictures: async () => [...pictures.values()],
    async wipe() {
      entries.clear();
      pictures.clear();
      Object.assign(known, keptNothing());
    },
  };
}

/**
 * A server of acts: each is applied once, and after the act before it. `before` and `after` may throw, or wait, around
 * each call: the request, or the answer, is lost.
 */
export class ServerOfActs {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    /** @type {Map<string, Result>} */
    this.known = new Map();
    /** @type {Act[]} */
    this.applied = [];
    /** @type {Map<string, string>} */
    this.pictures = new Map();
    /** @type {string[]} */
    this.calls = [];
    /** @type {(path: string) => void} */
    this.before = () => {};
    /** @type {(path: string) => void} */
    this.after = () => {};
    /** @type {(act: Act) => {rule: string, message: string} | null} */
    this.refuses = () => null;
  }

  send = async (/** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ body) => {
    this.calls.push(`${method} ${path}`);
    this.before(path);
    const answer = await this.answer(path, body);
    this.after(path);
    return new Response(JSON.stringify(answer), { headers: { ETag: `"${this.applied.length}"` } });
  };

  /** @param {string} path @param {any} body */
  async answer(path, body) {
    if (path === '/run') return this.run;
    if (path === '/acts') return { results: structuredClone(body.acts).map((/** @type {Act} */ act) => this.take(act)) };
    const id = path.replace('/pictures/', '');
    this.pictures.set(id, await body.text());
    return { act_id: id };
  }

  /** @param {Act} act @returns {Result} */
  take(act) {
    const known = this.known.get(act.id);
    if (known) return known.outcome === 'applied' ? { ...known, outcome: 'same' } : known;
    if (act.after !== null && !this.known.has(act.after)) return result(act, 'later');
    const why = this.refuses(act);
    if (!why) {
      this.run = applyAct(this.run, act);
      this.applied.push(act);
    }
    const now = this.run.batches.find((batch) => batch.subject === act.subject) ?? null;
    const answer = { ...result(act, why ? 'refused' : 'applied'), ...why, now };
    this.known.set(act.id, answer);
    return answer;
  }
}

/** @param {Act} act @param {Result['outcome']} outcome @returns {Result} */
function result(act, outcome) {
  return { id: act.id, outcome, rule: null, message: null, goods: null, now: null };
}

export { Refused };
