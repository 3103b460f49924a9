/** @import {ScreenProps} from '../types' */
import { AgeCheck } from '../age.js';
import { hasAlcohol } from '../apply.js';
import { HoldButton, Screen, useSeconds } from '../frame.js';
import { alcoholHours, isAlcoholHour } from '../hours.js';
import { html, useEffect, useState } from '../html.js';
import { Car, Letter, PictureField, nameOf } from '../parts.js';
import { path } from '../paths.js';

const LOOK_MS = 5000;

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
  const asksPin = !isLeft && order.needs_code;
  const asksSignature = !isLeft && order.signature !== 'none';
  const needsPhoto = !isPickup && (isLeft || batch.needs.door_photo);
  const now = useSeconds(needsAge);
  const isTooLate = needsAge && !isAlcoholHour(batch, now);
  const missing = [
    isTooLate && 'hours', needsAge && !age && 'age', asksPin && !/^\d{4}$/.test(pin) && 'pin',
    asksSignature && order.signature !== 'signed' && 'signature', needsPhoto && !picture && 'photo',
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
    ${missing.length > 0 && html`<p class="soft">${missing.map((one) => t(`proof.needs_${one}`, alcoholHours(batch, app.locale))).join(' ')}</p>`}
    <${HoldButton} onHeld=${deliver} disabled=${missing.length > 0} hint=${t('frame.hold')}>
      ${t(isLeft ? 'proof.left' : 'proof.handed_over')}<//>`;
  const back = isPickup ? '/run' : path('door', batch, order);
  return html`<${Screen} title=${t(isLeft ? 'proof.title_left' : 'proof.title', { name: nameOf(order) })}
    back=${back} footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('arrive.bags', { count: order.bags.length || (order.bag_count ?? 0) })}</p>
    ${isPickup && html`<${Car} order=${order} t=${t} />`}
    ${isTooLate && html`<p class="alert" role="alert">${t('rule.alcohol_hours')}</p>`}
    ${needsAge && html`<${AgeCheck} batch=${batch} order=${order} age=${age} onAge=${setAge}
      onRefused=${isPickup ? null : () => go(path('bring_back', batch, order))} app=${app} t=${t} />`}
    ${asksPin && html`<label class="field">${t('proof.pin', { name: nameOf(order) })}
      <input inputmode="numeric" autocomplete="off" maxlength="4" value=${pin}
        onInput=${(/** @type {any} */ event) => setPin(event.target.value)} />
    </label>`}
    ${asksSignature && html`<${Signature} batch=${batch} order=${order} app=${app} t=${t} />`}
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

/** Waits until the customer has signed on the order's page. @param {Pick<ScreenProps, 'batch' | 'order' | 'app' | 't'>} props */
function Signature({ batch, order, app, t }) {
  const isSigned = order.signature === 'signed';
  useEffect(() => {
    if (isSigned) return undefined;
    const timer = setInterval(app.send, LOOK_MS);
    return () => clearInterval(timer);
  }, [isSigned]);
  return html`<section class="card" role="status">
    <h2>${t('proof.signature')}</h2>
    <p>${t(isSigned ? 'proof.signed' : app.isOnline ? 'proof.signature_wait' : 'proof.signature_offline', { name: nameOf(order) })}</p>
    ${!isSigned && html`<a class="button quiet" href=${`#${path('bring_back', batch, order)}`}>${t('proof.not_signed')}</a>`}
  </section>`;
}
