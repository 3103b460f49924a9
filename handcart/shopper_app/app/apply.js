/**
 * What an act changes in the run, as far as this device can know it. The server decides; until it has answered, the app
 * shows the server's run with the unsent acts applied.
 *
 * @import {Act, Batch, Entry, Line, Order, Run} from './types'
 */

import { isSame } from './match.js';

const UNSENT = ['held', 'queued', 'sending'];

/**
 * The run that the app shows: the server's, with the acts applied that it does not contain yet.
 * @param {Run} run
 * @param {Entry[]} entries in the sequence in which they were made
 * @returns {Run}
 */
export function localRun(run, entries) {
  return entries.filter(isApplied).reduce((shown, entry) => applyAct(shown, entry.act), run);
}

/** @param {Entry} entry */
export function isApplied(entry) {
  return UNSENT.includes(entry.state) || Boolean(entry.is_shown);
}

/**
 * The run after one act. An act about a batch, an order or a line that the run does not have changes nothing.
 * @param {Run} run
 * @param {Act} act
 * @returns {Run}
 */
export function applyAct(run, act) {
  const place = run.batches.findIndex((batch) => batch.subject === act.subject);
  if (place < 0 || !(act.verb in EFFECTS)) return run;
  const batch = structuredClone(run.batches[place]);
  const order = batch.orders.find((one) => one.id === act.body.order);
  const line = order?.lines.find((one) => one.line_num === act.body.line);
  EFFECTS[act.verb](batch, act.body, order, line, act);
  return { ...run, batches: run.batches.toSpliced(place, 1, batch) };
}

/** @typedef {(batch: Batch, body: Record<string, any>, order: Order | undefined, line: Line | undefined, act: Act) => void} Effect */

/** @type {Record<string, Effect>} */
const EFFECTS = {
  accept(batch) {
    batch.is_accepted = true;
    if (batch.state === 'brand_new' && batch.type !== 'runner_customer') reach(batch, 'acknowledged');
  },
  start: (batch) => reach(batch, 'picking'),
  find: (batch, body, order, line) => pick(line, 'found', body),
  replace(batch, body, order, line, act) {
    propose(line, body.item, act.at);
    pick(line, 'replaced', body);
  },
  refund: (batch, body, order, line) => pick(line, 'to_refund', {}),
  put_back: (batch, body, order, line) => pick(line, 'not_found', {}),
  add(batch, body, order) {
    if (!order) return;
    const numbers = order.lines.map((line) => Number(line.line_num)).filter(Number.isInteger);
    order.lines.push(addedLine(String(Math.max(0, ...numbers) + 1), body));
  },
  review: (batch) => reach(batch, 'verifying_replacements'),
  checkout: (batch) => reach(batch, 'checkout'),
  bag(batch, body, order) {
    if (!order) return;
    order.bags = body.bags;
    order.bag_count = body.bags.length;
    if (batch.orders.every((one) => one.bags.length || !hasGoods(one))) reach(batch, 'receipt_sanity_check');
  },
  check_bags: (batch) => reach(batch, 'bags_check'),
  stage(batch, body, order) {
    if (!order) return;
    order.is_staged = true;
    order.bags = order.bags.map((bag) => ({ ...bag, place: body.place }));
    reach(batch, batch.orders.every((one) => one.is_staged) ? 'staged' : 'bags_check');
  },
  arrive: (batch) => reach(batch, 'at_store'),
  verify_bags(batch, body, order) {
    if (!order) return;
    order.is_verified = true;
    if (batch.orders.every((one) => one.is_verified)) reach(batch, 'bags_verified');
  },
  leave: (batch) => reach(batch, 'delivering'),
  deliver: (batch, body, order) => finish(batch, order, 'completed'),
  bring_back(batch, body, order) {
    if (!order) return;
    if (body.reason !== 'alcohol_only') order.status = 'returning';
    else order.lines.filter((line) => line.is_alcohol).forEach((line) => pick(line, 'to_refund', {}));
  },
  returned: (batch, body, order) => finish(batch, order, 'canceled'),
  say(batch, body, order, line, act) {
    if (!order || order.chat.messages.some((one) => one.act_id === act.id)) return;
    order.chat.messages.push({
      id: '', sender: 'shopper', phrase: body.phrase ?? null, text: body.text ?? null, picture: body.picture ? '' : null,
      at: act.at, is_read: false, act_id: act.id,
    });
  },
  read(batch, body, order) {
    if (!order) return;
    const seen = order.chat.messages.filter((one) => one.sender === 'customer' && Number(one.id) <= Number(body.until));
    order.chat.unread -= seen.filter((one) => !one.is_read).length;
    for (const one of seen) one.is_read = true;
  },
  drop_out: (batch) => { batch.state = 'dropped_out'; },
};

