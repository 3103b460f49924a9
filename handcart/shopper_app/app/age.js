/**
 * Checks that a person is old enough for alcohol. A licence is read on this device only; nothing of it is kept.
 *
 * @import {App, Batch, Order, Text} from './types'
 */
import * as feedback from './feedback.js';
import { Button } from './frame.js';
import { html, useState } from './html.js';
import { birthday, isOfAge } from './licence.js';
import { LICENCES } from './scan.js';
import { Scanner } from './scanner.js';

/**
 * `age`: how it was checked, null before. `onRefused`: the person is too young, or shows nothing; null at
 * a pickup, where the order stays in the store.
 * @param {{batch: Batch, order: Order, age: 'scanned' | 'looked_at' | null, onAge: (how: 'scanned' | 'looked_at') => void,
 *   onRefused: (() => void) | null, app: App, t: Text}} props
 */
export function AgeCheck({ batch, age, onAge, onRefused, app, t }) {
  const [verdict, setVerdict] = useState('');
  const years = batch.needs.legal_age;
  const today = dayIn(batch.store.time_zone);
  const latest = `${Number(today.slice(0, 4)) - years}${today.slice(4)}`;
  const bornBy = new Intl.DateTimeFormat(app.locale, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(`${latest}T00:00:00Z`));

  /** @param {import('./scan.js').Code} code */
  function onCode({ text }) {
    const born = birthday(text);
    const isOld = born !== null && isOfAge(born, years, today);
    feedback[isOld ? 'right' : 'wrong'](app.kept.settings);
    setVerdict(isOld ? '' : born === null ? 'unread' : 'young');
    if (isOld) onAge('scanned');
  }

  if (age) return html`<p class="verdict right" role="status"><b aria-hidden="true">✓</b> ${t(`age.${age}`, { years })}</p>`;
  return html`<section class="card">
    <h2>${t('age.title', { years })}</h2>
    <p>${t('age.born', { date: bornBy })}</p>
    <p class="soft">${t('age.nothing_kept')}</p>
    <${Scanner} formats=${LICENCES} onCode=${onCode} t=${t} />
    <div role="alert">${verdict && html`<p class="verdict wrong"><b aria-hidden="true">✕</b> ${t(`age.${verdict}`, { years })}</p>`}</div>
    ${verdict !== 'young' && html`<${Button} onClick=${() => onAge('looked_at')}>${t('age.look', { years })}<//>`}
    ${onRefused
      ? html`<${Button} kind="quiet" onClick=${onRefused}>${t('age.refuse')}<//>`
      : html`<p class="note">${t('age.stays')}</p>`}
  </section>`;
}

/** Today where the store is, as YYYY-MM-DD. @param {string} timeZone */
function dayIn(timeZone) {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date());
}
