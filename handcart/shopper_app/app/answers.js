/**
 * How long the shopper waits for the customers' answers to replacements.
 *
 * @import {Batch, Kept} from './types'
 */

/** When this device first waited for an answer, in milliseconds. @type {Map<string, number>} */
const begun = new Map();

/**
 * The milliseconds until the shopper may go on without the answers; 0 if no answer is missing, or their time is over.
 *
 * A device with a wrong clock counts from the time at which it first waited.
 * @param {Batch} batch
 * @param {Pick<Kept, 'run' | 'run_at'>} kept
 * @param {number} now
 */
export function waitingMs({ subject, orders, answer_minutes: minutes = 5 }, { run, run_at: arrived }, now) {
  const ahead = run && arrived ? Date.parse(run.now) - arrived : 0;
  const left = orders.flatMap((order) => order.lines.filter((line) => line.replacement_status === 'PENDING').map((line) => {
    const key = [subject, order.id, line.line_num, line.proposed_at].join(' ');
    begun.set(key, begun.get(key) ?? now);
    const since = now + ahead - (Date.parse(line.proposed_at ?? '') || Infinity);
    return minutes * 60_000 - Math.max(since, now - (begun.get(key) ?? now));
  }));
  return Math.max(0, ...left);
}

/** Minutes and seconds, as a clock shows them. @param {number} ms */
export function clockText(ms) {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
