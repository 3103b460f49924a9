import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTracker, isNews, paceOf } from '../../../handcart/shopper_app/app/position.js';
import { Refused, preparedRun } from './memory.js';

/** @import {Run} from '../../../handcart/shopper_app/app/types' */

const START = Date.parse('2026-11-30T17:00:00Z');

/** The run with its first batch alone, in a state. @param {string} state @param {boolean} [isAccepted] @returns {Run} */
function runIn(state, isAccepted = true) {
  const run = preparedRun();
  return { ...run, batches: [{ ...run.batches[0], state, is_accepted: isAccepted }] };
}

/** @param {number} seconds @param {number} north meters @returns {import('../../../handcart/shopper_app/app/position.js').Point} */
function point(seconds, north) {
  return { at: new Date(START + seconds * 1000).toISOString(), latitude: 41.9 + north / 111_195, longitude: -87.6, accuracy: 8 };
}

/** A phone that moves when the test says so. */
function phone() {
  const clock = { now: START };
  const found = {
    clock,
    /** @type {any[]} */ sent: [],
    /** @type {boolean[]} */ denied: [],
    /** @type {any[]} */ watching: [],
    asked: 0,
    isInFront: true,
    /** @type {(body: any) => void} */ answer: () => {},
    tracker: /** @type {ReturnType<typeof createTracker>} */ (/** @type {unknown} */ (null)),
    /** @param {number} seconds @param {number} north */
    async moves(seconds, north) {
      clock.now = START + seconds * 1000;
      const { latitude, longitude, accuracy } = point(seconds, north);
      found.watching.at(-1)?.take({ timestamp: clock.now, coords: { latitude, longitude, accuracy } });
      await new Promise((done) => setImmediate(done));
    },
    points: () => found.sent.map((body) => body.points.length).join(' '),
  };
  const geolocation = /** @type {any} */ ({
    watchPosition(/** @type {any} */ take, /** @type {any} */ failed, /** @type {any} */ options) {
      return found.watching.push({ take, failed, options }) - 1;
    },
    clearWatch(/** @type {number} */ id) { found.watching[id].isOver = true; },
    getCurrentPosition() { found.asked += 1; },
  });
  const send = /** @type {any} */ (async (/** @type {string} */ _, /** @type {string} */ path, /** @type {any} */ body) => {
    assert.equal(path, '/positions');
    found.answer(body);
    found.sent.push(body);
  });
  found.tracker = createTracker({
    send, geolocation, now: () => clock.now, isInFront: () => found.isInFront, heard: (isDenied) => found.denied.push(isDenied),
  });
  return found;
}

test('the pace follows the work', () => {
  assert.equal(paceOf(null), 'off');
  assert.equal(paceOf({ ...preparedRun(), batches: [] }), 'off');
  assert.equal(paceOf(runIn('acknowledged', false)), 'off');
  assert.equal(paceOf(runIn('picking')), 'seldom');
  assert.equal(paceOf(runIn('delivering')), 'often');
  const carried = runIn('acknowledged');
  carried.batches[0].type = 'delivery_only';
  assert.equal(paceOf(carried), 'often');
});

test('a position is news after a time or a way', () => {
  assert.equal(isNews(null, point(0, 0), 'seldom'), true);
  assert.equal(isNews(point(0, 0), point(59, 500), 'seldom'), false);
  assert.equal(isNews(point(0, 0), point(60, 0), 'seldom'), true);
  assert.equal(isNews(point(0, 0), point(9, 24), 'often'), false);
  assert.equal(isNews(point(0, 0), point(9, 26), 'often'), true);
  assert.equal(isNews(point(0, 0), point(10, 0), 'often'), true);
});

test('without consent, without work or behind another app, nothing is watched', async () => {
  const one = phone();
  one.tracker.update(false, runIn('delivering'));
  one.tracker.update(true, null);
  one.isInFront = false;
  one.tracker.update(true, runIn('delivering'));
  assert.equal(one.watching.length, 0);
  one.isInFront = true;
  one.tracker.update(true, runIn('delivering'));
  await one.moves(0, 0);
  assert.equal(one.points(), '1');
  one.tracker.update(false, runIn('delivering'));
  assert.equal(one.watching[0].isOver, true);
  await one.moves(60, 900);
  assert.equal(one.points(), '1');
});

test('on the way positions go together, at most every ten seconds', async () => {
  const one = phone();
  one.tracker.update(true, runIn('delivering'));
  assert.equal(one.watching[0].options.enableHighAccuracy, true);
  await one.moves(0, 0);
  await one.moves(3, 40);
  await one.moves(6, 80);
  await one.moves(7, 85);
  assert.equal(one.points(), '1');
  await one.moves(10, 125);
  assert.equal(one.points(), '1 3');
});

test('in the store one position a minute is enough', async () => {
  const one = phone();
  one.tracker.update(true, runIn('picking'));
  assert.equal(one.watching[0].options.enableHighAccuracy, false);
  for (const seconds of [0, 20, 40, 59, 60, 80]) await one.moves(seconds, seconds * 10);
  assert.equal(one.points(), '1 1');
});

test('the phone stays where it is, and is asked again', async () => {
  const one = phone();
  one.tracker.update(true, runIn('picking'));
  await one.moves(0, 0);
  one.clock.now = START + 59_000;
  one.tracker.update(true, runIn('picking'));
  assert.equal(one.asked, 0);
  one.clock.now = START + 60_000;
  one.tracker.update(true, runIn('picking'));
  assert.equal(one.asked, 1);
});

test('without a network positions wait, and a refusal drops them', async () => {
  const one = phone();
  one.tracker.update(true, runIn('delivering'));
  one.answer = () => { throw new TypeError('no network'); };
  await one.moves(0, 0);
  await one.moves(10, 50);
  one.answer = () => {};
  await one.moves(20, 100);
  assert.equal(one.points(), '3');
  one.answer = () => { throw new Refused(409, { rule: 'no_work' }); };
  await one.moves(30, 150);
  one.answer = () => {};
  await one.moves(40, 200);
  assert.equal(one.points(), '3 1');
});

test('many positions wait, and only the last hundred are kept', async () => {
  const one = phone();
  one.tracker.update(true, runIn('delivering'));
  one.answer = () => { throw new TypeError('no network'); };
  for (let step = 0; step < 150; step += 1) await one.moves(step * 10, step * 30);
  one.answer = () => {};
  await one.moves(1500, 9000);
  assert.equal(one.points(), '100');
});

test('the browser denies the position, and the app hears it', () => {
  const one = phone();
  one.tracker.update(true, runIn('delivering'));
  one.watching[0].failed({ code: 1, PERMISSION_DENIED: 1 });
  one.watching[0].failed({ code: 2, PERMISSION_DENIED: 1 });
  assert.deepEqual(one.denied, [true]);
});

test('a browser without positions works', () => {
  const tracker = createTracker({ send: /** @type {any} */ (null), geolocation: undefined, now: () => START, isInFront: () => true, heard() {} });
  tracker.update(true, runIn('delivering'));
});
