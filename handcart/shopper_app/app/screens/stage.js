/** @import {ScreenProps} from '../types' */
import { BagCheck, codesOf } from '../bags.js';
import { Button, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Letter, nameOf, useOnward } from '../parts.js';

/** Pickup: each bag into its place in the staging area. @param {ScreenProps} props */
export function Stage(props) {
  const isHere = useOnward(props.batch, 'stage');
  const order = props.batch.orders.find((one) => !one.is_staged);
  return isHere && order ? html`<${OrderStage} key=${order.id} ...${props} order=${order} />` : null;
}

/** @param {ScreenProps} props */
function OrderStage({ batch, order, act, app, t }) {
  const [scans, setScans] = useState(/** @type {string[]} */ ([]));
  const [places, setPlaces] = useState(/** @type {Record<string, string>} */ ({}));
  const kinds = [...new Set(order.bags.map((bag) => bag.kind))];
  const left = codesOf(order).length - scans.length;
  const isPlaced = kinds.every((kind) => places[kind]?.trim());

  function stage() {
    const named = kinds.map((kind) => (kinds.length > 1 ? `${t(`kind.${kind}`)}: ${places[kind].trim()}` : places[kind].trim()));
    act('stage', { order: order.id, place: named.join('; '), scans });
  }
  const footer = html`
    ${left > 0 && html`<p class="soft">${t('check.left', { count: left })}</p>`}
    ${left === 0 && !isPlaced && html`<p class="soft">${t('stage.needs_place')}</p>`}
    <${Button} kind="primary" disabled=${left > 0 || !isPlaced} onClick=${stage}>${t('stage.save')}<//>`;
  return html`<${Screen} title=${t('stage.title', { name: nameOf(order) })} back="/run" footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('stage.explain')}</p>
    <${BagCheck} batch=${batch} order=${order} scans=${scans} onScan=${setScans} app=${app} t=${t} />
    ${kinds.map((kind) => html`<label class="field" key=${kind}>${t(`stage.place_${kind}`)}
      <input autocomplete="off" autocapitalize="characters" maxlength="40" value=${places[kind] ?? ''}
        onInput=${(/** @type {any} */ event) => setPlaces({ ...places, [kind]: event.target.value })} />
    </label>`)}
  <//>`;
}
