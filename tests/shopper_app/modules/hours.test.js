import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alcoholHours, isAlcoholHour, isAlwaysAllowed } from '../../../handcart/shopper_app/app/hours.js';

/** @param {number} from @param {number} until */
function batch(from, until) {
  return /** @type {any} */ ({
    needs: { alcohol_from_hour: from, alcohol_until_hour: until }, store: { time_zone: 'America/Chicago' },
  });
}

test('alcohol is handed over in the hours of the store', () => {
  for (const [from, until, time, expected] of /** @type {[number, number, string, boolean][]} */ ([
    [8, 22, '2027-06-10T07:59:59-05:00', false], [8, 22, '2027-06-10T08:00:00-05:00', true],
    [8, 22, '2027-06-10T21:59:59-05:00', true], [8, 22, '2027-06-10T22:00:00-05:00', false],
    [20, 2, '2027-06-10T00:30:00-05:00', true], [20, 2, '2027-06-10T02:00:00-05:00', false],
    [0, 24, '2027-06-10T00:00:00-05:00', true]])) {
    assert.equal(isAlcoholHour(batch(from, until), Date.parse(time)), expected, `${from} to ${until} at ${time}`);
  }
});

test('the hours are said in the language of the app', () => {
  assert.match(Object.values(alcoholHours(batch(8, 24), 'fr-CA')).join(' '), /^8\sh\s00 0\sh\s00$/);
  assert.match(alcoholHours(batch(8, 22), 'en-US').until, /^10:00\sPM$/);
  assert.deepEqual([isAlwaysAllowed(batch(0, 24)), isAlwaysAllowed(batch(8, 24))], [true, false]);
});
