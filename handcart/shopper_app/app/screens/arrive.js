/** @import {ScreenProps} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { Navigate } from '../navigate.js';
import { Car, Letter, nameOf, useOnward } from '../parts.js';

/** Last mile: the shopper comes to the store. Pickup: the customer comes to the store. @param {ScreenProps} props */
export function Arrive({ batch, act, t }) {
  if (!useOnward(batch, 'arrive')) return null;
  const isPickup = batch.type === 'runner_customer';
  const isWaiting = !isPickup && batch.orders.some((order) => !order.is_staged);
  const footer = html`<${Button} kind="primary" onClick=${() => act('arrive')}>
    ${t(isPickup ? 'arrive.customer_here' : 'arrive.here')}<//>`;
  return html`<${Screen} title=${t(isPickup ? 'arrive.meet' : 'arrive.title', { store: batch.store.name })} back="/run"
    footer=${footer} t=${t}>
    ${!isPickup && html`<${Navigate} address=${batch.store.address} latitude=${batch.store.latitude}
      longitude=${batch.store.longitude} t=${t} />`}
    ${isWaiting && html`<p class="note" role="status">${t('arrive.not_staged')}</p>`}
    ${batch.orders.map((order) => html`<${Car} key=${order.id} order=${order} t=${t} />`)}
    <h2 class="group">${t('arrive.orders')}</h2>
    <ul class="lines">
      ${batch.orders.map((order) => html`<li key=${order.id} class="bag">
        <${Letter} order=${order} />
        <span class="name">${nameOf(order)} <b>${order.bag_label ?? ''}</b>
          <small>${order.bags.map((bag) => bag.place).filter((place, at, all) => place && all.indexOf(place) === at).join(', ')}</small>
        </span>
        ${order.bag_count != null && html`<b class="amount">${t('arrive.bags', { count: order.bag_count })}</b>`}
      </li>`)}
    </ul>
  <//>`;
}
