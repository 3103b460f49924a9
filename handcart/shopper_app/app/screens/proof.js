/** @import {ScreenProps} from '../types' */
import { AgeCheck } from '../age.js';
import { hasAlcohol } from '../apply.js';
import { HoldButton, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Letter, PictureField, nameOf } from '../parts.js';
import { path } from '../paths.js';
import { needsPin } from './door.js';

/** The order goes from hand to hand. @param {ScreenProps} props */
export function HandOver(props) {
  return html`<${Proof} ...${props} how="handed_over" />`;
}

/** The order is left at the door. @param {ScreenProps} props */
export function Left(props) {
  return html`<${Proof} ...${props} how="left" />`;
}

/** What proves that the order arrived; only what this order needs. @param {ScreenProps & {how: 'handed_over' | 'left'}} props */
function Proof({ batch, order, how, act, app, go, t }) {
  const [age, setAge] = useState(/** @type {'scanned' | 'looked_at' | null} */ (null));
  const [pin, setPin] = useState('');
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));
  const [receiver, setReceiver] = useState('');
  const isLeft = how === 'left';
  const isPickup = batch.type === 'runner_customer';
  const needsAge = hasAlcohol(order) && !isLeft;
  const asksPin = !isLeft && !isPickup && needsPin(batch, order);
  const needsPhoto = !isPickup && (isLeft || batch.needs.door_photo);
  const missing = [
    needsAge && !age && 'age', asksPin && !/^\d{4}$/.test(pin) && 'pin', needsPhoto && !picture && 'photo',
  ].filter(Boolean);

  async function deliver() {
    await act('deliver', {
      order: order.id, how, photo: Boolean(picture),
      ...(asksPin && { pin }),
      ...(needsAge && { age }),
      ...(receiver.trim() && { received_by: receiver.trim() }),
    }, { picture: picture ?? undefined });
    app.say(t('proof.said', { name: nameOf(order) }));
    const isMore = batch.orders.some((one) => one.id !== order.id && !['completed', 'canceled'].includes(one.status));
    go(!isMore ? '/today' : path(isPickup ? 'door' : 'drive', batch));
  }
  const footer = html`
    ${missing.length > 0 && html`<p class="soft">${missing.map((one) => t(`proof.needs_${one}`)).join(' ')}</p>`}
    <${HoldButton} onHeld=${deliver} disabled=${missing.length > 0} hint=${t('frame.hold')}>
      ${t(isLeft ? 'proof.left' : 'proof.handed_over')}<//>`;
  const back = isPickup ? '/run' : path('door', batch, order);
  return html`<${Screen} title=${t(isLeft ? 'proof.title_left' : 'proof.title', { name: nameOf(order) })}
    back=${back} footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('arrive.bags', { count: order.bags.length || (order.bag_count ?? 0) })}</p>
    ${needsAge && html`<${AgeCheck} batch=${batch} order=${order} age=${age} onAge=${setAge}
      onRefused=${isPickup ? null : () => go(path('bring_back', batch, order))} app=${app} t=${t} />`}
    ${asksPin && html`<label class="field">${t('proof.pin', { name: nameOf(order) })}
      <input inputmode="numeric" autocomplete="off" maxlength="4" value=${pin}
        onInput=${(/** @type {any} */ event) => setPin(event.target.value)} />
    </label>`}
    ${!isPickup && html`<section><h2>${t(needsPhoto ? 'proof.photo' : 'proof.photo_optional')}</h2>
      ${isLeft && html`<p class="soft">${t('proof.photo_left')}</p>`}
      <${PictureField} label=${t('proof.take')} picture=${picture} onPicture=${setPicture} t=${t} />
    </section>`}
    ${!isLeft && !isPickup && html`<label class="field">${t('proof.receiver')}
      <input autocomplete="off" maxlength="60" value=${receiver}
        onInput=${(/** @type {any} */ event) => setReceiver(event.target.value)} />
    </label>`}
    <p class="soft">${t(app.isOnline ? 'proof.undo' : 'proof.offline')}</p>
  <//>`;
}
