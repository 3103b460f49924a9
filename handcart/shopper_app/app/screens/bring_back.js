/** @import {ScreenProps} from '../types' */
import { HoldButton, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Choice, Letter, nameOf } from '../parts.js';
import { path } from '../paths.js';

const REASONS = ['nobody_there', 'not_of_age', 'customer_refused', 'wrong_address', 'goods_damaged'];

/** The order cannot be handed over: why does it go back to the store? @param {ScreenProps} props */
export function BringBack({ batch, order, act, go, t }) {
  const [reason, choose] = useState(/** @type {string | null} */ (null));
  async function bring() {
    await act('bring_back', { order: order.id, reason });
    go(path('drive', batch));
  }
  const footer = html`<${HoldButton} kind="danger" onHeld=${bring} disabled=${!reason} hint=${t('frame.hold')}>
    ${t('back.yes')}<//>`;
  const options = REASONS.filter((one) => one !== 'not_of_age' || order.has_alcohol)
    .map((one) => ({ value: one, label: t(`back.${one}`) }));
  return html`<${Screen} title=${t('back.title')} back=${path('door', batch, order)} footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${nameOf(order)}</p>
    <${Choice} legend=${t('back.reason')} name="reason" value=${reason} options=${options} onChange=${choose} />
    <p class="soft">${t('back.explain')}</p>
  <//>`;
}
