/** @import {ScreenProps} from '../types' */
import { BagCheck, codesOf } from '../bags.js';
import { Button, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Car, Letter, nameOf, useOnward } from '../parts.js';

/** Before the bags leave the store: are they all there, and no other ones? @param {ScreenProps} props */
export function CheckBags(props) {
  const isHere = useOnward(props.batch, 'check_bags');
  const order = props.batch.orders.find((one) => !one.is_verified);
  return isHere && order ? html`<${OrderBags} key=${order.id} ...${props} order=${order} />` : null;
}

/** @param {ScreenProps} props */
function OrderBags({ batch, order, act, app, t }) {
  const [scans, setScans] = useState(/** @type {string[]} */ ([]));
  const codes = codesOf(order);
  const left = codes.length - scans.length;
  const verify = () => act('verify_bags', { order: order.id, scans });
  const footer = html`
    ${left > 0 && html`<p class="soft">${t('check.left', { count: left })}</p>`}
    <${Button} kind="primary" disabled=${left > 0} onClick=${verify}>
      ${t(codes.length > 0 ? 'check.save' : 'check.compared')}<//>`;
  return html`<${Screen} title=${t('check.title', { name: nameOf(order) })} back="/run" footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${order.bag_label && html`<b>${order.bag_label}</b>`}
      ${order.bag_count != null && html` · ${t('arrive.bags', { count: order.bag_count })}`}</p>
    <${Car} order=${order} t=${t} />
    ${codes.length > 0
      ? html`<p>${t('check.scan_all')}</p>
          <${BagCheck} batch=${batch} order=${order} scans=${scans} onScan=${setScans} app=${app} t=${t} />`
      : html`<p>${t(order.bag_label ? 'check.compare' : 'check.ask_store')}</p>`}
  <//>`;
}
