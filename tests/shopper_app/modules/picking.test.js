// Codes, weights, scans, pictures and licences.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { checkDigit, read, scanned } from '../../../handcart/shopper_app/app/codes.js';
import { birthday, isOfAge } from '../../../handcart/shopper_app/app/licence.js';
import { endsWith, indexOf, isComplete, meaning, shows } from '../../../handcart/shopper_app/app/match.js';
import { fitted } from '../../../handcart/shopper_app/app/picture.js';
import { asScan, inSight, stillInSight } from '../../../handcart/shopper_app/app/scan.js';
import { wedge } from '../../../handcart/shopper_app/app/wedge.js';
import { compared, countAsked, typed, weightAsked, weightOf } from '../../../handcart/shopper_app/app/weights.js';

const FNC1 = '\x1d';

/** @param {object} [more] @returns {any} */
function product(more = {}) {
  return { upc: null, rrc: null, name: '', cost_unit: 'each', par_weight: null, price_cents: 0, ...more };
}

/** @param {number} number @param {object} [more] @returns {any} */
function line(number, more = {}) {
  return {
    line_num: String(number), status: 'not_found', qty: 2, qty_unit: 'each', count: 2, weight: null,
    delivered_count: null, delivered_weight: null, product: product({ upc: '036000291452' }), ...more,
  };
}

/** @param {object} [more] @returns {any} */
function weighed(more = {}) {
  return line(9, {
    qty: 1.5, qty_unit: 'lb', count: null, weight: 1.5,
    product: product({ upc: checked('20234500000'), cost_unit: 'lb', price_cents: 400 }), ...more,
  });
}

/** @param {string} digits before the check digit */
function checked(digits) {
  return digits + checkDigit(digits);
}

// Codes

test("one product's UPC-A, EAN-13 and UPC-E then the same code", () => {
  assert.equal(read('042100005264'), '00042100005264');
  assert.equal(read('0042100005264'), '00042100005264');
  assert.equal(read('04252614', 'upc_e'), '00042100005264');
});

test("eight digits that are EAN-8 and UPC-E then the scanner's format decides", () => {
  assert.equal(read('00000000', 'ean_8'), '00000000000000');
  assert.notEqual(read('04252614'), read('04252614', 'ean_8'));
});

test('UPC-E of number system 1 then read only if a scanner says so', () => {
  assert.equal(read('14252611', 'upc_e'), '00142100005261');
  assert.equal(read('14252611'), null);
});

test('wrong check digit, letters and long numbers then no code', () => {
  for (const text of ['042100005265', 'ABC', '', '1234567890123456', '12 34']) assert.equal(read(text), null, text);
});

test("price with its verifier in a code of the store's scale then item and price", () => {
  const { item, cents } = scanned(checked('20234592875'));
  assert.deepEqual([item, cents], ['02345', 2875]);
});

test('DataBar with a net weight then code, weight and unit', () => {
  const kilograms = scanned('01900123456789083103001750', 'databar_expanded');
  assert.deepEqual([kilograms.code, kilograms.weight, kilograms.unit], ['90012345678908', 1.75, 'kg']);
  const pounds = scanned('(01)90012345678908(3202)000125');
  assert.deepEqual([pounds.weight, pounds.unit], [1.25, 'lb']);
});

test('DataBar without a weight, from a camera or a hardware scanner, then its code', () => {
  assert.equal(scanned('0100036000291452', 'databar_omni').code, '00036000291452');
  assert.equal(scanned('0100036000291452').code, '00036000291452');
});

test('DataBar with a price after a lot then code and price', () => {
  const { code, cents } = scanned(`010003600029145210LOT7${FNC1}3922567`, 'databar_expanded');
  assert.deepEqual([code, cents], ['00036000291452', 567]);
});

test('GS1 Digital Link then its code and weight', () => {
  const { code, weight, unit } = scanned('https://example.com/01/00036000291452/10/A?3103=000500');
  assert.deepEqual([code, weight, unit], ['00036000291452', 0.5, 'kg']);
});

test('other links and broken elements then no code', () => {
  for (const text of ['https://example.com/menu', '(01)123', '01000360002914523', '(99)1', '(3103)000500']) {
    assert.equal(scanned(text, 'qr_code').code, null, text);
  }
});

// Which line a scan means

