import assert from 'node:assert/strict';
import { test } from 'node:test';
import { added, requeued, undone } from '../../../handcart/shopper_app/app/queue.js';
import { createSync, onlyWindow } from '../../../handcart/shopper_app/app/sync.js';
import { Refused, ServerOfActs, memoryStorage, preparedRun } from './memory.js';

/** @import {Verb} from '../../../handcart/shopper_app/app/types' */

const DELIVERY = 'market/1';

/** A device with its queue, on a server. The clock stands until a test moves it. */
function device(server = new ServerOfActs(preparedRun()), storage = memoryStorage({ run: preparedRun() })) {
  const clock = { now: Date.parse('2026-11-30T17:00:00Z') };
  const heard = /** @type {boolean[]} */ ([]);
  const planned = /** @type {number[]} */ ([]);
  let made = 0;
  const sync = createSync({
    storage, send: server.send, now: () => clock.now, random: () => 0.5, alone: (work) => work(),
    ended: (isOnline) => heard.push(isOnline),
    later: /** @type {any} */ ((/** @type {any} */ _, /** @type {number} */ wait) => planned.push(wait)),
    never: () => {},
  });
  return {
    server, storage, clock, heard, planned, sync,
    /** @param {Verb} verb @param {Record<string, any>} [body] @param {{subject?: string, picture?: string}} [more] */
    async act(verb, body = {}, { subject = DELIVERY, picture } = {}) {
      const id = `act-${++made}`;
      const blob = picture === undefined ? undefined : new Blob([picture]);
      await storage.change((state) => added(state, { id, subject, verb, body, now: clock.now }, blob));
      return id;
    },
    undo: (/** @type {string} */ id) => storage.change((state) => undone(state, id, clock.now)),
    states: () => storage.entries.map((entry) => entry.state).join(' '),
    verbs: () => server.applied.map((act) => act.verb).join(' '),
  };
}

const offline = () => { throw new TypeError('no network'); };

test('acts are sent in sequence, and the run arrives', async () => {
  const phone = device();
  await phone.act('start');
  await phone.act('find', { order: 'order-1', line: '1', count: 2 });
  await phone.sync.start();
  assert.equal(phone.verbs(), 'start find');
  assert.deepEqual(phone.server.applied.map(({ id, after }) => [id, after]), [['act-1', null], ['act-2', 'act-1']]);
  assert.equal(phone.states(), 'sent sent');
  const { kept } = await phone.storage.read();
  assert.equal(kept.run?.batches[0].state, 'picking');
  assert.deepEqual(phone.server.calls, ['POST /acts', 'GET /run']);
});

test('an act made while the next round is planned is sent at once', async () => {
  const phone = device();
  let isFirst = true;
  phone.heard.push = () => {
    if (isFirst) phone.act('start');
    return 0;
  };
  phone.planned.push = () => {
    if (isFirst) phone.sync.start();
    isFirst = false;
    return 0;
  };
  await phone.sync.start();
  await new Promise((resolve) => { setTimeout(resolve); });
  assert.equal(phone.verbs(), 'start');
});

test('a line act carries the version that the shopper saw', async () => {
  const run = preparedRun();
  run.batches[0].orders[0].lines[0].version = 7;
  const phone = device(new ServerOfActs(run), memoryStorage({ run }));
  await phone.act('find', { order: 'order-1', line: '1', count: 2 });
  await phone.act('start');
  assert.deepEqual(phone.storage.entries.map(({ act }) => act.seen_version), [7, null]);
});

test('without a network the acts stay, and go when it is back', async () => {
  const phone = device();
  phone.server.before = offline;
  await phone.act('start');
  await phone.sync.start();
  await phone.sync.start();
  await phone.sync.start();
  assert.equal(phone.states(), 'queued');
  assert.deepEqual(phone.planned, [1000, 2000, 4000]);
  assert.deepEqual(phone.heard, [false, false, false]);
  phone.server.before = () => {};
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.verbs(), phone.heard.at(-1), phone.planned.at(-1)], ['sent', 'start', true, 30_000]);
});

test('an answer is lost, then the act is sent again and applied once', async () => {
  const phone = device();
  phone.server.after = offline;
  await phone.act('start');
  await phone.sync.start();
  phone.server.after = () => {};
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.verbs()], ['sent', 'start']);
});

