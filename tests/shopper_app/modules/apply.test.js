import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyAct, hasAlcohol, localRun } from '../../../handcart/shopper_app/app/apply.js';
import { preparedRun } from './memory.js';

const DELIVERY = 'market/1';

/** @import {Run, Verb} from '../../../handcart/shopper_app/app/types' */

/** @param {Verb} verb @param {Record<string, any>} [body] */
function act(verb, body = {}, subject = DELIVERY) {
  return { id: crypto.randomUUID(), subject, after: null, verb, at: '2026-11-30T17:00:00Z', seen_version: null, body };
}

/** @param {Run} run @param {any[]} steps @returns {Run} */
function after(run, ...steps) {
  return steps.reduce(applyAct, run);
}

test('a delivery goes through its states, and its orders with it', () => {
  let run = preparedRun();
  const steps = [
    [act('start'), 'picking', 'picking'],
    [act('review'), 'verifying_replacements', 'verifying_replacements'],
    [act('checkout', { total_cents: 100 }), 'checkout', 'checkout'],
    [act('bag', { order: 'order-1', bags: [{ code: '1', kind: 'cold' }] }), 'checkout', 'checkout'],
    [act('bag', { order: 'order-2', bags: [{ code: '2', kind: 'hot' }] }), 'receipt_sanity_check', 'checkout'],
    [act('leave'), 'delivering', 'delivering'],
    [act('deliver', { order: 'order-1' }), 'delivering', 'completed'],
    [act('bring_back', { order: 'order-2', reason: 'nobody' }), 'delivering', 'completed'],
    [act('returned', { order: 'order-2' }), 'completed', 'completed'],
  ];
  for (const [step, state, status] of steps) {
    run = applyAct(run, /** @type {any} */ (step));
    const [batch] = run.batches;
    assert.deepEqual([batch.state, batch.orders[0].status], [state, status], /** @type {any} */ (step).verb);
  }
  assert.equal(run.batches[0].orders[1].status, 'canceled');
});

test('a pickup ends at the staging place, when the last order is there', () => {
  const run = after(preparedRun(), ...['accept', 'start', 'review', 'checkout'].map((verb) =>
    act(/** @type {any} */ (verb), {}, 'market/2')), act('bag', { order: 'order-3', bags: [{ code: '1', kind: 'cold' }] }, 'market/2'));
  assert.equal(run.batches[1].is_accepted, true);
  const staged = applyAct(run, act('stage', { order: 'order-3', place: 'F2', scans: ['1'] }, 'market/2')).batches[1];
  assert.deepEqual([staged.state, staged.orders[0].is_staged, staged.orders[0].bags[0].place], ['staged', true, 'F2']);
});

test('lines are found, replaced, refunded, put back and added', () => {
  const order = 'order-1';
  const item = { upc: '0004011200018', name: 'Rye loaf' };
  const run = after(preparedRun(),
    act('find', { order, line: '2', weight: 1.42 }), act('replace', { order, line: '1', item, count: 2 }),
    act('refund', { order, line: '3' }), act('find', { order, line: '4', count: 1 }), act('put_back', { order, line: '4' }),
    act('add', { order, item: { upc: '1', name: 'Soap' }, count: 3 }));
  const lines = Object.fromEntries(run.batches[0].orders[0].lines.map((line) => [line.line_num, line]));
  assert.deepEqual([lines[2].status, lines[2].delivered_weight], ['found', 1.42]);
  assert.deepEqual([lines[1].status, lines[1].substitute?.name, lines[1].delivered_count], ['replaced', 'Rye loaf', 2]);
  assert.deepEqual([lines[3].status, lines[4].status, lines[4].delivered_count], ['to_refund', 'not_found', null]);
  assert.deepEqual([lines[7].product.name, lines[7].is_added, lines[7].delivered_count], ['Soap', true, 3]);
});

test('a message is shown once, and the messages that were seen are read', () => {
  const run = preparedRun();
  const [order] = run.batches[0].orders;
  const common = { phrase: null, picture: null, at: '2026-11-30T17:00:00Z', is_read: false, act_id: null };
  order.chat = { is_open: true, unread: 2, messages: ['1', '2'].map((id) => ({ ...common, id, sender: /** @type {const} */ ('customer'), text: id })) };
  const written = act('say', { order: 'order-1', text: 'Yes' });
  const { chat } = after(run, written, written, act('read', { order: 'order-1', until: '1' })).batches[0].orders[0];
  assert.deepEqual(chat.messages.map((one) => [one.sender, one.text, one.is_read]),
    [['customer', '1', true], ['customer', '2', false], ['shopper', 'Yes', false]]);
  assert.equal(chat.unread, 1);
});

test('the run that was given stays as it was', () => {
  const run = preparedRun();
  after(run, act('start'), act('refund', { order: 'order-1', line: '1' }), act('drop_out'));
  assert.deepEqual(run, preparedRun());
});

test('an act about something that the run does not have changes nothing', () => {
  const run = preparedRun();
  for (const one of [act('start', {}, 'market/99'), act('find', { order: 'order-1', line: '99' }),
    act('find', { order: 'none', line: '1' }), act('add', { order: 'none', item: {} }), act('bag', { order: 'none', bags: [] }),
    act('deliver', { order: 'none' }), act('say', { order: 'none', text: 'Yes' }), act('read', { order: 'none', until: '1' }), act('cannot_reach', { order: 'order-1' }), act(/** @type {any} */ ('dance'))]) {
    assert.deepEqual(applyAct(run, one), run, one.verb);
  }
});

test('only unsent acts, and acts that the run may lack, are shown', () => {
  const shown = /** @param {any} entry */ (entry) => localRun(preparedRun(), [{ act: act('start'), ...entry }]).batches[0].state;
  for (const state of ['held', 'queued', 'sending']) assert.equal(shown({ state }), 'picking', state);
  for (const state of ['sent', 'refused', 'superseded']) assert.equal(shown({ state }), 'acknowledged', state);
  assert.equal(shown({ state: 'sent', is_shown: true }), 'picking');
});

test('only the alcohol goes back, or the whole order does', () => {
  const alcohol = act('bring_back', { order: 'order-1', reason: 'alcohol_only' });
  const [order] = applyAct(preparedRun(), alcohol).batches[0].orders;
  assert.equal(order.status, 'acknowledged');
  assert.deepEqual(order.lines.filter((line) => line.status === 'to_refund').map((line) => line.line_num), ['5']);
  assert.deepEqual([hasAlcohol(preparedRun().batches[0].orders[0]), hasAlcohol(order)], [true, false]);
  const young = act('bring_back', { order: 'order-1', reason: 'not_of_age' });
  assert.equal(applyAct(preparedRun(), young).batches[0].orders[0].status, 'returning');
});

test('an order of which the customer gets nothing needs no bags', () => {
  const run = preparedRun();
  for (const line of run.batches[0].orders[0].lines) line.status = 'to_refund';
  const bagged = act('bag', { order: 'order-2', bags: [{ code: '1', kind: 'cold' }] });
  assert.equal(applyAct(run, bagged).batches[0].state, 'receipt_sanity_check');
});