/** @returns {any} */
function batch() {
  return {
    orders: [
      { id: 'o1', letter: 'A', lines: [line(1), line(2, { product: product({ upc: '4011', cost_unit: 'lb' }) })] },
      { id: 'o2', letter: 'B', lines: [line(1), line(9, weighed())] },
    ],
  };
}

test('scan of an asked product then the first line that needs it', () => {
  const { kind, place } = meaning(indexOf(batch()), '036000291452');
  assert.deepEqual([kind, place?.order.id, place?.line.line_num], ['right', 'o1', '1']);
});

test('first line of a product is complete then the scan means the next one', () => {
  const run = batch();
  Object.assign(run.orders[0].lines[0], { status: 'found', delivered_count: 2 });
  assert.equal(meaning(indexOf(run), '036000291452').place?.order.id, 'o2');
  Object.assign(run.orders[1].lines[0], { status: 'found', delivered_count: 2 });
  assert.equal(meaning(indexOf(run), '036000291452').kind, 'complete');
});

test('a line is on the screen then only its own product is right', () => {
  const run = batch();
  const wanted = { order: run.orders[1], line: run.orders[1].lines[0] };
  assert.equal(meaning(indexOf(run), '036000291452', 'upc_a', wanted).place?.order.id, 'o2');
  assert.equal(meaning(indexOf(run), checked('20401100567'), 'upc_a', wanted).kind, 'different');
  assert.equal(meaning(indexOf(run), '012345678905', 'upc_a', wanted).kind, 'unknown');
});

test("label of the store's scale then the line of its PLU or of its item number", () => {
  const index = indexOf(batch());
  assert.equal(meaning(index, checked('20401100567')).place?.line.line_num, '2');
  assert.equal(meaning(index, checked('20234592875')).place?.line.line_num, '9');
});

test('variable GTIN that the catalog has without its 9 then the product', () => {
  const asked = product({ upc: '0012345678905' });
  assert.equal(shows(asked, '01900123456789083103001750', 'databar_expanded'), true);
});

test("retailer's own code then the product", () => {
  assert.equal(shows(product({ rrc: 'SM-000042' }), 'SM-000042', 'code_128'), true);
  assert.equal(shows(product({ rrc: 'SM-000042' }), 'SM-000043', 'code_128'), false);
});

test('code of a catalog with a wrong check digit then still the product', () => {
  assert.equal(shows(product({ upc: '0004011200001' }), '0004011200001', 'ean_13'), true);
});

test("last four digits then only of the product's code", () => {
  const asked = product({ upc: '036000291452' });
  assert.deepEqual(['1452', '9145', '452', 'x452'].map((digits) => endsWith(asked, digits)), [true, false, false, false]);
});

test('status of a line then whether it needs more', () => {
  const found = { status: 'found' };
  assert.deepEqual(
    [line(1), line(1, { ...found, delivered_count: 1 }), line(1, { ...found, delivered_count: 2 }),
      line(1, { status: 'to_refund' }), weighed({ ...found, delivered_weight: 1 })].map(isComplete),
    [false, false, true, true, true],
  );
});

// Weights

test('line by pieces, by weight and by both then what was asked', () => {
  const both = line(3, { qty: 3, count: 3, product: product({ cost_unit: 'lb', par_weight: 0.4 }) });
  assert.deepEqual([line(1), weighed(), both].map(countAsked), [2, null, 3]);
  assert.deepEqual([line(1), weighed(), both].map(weightAsked), [null, 1.5, 1.2]);
});

test('weight beyond a fifth of the asked one then light or heavy', () => {
  const said = [1.2, 1.19, 1.8, 1.81, 0, -1, 1000, NaN].map((weight) => compared(weight, weighed()));
  const none = 'impossible';
  assert.deepEqual(said, ['fine', 'light', 'fine', 'heavy', none, none, none, none]);
});

test('small weights then a tenth of a pound is always fine', () => {
  assert.equal(compared(0.2, weighed({ qty: 0.1 })), 'fine');
});

test("label with weight or price then the weight in the line's unit", () => {
  assert.equal(weightOf(scanned('(01)90012345678908(3103)000500'), weighed(), 'price'), 1.102);
  assert.equal(weightOf(scanned(checked('20234500000')), weighed(), 'price'), null);
  assert.equal(weightOf(scanned(checked('20234592875')), weighed(), 'price'), 7.188);
  assert.equal(weightOf(scanned(checked('20234592875')), weighed({ product: product() }), 'price'), null);
  assert.equal(weightOf(scanned('036000291452'), weighed(), 'price'), null);
  assert.equal(weightOf(scanned(checked('20234501420')), weighed(), 'weight'), 1.42);
});