test('an act is refused, then the next ones go on', async () => {
  const phone = device();
  phone.server.refuses = ({ verb }) => (verb === 'find' ? { rule: 'claimed', message: 'Alex has it.' } : null);
  for (const verb of /** @type {const} */ (['start', 'find', 'review'])) await phone.act(verb, { order: 'order-1', line: '1' });
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.verbs()], ['sent refused sent', 'start review']);
  const { rule, message } = phone.storage.entries[1];
  assert.deepEqual([rule, message], ['claimed', 'Alex has it.']);
  await phone.sync.start();
  assert.equal(phone.server.calls.filter((call) => call === 'POST /acts').length, 1);
});

test('the server refuses a whole call, then one act after the other is sent', async () => {
  for (const status of [403, 413, 422]) {
    const phone = device();
    for (const verb of /** @type {const} */ (['start', 'find', 'review'])) await phone.act(verb);
    phone.server.answer = async function answer(path, body) {
      if (path === '/acts' && body.acts.some((/** @type {any} */ act) => act.verb === 'find')) {
        throw new Refused(status, { rule: 'wrong', message: 'This act is wrong.' });
      }
      return ServerOfActs.prototype.answer.call(this, path, body);
    };
    await phone.sync.start();
    assert.deepEqual([phone.states(), phone.verbs()], ['sent refused sent', 'start review'], String(status));
    assert.equal(phone.storage.entries[1].message, 'This act is wrong.');
    phone.server.answer = ServerOfActs.prototype.answer;
    await phone.storage.change((state) => requeued(state, 'act-2'));
    await phone.sync.start();
    assert.deepEqual([phone.states(), phone.verbs()], ['sent sent sent', 'start review find'], String(status));
    assert.deepEqual(phone.server.applied.map((act) => act.after), [null, 'act-1', 'act-3']);
  }
});

test('an act that the server itself refused is not sent again', async () => {
  const phone = device();
  phone.server.refuses = () => ({ rule: 'not_yours', message: 'no' });
  await phone.act('start');
  await phone.sync.start();
  await phone.storage.change((state) => requeued(state, 'act-1'));
  assert.equal(phone.states(), 'refused');
});

test('the session has ended, then the acts stay and nothing is tried again', async () => {
  for (const [status, barrier] of /** @type {const} */ ([[401, 'signed_out'], [423, 'locked']])) {
    const phone = device();
    phone.server.before = () => { throw new Refused(status, { message: 'no' }); };
    await phone.act('start');
    await phone.sync.start();
    assert.deepEqual([phone.states(), (await phone.storage.read()).kept.barrier, phone.planned], ['queued', barrier, []]);
    phone.server.before = () => {};
    await phone.sync.start();
    assert.deepEqual([phone.states(), (await phone.storage.read()).kept.barrier], ['sent', null]);
  }
});

test('the server is busy, then the acts are tried again', async () => {
  for (const status of [408, 429, 500, 503]) {
    const phone = device();
    phone.server.before = () => { throw new Refused(status, {}); };
    await phone.act('start');
    await phone.sync.start();
    assert.deepEqual([phone.states(), phone.planned], ['queued', [1000]], String(status));
  }
});

test('a finishing act waits ten seconds, and its subject with it', async () => {
  const phone = device();
  await phone.act('deliver', { order: 'order-1' });
  await phone.act('deliver', { order: 'order-2' });
  await phone.act('accept', {}, { subject: 'market/2' });
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.verbs(), phone.planned], ['held held sent', 'accept', [10_000]]);
  phone.clock.now += 10_000;
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.verbs()], ['sent sent sent', 'accept deliver deliver']);
});

test('an act is undone, then the act after it takes its place', async () => {
  const phone = device();
  await phone.act('leave');
  const wrong = await phone.act('deliver', { order: 'order-1' }, { picture: 'wrong door' });
  await phone.act('cannot_reach', { order: 'order-2' });
  await phone.undo(wrong);
  await phone.sync.start();
  await phone.act('deliver', { order: 'order-2' });
  phone.clock.now += 10_000;
  await phone.sync.start();
  assert.equal(phone.states(), 'sent superseded sent sent');
  assert.deepEqual(phone.server.applied.map(({ id, after }) => [id, after]),
    [['act-1', null], ['act-3', 'act-1'], ['act-4', 'act-3']]);
  assert.equal(phone.server.pictures.size, 0);
});

