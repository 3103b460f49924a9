/** @import {ScreenProps} from '../types' */
import { hasAlcohol } from '../apply.js';
import { HoldButton, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Choice, Letter, nameOf } from '../parts.js';
import { path } from '../paths.js';

const REASONS = ['nobody_there', 'not_of_age', 'customer_refused', 'wrong_address', 'no_access', 'goods_damaged', 'not_signed'];

/** The order cannot be handed over: why does it go back to the store? @param {ScreenProps} props */
export function BringBack({ batch, order, act, go, t }) {
  const [reason, choose] = useState(/** @type {string | null} */ (null));
  // The other goods of the order are still handed over.
  const isAlcohol = reason === 'not_of_age' && order.lines.some((line) => !line.is_alcohol);

  async function bring() {
    await act('bring_back', { order: order.id, reason: isAlcohol ? 'alcohol_only' : reason });
    go(isAlcohol ? path('door', batch, order) : path('drive', batch));
  }
  const footer = html`<${HoldButton} kind="danger" onHeld=${bring} disabled=${!reason} hint=${t('frame.hold')}>
    ${t(isAlcohol ? 'back.alcohol' : 'back.yes')}<//>`;
  const options = REASONS.filter((one) => (one !== 'not_of_age' || hasAlcohol(order))
    && (one !== 'not_signed' || order.signature === 'needed'))
    .map((one) => ({ value: one, label: t(`back.${one}`) }));
  return html`<${Screen} title=${t('back.title')} back=${path('door', batch, order)} footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${nameOf(order)}</p>
    <${Choice} legend=${t('back.reason')} name="reason" value=${reason} options=${options} onChange=${choose} />
    <p class="soft">${t(isAlcohol ? 'back.only_alcohol' : 'back.explain')}</p>
  <//>`;
}
