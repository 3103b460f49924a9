import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chooseLocale, money, reason, timeOfDay, translator } from '../../../handcart/shopper_app/app/text.js';

/** @param {string} locale */
function texts(locale) {
  const file = new URL(`../../../handcart/shopper_app/app/texts/${locale}.json`, import.meta.url);
  return translator(JSON.parse(readFileSync(file, 'utf8')), locale);
}

test('the best language that the app has is chosen', () => {
  for (const [wanted, chosen] of /** @type {[(string | null)[], string][]} */ ([
    [['fr-FR', 'en-US'], 'fr-CA'], [['es-MX'], 'es-US'], [['en-CA'], 'en-CA'], [['en-GB'], 'en-US'], [['de', 'es'], 'es-US'],
    [[null, 'fr'], 'fr-CA'], [[], 'en-US'], [['tlh'], 'en-US']])) {
    assert.equal(chooseLocale(wanted), chosen, String(wanted));
  }
});

test('a count chooses the form', () => {
  const t = texts('en-US');
  assert.deepEqual([0, 1, 2].map((count) => t('today.orders', { count })), ['0 orders', '1 order', '2 orders']);
  assert.equal(texts('fr-CA')('today.orders', { count: 0 }), '0 commande');
  assert.throws(() => t('no.such_text'), /no text no.such_text in en-US/);
});

test('a refusal is told in the language of the app, with what it is about', () => {
  const [english, french] = [texts('en-US'), texts('fr-CA')];
  const refusal = { rule: 'bag_missing', message: 'Bags of this order are missing: B1, B2. Look for them.' };
  assert.equal(reason(refusal, english), refusal.message);
  assert.equal(reason(refusal, french), 'Il manque des sacs de cette commande : B1, B2. Cherchez-les.');
  assert.equal(reason({ rule: 'of_a_newer_server', message: 'Stand on one leg.' }, french), 'Stand on one leg.');
  assert.equal(reason({ rule: null, message: '' }, english), 'That did not work. Try again.');
});

test('money and times are written as in the country and at the store', () => {
  assert.equal(money(129900, 'en-US'), '$1,299.00');
  assert.equal(money(129900, 'fr-CA').replace(/\s/g, ' '), '1 299,00 $');
  assert.equal(timeOfDay('2026-11-30T18:05:00Z', 'en-US', 'America/Los_Angeles').replace(/\s/g, ' '), '10:05 AM');
});