/** @param {Batch} batch @param {string} state */
function reach(batch, state) {
  batch.state = state;
  for (const order of batch.orders) {
    if (!isEnded(order)) order.status = STATUS[batch.type]?.[state] ?? state;
  }
}

/** The status of orders, where it differs from the state of their batch. @type {Record<string, Record<string, string>>} */
const STATUS = {
  delivery: { receipt_sanity_check: 'checkout' },
  pickup: { receipt_sanity_check: 'checkout' },
  delivery_only: { acknowledged: 'acknowledged_for_delivery' },
  runner_customer: { at_store: 'user_at_store' },
};

/** Whether a batch needs nothing more from the shopper. @param {Batch} batch */
export function isOver(batch) {
  return batch.state === 'dropped_out' || batch.state === (batch.type === 'pickup' ? 'staged' : 'completed');
}

/** Whether the customer gets anything of an order. @param {Order} order */
export function hasGoods(order) {
  return order.lines.some((line) => line.status !== 'to_refund');
}

/** Whether the customer gets alcohol: the order has some, and it is not all refunded. @param {Order} order */
export function hasAlcohol(order) {
  const marked = order.lines.filter((line) => line.is_alcohol);
  return order.has_alcohol && (marked.length === 0 || marked.some((line) => line.status !== 'to_refund'));
}

/** @param {Order} order */
export function isEnded(order) {
  return order.status === 'completed' || order.status === 'canceled';
}

/** @param {Batch} batch @param {Order | undefined} order @param {string} status */
function finish(batch, order, status) {
  if (order) order.status = status;
  if (batch.orders.every(isEnded)) batch.state = 'completed';
}

/** @param {Line | undefined} line @param {Line['status']} status @param {Record<string, any>} body */
function pick(line, status, body) {
  if (!line) return;
  if (status === 'found') line.refused = line.alternative = null;
  if (status !== 'replaced') line.replacement_status = line.refused ? 'REJECTED' : null;
  line.status = status;
  line.delivered_count = body.count ?? null;
  line.delivered_weight = body.weight ?? null;
  line.substitute = body.item ? { ...NO_PRODUCT, ...body.item, name: body.item.name ?? '' } : null;
}

/** The customer's own choice needs no answer; the same product again is the same question. @param {Line | undefined} line @param {any} item @param {string} [at] */
function propose(line, item, at) {
  if (!line || (line.substitute && isSame(line.substitute, item))) return;
  const wishes = [...line.replacement_items, ...(line.alternative ? [line.alternative.product] : [])];
  line.replacement_status = wishes.some((one) => isSame(one, item)) ? 'APPROVED' : 'PENDING';
  line.proposed_at = at ?? null;
}

/** @param {string} number @param {Record<string, any>} body @returns {Line} */
function addedLine(number, body) {
  return {
    line_num: number, version: 0, status: 'found', qty: body.count ?? body.weight ?? 1, qty_unit: 'each',
    count: body.count ?? null, weight: body.weight ?? null,
    product: { ...NO_PRODUCT, ...body.item, name: body.item.name ?? '' },
    special_instructions: '', replacement_policy: '', replacement_items: [], suggestions: [],
    delivered_count: body.count ?? null, delivered_weight: body.weight ?? null, substitute: null,
    is_alcohol: Boolean(body.item.is_alcohol), is_heavy: false, is_added: true, picked_by: null,
    replacement_status: null, proposed_at: null, refused: null, alternative: null,
  };
}

/** @type {import('./types').Product} */
const NO_PRODUCT = {
  upc: null, rrc: null, name: '', cost_unit: 'each', par_weight: null, price_cents: 0, image_url: null,
  department: null, aisle: null, shelf: null, temperature: null, is_alcohol: false,
};
