/**
 * The queue of acts as plain data: what a new act, an undo, and the server's answers change. Nothing here waits, and
 * nothing here calls the server.
 *
 * @import {Act, Barrier, Changes, Entry, Result, Run, State, Verb} from './types'
 */
import { localRun } from './apply.js';

/** @typedef {{rule: string | null, message: string | null, goods?: Result['goods']}} Why */

/** Acts that end something: they wait before they enter the queue, so that the shopper can undo them. */
export const FINISHING = ['deliver', 'returned', 'bring_back', 'drop_out'];
export const UNDO_MS = 10_000;
/** How long sent and undone acts stay on the device: for the queue's screen, and for a server that lost them. */
const KEPT_MS = 2 * 24 * 3600 * 1000;

/**
 * Adds an act. It goes after this device's act before it on the same subject.
 * @param {State} state
 * @param {{id: string, subject: string, verb: Verb, body: Record<string, any>, now: number}} made
 * @param {Blob} [picture]
 * @returns {Changes}
 */
export function added({ kept, entries }, { id, subject, verb, body, now }, picture) {
  /** @type {Act} */
  const act = {
    id, subject, verb, body,
    after: kept.chains[subject] ?? null,
    at: new Date(now).toISOString(),
    seen_version: seenVersion(kept.run && localRun(kept.run, entries), subject, body),
  };
  /** @type {Entry} */
  const entry = FINISHING.includes(verb) ? { act, state: 'held', held_until: now + UNDO_MS } : { act, state: 'queued' };
  return {
    put: [entry],
    keep: { chains: { ...kept.chains, [subject]: id } },
    pictures: picture ? [{ act_id: id, blob: picture, state: 'queued' }] : [],
  };
}

/** @param {Run | null} run @param {string} subject @param {Record<string, any>} body */
function seenVersion(run, subject, body) {
  const batch = run?.batches.find((one) => one.subject === subject);
  const order = batch?.orders.find((one) => one.id === body.order);
  return order?.lines.find((one) => one.line_num === body.line)?.version ?? null;
}

/**
 * Undoes an act that is held.
 * @param {State} state
 * @param {string} id
 * @param {number} now
 * @returns {Changes}
 */
export function undone(state, id, now) {
  const entry = state.entries.find((one) => one.act.id === id && one.state === 'held');
  if (!entry) return {};
  return { ...withoutIt(state, { ...entry, state: 'superseded', settled_at: now }), remove_pictures: [id] };
}

/**
 * Takes the refusal of a call with one act. The server does not know the act, so none can come after it.
 * @param {State} state
 * @param {string} id
 * @param {Why} why
 * @param {number} now
 * @returns {Changes}
 */
export function rejected(state, id, why, now) {
  const entry = state.entries.find((one) => one.act.id === id);
  return entry ? withoutIt(state, { ...refused(entry, why, now), is_unknown: true }) : {};
}

/**
 * Queues an act again that the server does not know: as the newest act of its subject.
 * @param {State} state
 * @param {string} id
 * @returns {Changes}
 */
export function requeued({ kept, entries }, id) {
  const entry = entries.find((one) => one.act.id === id && one.is_unknown);
  if (!entry) return {};
  const { subject } = entry.act;
  return {
    put: [{ act: { ...entry.act, after: kept.chains[subject] ?? null }, state: 'queued' }],
    remove_entries: entry.seq === undefined ? [] : [entry.seq],
    keep: { chains: { ...kept.chains, [subject]: id } },
  };
}

/**
 * Ends an act that the server never gets: the act after it on the subject takes its place in the chain.
 * @param {State} state
 * @param {Entry} ended
 * @returns {Changes}
 */
function withoutIt({ kept, entries }, ended) {
  const { id, subject, after } = ended.act;
  const later = entries.filter((one) => one.act.after === id).map((one) => ({ ...one, act: { ...one.act, after } }));
  const chains = { ...kept.chains };
  if (chains[subject] === id) {
    if (after) chains[subject] = after;
    else delete chains[subject];
  }
  return { put: [ended, ...later], keep: { chains } };
}

/**
 * The acts to send now, in sequence. Acts of a subject wait for the acts before them; a held act waits for its time.
 * @param {Entry[]} entries
 * @param {number} now
 * @param {number} most
 * @returns {Entry[]}
 */
