/** @import {Order, ScreenProps} from '../types' */
import { isEnded } from '../apply.js';
import { ChatLink } from '../chat.js';
import { Button, Screen } from '../frame.js';
import { html, useEffect } from '../html.js';
import { Navigate } from '../navigate.js';
import { Letter, nameOf, useOnward } from '../parts.js';
import { path } from '../paths.js';
import { isReturning } from '../steps.js';
import { timeOfDay } from '../text.js';

/** Leave the store, then drive to one customer after the other. @param {ScreenProps} props */
export function Drive(props) {
  const { batch } = props;
  if (!useOnward(batch, 'drive')) return null;
  return batch.state === 'delivering' ? html`<${Stops} ...${props} />` : html`<${Leave} ...${props} />`;
}

/** @param {ScreenProps} props */
function Leave({ batch, act, app, t }) {
  const footer = html`<${Button} kind="primary" onClick=${() => act('leave')}>${t('drive.leave')}<//>`;
  return html`<${Screen} title=${t('drive.ready')} back="/run" footer=${footer} t=${t}>
    <p>${t('drive.load')}</p>
    <ul class="lines">
      ${batch.orders.filter((order) => !isEnded(order)).map((order) => html`<li key=${order.id} class="bag">
        <${Letter} order=${order} />
        <span class="name">${nameOf(order)}<small>${order.bags.map((bag) => bag.code).join(', ')}</small></span>
        <b class="amount">${t('arrive.bags', { count: order.bags.length || (order.bag_count ?? 0) })}</b>
      </li>`)}
    </ul>
    <p class="soft">${t(app.isOnline ? 'drive.address_later' : 'drive.address_offline')}</p>
  <//>`;
}

/** @param {ScreenProps} props */
function Stops(props) {
  const { batch, app, go, t } = props;
  const stops = batch.orders.filter((order) => !isEnded(order) && !isReturning(order));
  const back = batch.orders.find(isReturning);
  const [order] = stops.some((one) => one.id === props.order?.id) ? [props.order] : stops;
  useEffect(() => {
    if (!order && back) location.replace(`#${path('returns', batch, back)}`);
  }, [order?.id, back?.id]);
  if (!order) return null;

  const until = timeOfDay(batch.window.ends_at, app.locale, batch.store.time_zone);
  const footer = html`<${Button} kind="primary" onClick=${() => go(path('door', batch, order))}>${t('drive.here')}<//>`;
  return html`<${Screen} title=${t('drive.title', { name: nameOf(order) })} back="/run" footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('drive.until', { time: until })}</p>
    <${DoorAddress} order=${order} app=${app} t=${t} />
    <${ChatLink} batch=${batch} order=${order} t=${t} />
    ${order.special_instructions && html`<p class="note"><b>${t('drive.note')}</b> ${order.special_instructions}</p>`}
    ${stops.length > 1 && html`<h2 class="group">${t('drive.others')}</h2>
      <ul class="lines">${stops.filter((one) => one.id !== order.id).map((one) => html`<li key=${one.id}>
        <a href=${`#${path('drive', batch, one)}`}>
          <${Letter} order=${one} /><span class="name">${nameOf(one)}<small>${one.door?.address}</small></span>
        </a>
      </li>`)}</ul>`}
  <//>`;
}

/** Street and phone number, once the server has given them. @param {{order: Order, app: import('../types').App, t: import('../types').Text}} props */
export function DoorAddress({ order, app, t }) {
  const { door } = order;
  if (!door) return html`<p class="note" role="status">${t(app.isOnline ? 'drive.address_soon' : 'drive.address_offline')}</p>`;
  return html`
    <${Navigate} address=${door.address} latitude=${door.latitude} longitude=${door.longitude} t=${t} />
    ${door.phone && html`<a class="button" href=${`tel:${door.phone}`}>${t('drive.call', { phone: door.phone })}</a>`}`;
}