test('the first act of a subject is undone, then the next one begins the chain', async () => {
  const phone = device();
  await phone.undo(await phone.act('drop_out'));
  await phone.act('start');
  await phone.sync.start();
  assert.deepEqual(phone.server.applied.map(({ id, after }) => [id, after]), [['act-2', null]]);
});

test('an act that was sent cannot be undone', async () => {
  const phone = device();
  const id = await phone.act('deliver', { order: 'order-1' });
  phone.clock.now += 10_000;
  await phone.sync.start();
  await phone.undo(id);
  assert.equal(phone.states(), 'sent');
});

test('a picture goes to the address of its act, once', async () => {
  const phone = device();
  const first = await phone.act('find', { order: 'order-1', line: '1' }, { picture: 'label' });
  const second = await phone.act('deliver', { order: 'order-1' }, { picture: 'door' });
  await phone.sync.start();
  assert.deepEqual([...phone.server.pictures], [[first, 'label']]);
  phone.clock.now += 10_000;
  await phone.sync.start();
  assert.deepEqual([...phone.server.pictures], [[first, 'label'], [second, 'door']]);
  assert.deepEqual(await phone.storage.pictures(), []);
});

test('a picture is refused, then it is not sent again, and the run arrives', async () => {
  const phone = device();
  const id = await phone.act('find', { order: 'order-1', line: '1' }, { picture: 'no image' });
  phone.server.before = (path) => {
    if (path.startsWith('/pictures')) throw new Refused(422, { message: 'This is no picture.' });
  };
  await phone.sync.start();
  await phone.sync.start();
  const picture = await phone.storage.picture(id);
  assert.deepEqual([picture?.state, picture?.message], ['refused', 'This is no picture.']);
  assert.deepEqual(phone.server.calls, ['POST /acts', 'GET /run', `PUT /pictures/${id}`, 'GET /run']);
});

test('the server fails on a picture, then the run and the other pictures go on', async () => {
  const phone = device();
  const first = await phone.act('find', { order: 'order-1', line: '1' }, { picture: 'one' });
  const second = await phone.act('find', { order: 'order-1', line: '2' }, { picture: 'two' });
  phone.server.before = (path) => { if (path === `/pictures/${first}`) throw new Refused(500, {}); };
  await phone.sync.start();
  assert.deepEqual([[...phone.server.pictures.keys()], phone.planned], [[second], [1000]]);
  assert.equal((await phone.storage.read()).kept.run?.batches[0].orders[0].lines[0].status, 'found');
  phone.server.before = () => {};
  await phone.sync.start();
  assert.deepEqual([...phone.server.pictures.keys()], [second, first]);
});

test('the server lost an act, then the acts of that subject are sent again', async () => {
  const phone = device();
  await phone.act('start');
  await phone.act('accept', {}, { subject: 'market/2' });
  await phone.sync.start();
  phone.server.known.delete('act-1'); // as after a restore of a backup
  phone.server.applied = [];
  phone.server.run = preparedRun();
  await phone.act('find', { order: 'order-1', line: '1', count: 2 });
  await phone.sync.start();
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.verbs()], ['sent sent sent', 'start find']);
});

test('an act is answered without the batch, then it is shown until the next run', async () => {
  const phone = device();
  const { take } = phone.server;
  phone.server.take = (act) => ({ ...take.call(phone.server, act), now: null });
  phone.server.before = (path) => { if (path === '/run') offline(); };
  await phone.act('start');
  await phone.sync.start();
  assert.deepEqual([phone.states(), phone.storage.entries[0].is_shown], ['sent', true]);
  phone.server.before = () => {};
  await phone.sync.start();
  assert.equal(phone.storage.entries[0].is_shown, false);
});

