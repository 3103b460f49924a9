/** @import {ScreenProps} from '../types' */
import { isEnded } from '../apply.js';
import { HoldButton, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Navigate } from '../navigate.js';
import { Letter, Stepper } from '../parts.js';
import { path } from '../paths.js';

/** Goods that nobody took go back to the store. @param {ScreenProps} props */
export function Returns({ batch, order, act, go, t }) {
  const [bottles, setBottles] = useState(0);
  async function returned() {
    await act('returned', { order: order.id, ...(order.has_alcohol && { alcohol_count: bottles }) });
    const isMore = batch.orders.some((one) => one.id !== order.id && !isEnded(one));
    go(isMore ? path('drive', batch) : '/today');
  }
  const { store } = batch;
  const footer = html`<${HoldButton} onHeld=${returned} hint=${t('frame.hold')}>${t('returns.done')}<//>`;
  return html`<${Screen} title=${t('returns.title', { store: store.name })} back="/run" footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('arrive.bags', { count: order.bags.length || (order.bag_count ?? 0) })}</p>
    <p>${t('returns.explain')}</p>
    ${order.has_alcohol && html`<div class="amounts">
      <span>${t('returns.alcohol')}</span>
      <${Stepper} label=${t('returns.alcohol')} value=${bottles} onChange=${setBottles} t=${t} />
    </div>`}
    <${Navigate} address=${store.address} latitude=${store.latitude} longitude=${store.longitude} t=${t} />
  <//>`;
}
