import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockText, waitingMs } from '../../../handcart/shopper_app/app/answers.js';
import { applyAct } from '../../../handcart/shopper_app/app/apply.js';
import { sought, walk } from '../../../handcart/shopper_app/app/walk.js';
import { preparedRun } from './memory.js';

const NOW = Date.parse('2026-11-30T17:00:00Z');
const MINUTE = 60_000;

/** @param {string} subject @param {string | null} proposedAt @param {number} [minutes] @returns {any} */
function asked(subject, proposedAt, minutes = 5) {
  const line = { line_num: '1', replacement_status: 'PENDING', proposed_at: proposedAt };
  return { subject, answer_minutes: minutes, orders: [{ id: 'order-1', lines: [line, { line_num: '2', replacement_status: null }] }] };
}

/** @param {number} [ahead] by how much the clock of the device is behind @returns {any} */
function kept(ahead = 0) {
  return { run: { now: new Date(NOW + ahead).toISOString() }, run_at: NOW };
}

test('a proposal is waited for until its time is over', () => {
  const batch = asked('market/a', '2026-11-30T16:58:00Z');
  assert.equal(waitingMs(batch, kept(), NOW), 3 * MINUTE);
  assert.equal(waitingMs(batch, kept(), NOW + 2 * MINUTE), MINUTE);
  assert.equal(waitingMs(batch, kept(), NOW + 3 * MINUTE), 0);
});

test('nothing is asked, or the retailer lets nobody wait: nobody waits', () => {
  assert.equal(waitingMs({ ...asked('market/b', null), orders: [] }, kept(), NOW), 0);
  assert.equal(waitingMs(asked('market/b', '2026-11-30T17:00:00Z', 0), kept(), NOW), 0);
});

test('the clock of the device is wrong: the time of the server counts', () => {
  const batch = asked('market/c', '2026-11-30T16:58:00Z');
  assert.equal(waitingMs(batch, kept(MINUTE), NOW), 2 * MINUTE);
});

test('a proposal lies in the future, or has no time: it is waited for from now on', () => {
  for (const [subject, at] of [['market/d', '2027-01-01T00:00:00Z'], ['market/e', null]]) {
    const batch = asked(/** @type {string} */ (subject), at);
    assert.equal(waitingMs(batch, kept(), NOW), 5 * MINUTE);
    assert.equal(waitingMs(batch, kept(), NOW + 4 * MINUTE), MINUTE);
    assert.equal(waitingMs(batch, kept(), NOW + 6 * MINUTE), 0);
  }
});

test('a time is shown in minutes and seconds', () => {
  assert.deepEqual([1, 59_001, 61_000, 300_000].map(clockText), ['0:01', '1:00', '1:01', '5:00']);
});

/** @param {any} item @param {(line: any) => void} [prepare] */
function replaced(item, prepare = () => {}) {
  const run = preparedRun();
  prepare(run.batches[0].orders[0].lines[0]);
  const act = /** @type {any} */ ({ id: 'a', subject: 'market/1', after: null, verb: 'replace', at: '2026-11-30T17:00:00Z' });
  const after = applyAct(run, { ...act, seen_version: 0, body: { order: 'order-1', line: '1', item } });
  return { after, line: after.batches[0].orders[0].lines[0] };
}

test('a product is replaced without a network: it waits, unless the customer chose it', () => {
  assert.equal(replaced({ rrc: 'other' }).line.replacement_status, 'PENDING');
  assert.equal(replaced({ upc: '0004011200018' }).line.replacement_status, 'APPROVED');
  const alternative = { product: { rrc: 'wish' }, count: 1, weight: null };
  assert.equal(replaced({ rrc: 'wish' }, (line) => { line.alternative = alternative; }).line.replacement_status, 'APPROVED');
  const same = replaced({ rrc: 'there' }, (line) => {
    Object.assign(line, { status: 'replaced', substitute: { rrc: 'there' }, replacement_status: 'APPROVED' });
  });
  assert.equal(same.line.replacement_status, 'APPROVED');
});

test('a replacement is taken back: what the customer refused is remembered until the product is found', () => {
  const { after } = replaced({ rrc: 'other' }, (line) => { line.refused = { rrc: 'first' }; });
  /** @param {any} verb */
  const then = (verb) => applyAct(after, /** @type {any} */ ({ subject: 'market/1', verb, body: { order: 'order-1', line: '1' } }))
    .batches[0].orders[0].lines[0];
  assert.deepEqual([then('put_back').replacement_status, then('refund').replacement_status], ['REJECTED', 'REJECTED']);
  assert.deepEqual([then('find').replacement_status, then('find').refused], [null, null]);
});

test('the customer named an alternative: it is looked for where it stands', () => {
  const [batch] = preparedRun().batches;
  const [line] = batch.orders[0].lines;
  const product = { ...line.product, rrc: 'wish', name: 'Wish', aisle: 'Far away', department: null };
  Object.assign(line, { alternative: { product, count: 1, weight: null } });
  assert.equal(sought(line).name, 'Wish');
  assert.ok(walk(batch).some((group) => group.product.aisle === 'Far away'));
  assert.equal(sought({ ...line, status: 'replaced' }), line.product);
});