test('the run did not change, then the app keeps the one that it has', async () => {
  const phone = device();
  await phone.sync.start();
  const headers = /** @type {any[]} */ ([]);
  const sync = createSync({
    storage: phone.storage, now: () => 0, random: () => 0, alone: (work) => work(), ended: () => {},
    later: /** @type {any} */ (() => {}), never: () => {},
    send: async (method, path, body, sent) => { headers.push(sent); return new Response(null, { status: 304 }); },
  });
  await sync.start();
  assert.deepEqual(headers, [{ 'If-None-Match': '"0"' }]);
  assert.equal((await phone.storage.read()).kept.run?.batches.length, 3);
});

test('old acts leave the device, unsent and refused ones never', async () => {
  const phone = device();
  phone.server.refuses = ({ verb }) => (verb === 'review' ? { rule: 'no', message: 'no' } : null);
  await phone.act('start');
  await phone.act('review');
  await phone.sync.start();
  phone.clock.now += 3 * 24 * 3600 * 1000;
  await phone.sync.start();
  assert.equal(phone.states(), 'refused');
});

test('a window sends, then another one does not', async () => {
  const storage = memoryStorage();
  const withoutLocks = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  try {
    const [one, other] = [onlyWindow(storage, 'one', () => 1000), onlyWindow(storage, 'other', () => 1000)];
    const order = /** @type {string[]} */ ([]);
    await one(async () => {
      order.push('one');
      await other(async () => { order.push('other'); });
    });
    await other(async () => { order.push('other'); });
    assert.deepEqual(order, ['one', 'other']);
    await one(async () => onlyWindow(storage, 'third', () => 100_000)(async () => { order.push('third'); }));
    assert.deepEqual(order, ['one', 'other', 'third'], 'a window that was closed while it sent');
  } finally {
    if (withoutLocks) Object.defineProperty(globalThis, 'navigator', withoutLocks);
  }
});

/** Numbers from 0 to 1 that are the same in each run (mulberry32). @param {number} seed */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A run of random acts on a network that loses requests and answers. @param {number} seed @param {ServerOfActs} server */
async function randomRun(seed, server) {
  const random = numbers(seed);
  const phone = device(server);
  const kept = new Map();
  const verbs = /** @type {Verb[]} */ (['find', 'refund', 'put_back', 'cannot_reach', 'deliver']);
  const lossy = () => { if (random() < 0.3) offline(); };
  Object.assign(phone.server, { before: lossy, after: lossy });
  for (let step = 0; step < 40; step += 1) {
    const subject = random() < 0.5 ? DELIVERY : 'market/3';
    const verb = verbs[Math.floor(random() * verbs.length)];
    const picture = random() < 0.3 ? `picture ${step}` : undefined;
    const id = await phone.act(verb, { order: 'order-1', line: '1', step }, { subject, picture });
    if (random() < 0.2 && phone.storage.entries.at(-1)?.state === 'held') await phone.undo(id);
    else kept.set(id, { subject, picture });
    if (random() < 0.5) await phone.sync.start();
    phone.clock.now += random() * 8000;
  }
  Object.assign(phone.server, { before() {}, after() {} });
  phone.clock.now += 60_000;
  await phone.sync.start();
  await phone.sync.start();
  return { phone, kept };
}

test('the network loses requests and answers, then each act is applied once, in sequence, with its picture', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { phone, kept } = await randomRun(seed, new ServerOfActs(preparedRun()));
    for (const subject of [DELIVERY, 'market/3']) {
      const made = [...kept].filter(([, one]) => one.subject === subject).map(([id]) => id);
      assert.deepEqual(phone.server.applied.filter((act) => act.subject === subject).map((act) => act.id), made, `seed ${seed}`);
    }
    const pictures = [...kept].flatMap(([id, { picture }]) => (picture ? [[id, picture]] : []));
    assert.deepEqual(new Map(phone.server.pictures), new Map(/** @type {any} */ (pictures)), `seed ${seed}`);
  }
});

test('canary: a server that does not know acts by their id applies some twice', async () => {
  let doubled = 0;
  for (let seed = 1; seed <= 5; seed += 1) {
    const server = new ServerOfActs(preparedRun());
    const { take } = server;
    server.take = (act) => {
      const before = server.known.get(act.id);
      if (before) server.known.delete(act.id);
      return take.call(server, act);
    };
    const { phone } = await randomRun(seed, server);
    doubled += phone.server.applied.length - new Set(phone.server.applied.map((act) => act.id)).size;
  }
  assert.ok(doubled > 0);
});
