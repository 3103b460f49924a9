/** @import {Order, ScreenProps} from '../types' */
import { hasAlcohol, isEnded } from '../apply.js';
import { ChatLink } from '../chat.js';
import { Button, Screen, useSeconds } from '../frame.js';
import { html, useEffect } from '../html.js';
import { Letter, alcoholText, nameOf, useOnward } from '../parts.js';
import { path } from '../paths.js';
import { DoorAddress } from './drive.js';

const WAIT_MS = 5 * 60_000;

/** At the door: hand over, leave, or nobody answers. @param {ScreenProps} props */
export function Door(props) {
  return props.batch.type === 'runner_customer' ? html`<${AtCar} ...${props} />` : html`<${AtDoor} ...${props} />`;
}

/** A pickup order goes from hand to hand. @param {ScreenProps} props */
function AtCar(props) {
  const order = props.order ?? props.batch.orders.find((one) => !isEnded(one));
  const isHere = useOnward(props.batch, 'door');
  useEffect(() => {
    if (isHere && order) location.replace(`#${path('handover', props.batch, order)}`);
  }, [isHere, order?.id]);
  return null;
}

/** @param {ScreenProps} props */
function AtDoor({ batch, order, act, app, go, t }) {
  const missing = app.entries.find((entry) => entry.act.verb === 'cannot_reach' && entry.act.body.order === order.id
    && entry.act.subject === batch.subject && !['superseded', 'refused'].includes(entry.state));
  const since = missing ? Date.parse(missing.act.at) : 0;
  const now = useSeconds(Boolean(missing));
  const left = Math.max(0, Math.ceil((since + WAIT_MS - now) / 1000));
  const forbidden = whyNotLeave(order);
  const mayLeave = !forbidden && (order.leave_unattended || (missing && left === 0));

  const footer = html`
    <${Button} kind="primary" onClick=${() => go(path('handover', batch, order))}>${t('door.hand_over')}<//>
    ${mayLeave && html`<${Button} onClick=${() => go(path('left', batch, order))}>${t('door.leave')}<//>`}
    ${!missing && html`<${Button} onClick=${() => act('cannot_reach', { order: order.id })}>${t('door.nobody')}<//>`}`;
  return html`<${Screen} title=${t('door.title', { name: nameOf(order) })}
    back=${path('drive', batch, order)} footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('arrive.bags', { count: order.bags.length || (order.bag_count ?? 0) })}</p>
    ${hasAlcohol(order) && html`<p class="mark">${t('door.alcohol')} ${alcoholText(batch, app.locale, t)}</p>`}
    ${order.signature === 'needed' && html`<p class="mark">${t('door.signature')}</p>`}
    ${order.is_heavy && html`<p class="mark">${t('today.heavy')}</p>`}
    ${order.special_instructions && html`<p class="note"><b>${t('drive.note')}</b> ${order.special_instructions}</p>`}
    <p>${forbidden ? t(`door.not_left_${forbidden}`) : t(order.leave_unattended ? 'door.may_leave' : 'door.not_asked')}</p>
    <${DoorAddress} order=${order} app=${app} t=${t} />
    <${ChatLink} batch=${batch} order=${order} t=${t} />
    ${missing && html`<section class="card" role="status">
      <h2>${t('door.waiting')}</h2>
      <p>${t('door.contact')}</p>
      ${left > 0
        ? html`<p class="timer" role="timer" aria-live="off">${clock(left)}</p>`
        : html`<p>${t(forbidden ? 'door.bring_back' : 'door.leave_or_back')}</p>
            <${Button} onClick=${() => go(path('bring_back', batch, order))}>${t('door.back')}<//>`}
    </section>`}
    ${!missing && html`<a class="button quiet" href=${`#${path('bring_back', batch, order)}`}>${t('door.refused')}</a>`}
  <//>`;
}

/** Why an order must not be left at the door; null if it may. @param {Order} order */
export function whyNotLeave(order) {
  if (hasAlcohol(order)) return 'alcohol';
  if (order.signature !== 'none') return 'signature';
  return order.needs_code ? 'pin' : null;
}

/** @param {number} seconds */
function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