test('typed weights then a point or a comma, and nothing else', () => {
  const said = ['1.25', '1,25', ' .5', '12', '0', '', '-1', '1e3', '1.2.3', '1000', 'x'].map(typed);
  assert.deepEqual(said, [1.25, 1.25, 0.5, 12, null, null, null, null, null, null, null]);
});

// Hardware scanners

test('keys of a scanner then one code after Enter or after 50 ms of silence', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const codes = /** @type {string[]} */ ([]);
  const keys = wedge((code) => codes.push(code));
  for (const key of '036000291452') assert.equal(keys.press({ key }), true);
  assert.equal(keys.press({ key: 'Enter' }), true);
  for (const key of '4011') keys.press({ key });
  mock.timers.tick(49);
  assert.deepEqual(codes, ['036000291452']);
  mock.timers.tick(1);
  assert.deepEqual(codes, ['036000291452', '4011']);
  mock.timers.reset();
});

test('slow keys and shortcuts of a person then no code', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const codes = /** @type {string[]} */ ([]);
  const keys = wedge((code) => codes.push(code));
  for (const key of '12345') {
    keys.press({ key });
    mock.timers.tick(60);
  }
  assert.equal(keys.press({ key: 'Enter' }), false);
  assert.equal(keys.press({ key: 'r', ctrlKey: true }), false);
  assert.equal(keys.press({ key: 'ArrowDown' }), false);
  assert.deepEqual(codes, []);
  mock.timers.reset();
});

test('code in front of the camera then counted again only after it was out of sight', () => {
  const codes = /** @type {string[]} */ ([]);
  const seen = new Map();
  const sight = inSight((code) => codes.push(code.text), seen);
  for (const [text, now] of /** @type {[string, number][]} */ ([['a', 0], ['a', 900], ['b', 1800], ['a', 2000], ['a', 3300]])) {
    sight({ text, format: 'ean_13' }, now);
  }
  assert.deepEqual(codes, ['a', 'b', 'a']);
  stillInSight(seen, 4000, 9000);
  for (const text of ['a', 'b']) sight({ text, format: 'ean_13' }, 9100);
  assert.deepEqual(codes, ['a', 'b', 'a', 'b']);
});

test('scan in an act then its kind, or what its length tells', () => {
  const kinds = [['036000291452', 'upc_a'], ['036000291452', ''], ['0036000291452', ''], ['BAG-1', 'code_128'], ['BAG-1', '']]
    .map(([text, format]) => asScan({ text, format }).scanned_string_type);
  assert.deepEqual(kinds, ['upca', 'upca', 'ean13', 'code128', 'unknown']);
});

// Pictures and licences

test('large pictures then 1,600 pixels at most, small ones unchanged', () => {
  assert.deepEqual(fitted(4032, 3024), { width: 1600, height: 1200 });
  assert.deepEqual(fitted(3000, 9000), { width: 533, height: 1600 });
  assert.deepEqual(fitted(640, 480), { width: 640, height: 480 });
  assert.deepEqual(fitted(10000, 1), { width: 1600, height: 1 });
});

test('licence of both countries then the date of birth, and of nothing else', () => {
  const head = '@\n\x1e\rANSI 636014040002DL00410278ZC03190008DL';
  assert.equal(birthday(`${head}DAQD1234\nDBB02291996\nDBC1\r`), '1996-02-29');
  assert.equal(birthday(`${head}DBB19960229\nDBC1\r`), '1996-02-29');
  assert.equal(birthday(`${head}DBB02301996\n`), null);
  assert.equal(birthday(`${head}DAQ1\n`), null);
  assert.equal(birthday('DBB02291996'), null);
});

test('day before, of and after a birthday then of age from that day on', () => {
  assert.deepEqual(['2026-11-29', '2026-11-30', '2027-01-01'].map((day) => isOfAge('2005-11-30', 21, day)), [false, true, true]);
  assert.deepEqual(['2025-02-28', '2025-03-01'].map((day) => isOfAge('2004-02-29', 21, day)), [false, true]);
});
