/** @import {Product, ScreenProps} from '../types' */
import { ChooseProduct } from '../catalog.js';
import { scanned } from '../codes.js';
import { Button, Screen } from '../frame.js';
import { Gather } from '../gather.js';
import { html, useState } from '../html.js';
import { shows } from '../match.js';
import { Letter, ProductPicture, Whereabouts, itemOf, nameOf } from '../parts.js';
import { path } from '../paths.js';

/** An item that the customer asked for while the order is picked. @param {ScreenProps} props */
export function Add({ batch, order, act, app, go, t }) {
  const [chosen, choose] = useState(/** @type {Product | null} */ (null));
  const list = path('list', batch);
  if (!chosen) {
    return html`<${Screen} title=${t('add.title')} back=${list} t=${t}>
      <p class="lead"><${Letter} order=${order} /> ${t('add.explain', { name: nameOf(order) })}</p>
      <${ChooseProduct} batch=${batch} groups=${[]} onChoose=${choose} app=${app} t=${t} />
    <//>`;
  }

  /** @type {Product} */
  const product = chosen;
  /** @param {import('../scan.js').Code} code */
  function judge({ text, format }) {
    return { kind: shows(product, text, format) ? 'right' : 'unknown', scan: scanned(text, format) };
  }

  /** @param {import('../gather.js').Found} found @param {Blob} [picture] */
  async function onFound(found, picture) {
    await act('add', { order: order.id, item: itemOf(product), ...found }, { picture });
    app.say(t('add.done', { name: product.name }));
    go(list);
  }

  return html`<${Screen} title=${chosen.name} t=${t}>
    <${ProductPicture} product=${chosen} isLarge />
    <${Whereabouts} product=${chosen} t=${t} />
    <${Gather} line=${newLine(chosen)} scaleCodes=${batch.scale_codes} judge=${judge} mayDiffer app=${app} t=${t} label=${t('add.save')}
      onFound=${onFound} other=${html`<${Button} onClick=${() => choose(null)}>${t('add.another')}<//>`} />
  <//>`;
}

/** @param {Product} product @returns {import('../types').Line} */
function newLine(product) {
  const unit = product.cost_unit;
  const isCounted = unit === 'each' || product.par_weight != null;
  return {
    line_num: '', version: 0, status: 'not_found', qty: 1, qty_unit: isCounted ? 'each' : unit, count: null, weight: null,
    product, special_instructions: '', replacement_policy: 'shoppers_choice', replacement_items: [], suggestions: [],
    delivered_count: null, delivered_weight: null, substitute: null, is_alcohol: product.is_alcohol,
    is_heavy: false, is_added: true, picked_by: null,
    replacement_status: null, proposed_at: null, refused: null, alternative: null,
  };
}
