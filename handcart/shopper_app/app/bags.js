/**
 * Compares the bags in front of a person with the bags of an order.
 *
 * @import {App, Batch, Order, Text} from './types'
 */
import * as feedback from './feedback.js';
import { html, useState } from './html.js';
import { Verdict, nameOf } from './parts.js';
import { BAGS } from './scan.js';
import { Scanner } from './scanner.js';

/** The codes of an order's bags: those that the retailer gave, or its own. @param {Order} order @returns {string[]} */
export function codesOf(order) {
  return order.bag_scan_codes.length > 0 ? order.bag_scan_codes : order.bags.map((bag) => bag.code);
}

/**
 * The bags of an order, each ticked when it is scanned or its code is typed. A bag of another order is refused by name.
 * @param {{batch: Batch, order: Order, scans: string[], onScan: (scans: string[]) => void, app: App, t: Text}} props
 */
export function BagCheck({ batch, order, scans, onScan, app, t }) {
  const [verdict, setVerdict] = useState(/** @type {{isRight: boolean, text: string} | null} */ (null));
  const [typed, setTyped] = useState('');
  const codes = codesOf(order);

  /** @param {string} text */
  function take(text) {
    const code = codes.find((one) => one.toLowerCase() === text.trim().toLowerCase());
    if (code && scans.includes(code)) return setVerdict({ isRight: true, text: t('check.again', { code }) });
    if (code) {
      feedback.right(app.kept.settings);
      onScan([...scans, code]);
      return setVerdict({ isRight: true, text: t('check.right', { code }) });
    }
    feedback.wrong(app.kept.settings);
    const other = batch.orders.find((one) => codesOf(one).includes(text.trim()));
    const [name, letter] = [other ? nameOf(other) : '', other?.letter ?? ''];
    return setVerdict({ isRight: false, text: t(other ? 'check.of_order' : 'check.foreign', { code: text, name, letter }) });
  }

  /** @param {Event} event */
  function type(event) {
    event.preventDefault();
    take(typed);
    setTyped('');
  }

  return html`
    <${Scanner} formats=${BAGS} onCode=${(/** @type {{text: string}} */ code) => take(code.text)} t=${t} />
    <${Verdict} verdict=${verdict} />
    <ul class="lines">
      ${codes.map((code) => html`<li key=${code} class=${scans.includes(code) ? 'bag checked' : 'bag'}>
        <span class="tick" aria-hidden="true">${scans.includes(code) ? '✓' : '○'}</span>
        <span class="name"><b>${code}</b><small>${bagText(order, code, t)}</small></span>
        <span class="soft">${t(scans.includes(code) ? 'check.done' : 'check.open')}</span>
      </li>`)}
    </ul>
    <form class="search" onSubmit=${type}>
      <label class="field">${t('check.type')}
        <input autocomplete="off" autocapitalize="characters" required value=${typed}
          onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
      </label>
      <button type="submit">${t('check.take')}</button>
    </form>`;
}

/** @param {Order} order @param {string} code @param {Text} t */
function bagText(order, code, t) {
  const bag = order.bags.find((one) => one.code === code);
  return bag ? [t(`kind.${bag.kind}`), bag.place].filter(Boolean).join(' · ') : '';
}