export function due(entries, now, most) {
  const waiting = new Set();
  const found = [];
  for (const entry of entries) {
    if (waiting.has(entry.act.subject) || !['held', 'queued', 'sending'].includes(entry.state)) continue;
    if (entry.state === 'held' && (entry.held_until ?? 0) > now) waiting.add(entry.act.subject);
    else found.push(entry);
  }
  return found.slice(0, most);
}

/** @param {Entry[]} entries @returns {Changes} */
export function sending(entries) {
  return { put: entries.map((entry) => ({ ...entry, state: 'sending' })) };
}

/**
 * Takes the server's answers. An answer without the batch's present state leaves the act applied on this device until
 * the next run arrives. `later` means that the server lacks an act before this one: those are sent again.
 * @param {State} state
 * @param {Result[]} results
 * @param {number} now
 * @returns {Changes}
 */
export function answered({ kept, entries }, results, now) {
  const byId = new Map(results.map((result) => [result.id, result]));
  const lost = new Set(results.filter((one) => one.outcome === 'later').map((one) => subjectOf(entries, one.id)));
  /** @type {Entry[]} */
  const put = [];
  for (const entry of entries) {
    const result = byId.get(entry.act.id);
    if (result && entry.state === 'sending') put.push(settled(entry, result, now));
    else if (entry.state === 'sent' && lost.has(entry.act.subject)) put.push({ ...entry, state: 'queued' });
  }
  return { put, keep: { run: kept.run && results.reduce(withBatch, kept.run), run_tag: null } };
}

/** @param {Entry[]} entries @param {string} id */
function subjectOf(entries, id) {
  return entries.find((entry) => entry.act.id === id)?.act.subject;
}

/** @param {Entry} entry @param {Result} result @param {number} now @returns {Entry} */
function settled(entry, result, now) {
  if (result.outcome === 'later') return { ...entry, state: 'queued' };
  if (result.outcome === 'refused') return refused(entry, result, now);
  return { ...entry, state: 'sent', settled_at: now, is_shown: !result.now };
}

/** @param {Entry} entry @param {Why} why @param {number} now @returns {Entry} */
function refused(entry, { rule, message, goods = null }, now) {
  // A mark of reading that comes too late asks nothing of the shopper.
  if (entry.act.verb === 'read') return { ...entry, state: 'superseded', settled_at: now };
  return { ...entry, state: 'refused', settled_at: now, rule, message, goods };
}

/** @param {Run} run @param {Result} result @returns {Run} */
function withBatch(run, { now: batch }) {
  if (!batch) return run;
  const place = run.batches.findIndex((one) => one.subject === batch.subject);
  if (place < 0) return run;
  return { ...run, batches: run.batches.toSpliced(place, 1, batch) };
}

/**
 * Takes a run from the server. It contains what was sent before it was asked for.
 * @param {State} state
 * @param {{run: Run, tag: string | null} | null} answer null if the server says that the run did not change
 * @param {number} now
 * @returns {Changes}
 */
export function arrived({ entries }, answer, now) {
  const shown = entries.filter((entry) => entry.is_shown);
  const old = entries.filter(({ state, settled_at }) =>
    (state === 'sent' || state === 'superseded') && (settled_at ?? now) < now - KEPT_MS);
  return {
    put: shown.map((entry) => ({ ...entry, is_shown: false })),
    remove_entries: old.flatMap((entry) => entry.seq ?? []),
    keep: { barrier: null, ...(answer && { run: answer.run, run_tag: answer.tag, run_at: now }) },
  };
}

/** Acts whose answer never came are sent again with the same id. @param {State} state @returns {Changes} */
export function unanswered({ entries }) {
  return { put: entries.filter((one) => one.state === 'sending').map((one) => ({ ...one, state: 'queued' })) };
}

/** @param {State} state @param {Barrier} barrier @returns {Changes} */
export function barred(state, barrier) {
  return { ...unanswered(state), keep: { barrier } };
}

/** @param {Entry[]} entries */
export function unsent(entries) {
  return entries.filter((entry) => ['held', 'queued', 'sending'].includes(entry.state));
}

/** @param {Entry[]} entries */
export function refusedOnes(entries) {
  return entries.filter((entry) => entry.state === 'refused');
}
