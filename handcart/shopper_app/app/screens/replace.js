/** @import {Line, Product, ScreenProps} from '../types' */
import { ChooseProduct, lineFor } from '../catalog.js';
import { scanned } from '../codes.js';
import { Button, Screen } from '../frame.js';
import { Gather } from '../gather.js';
import { html, useState } from '../html.js';
import { isSame, shows } from '../match.js';
import { ProductPicture, Whereabouts, askedText, itemOf, nameOf } from '../parts.js';
import { path } from '../paths.js';
import { countAsked } from '../weights.js';

/** A product that is not there, or not often enough: another one, or the money back. @param {ScreenProps} props */
export function Replace(props) {
  const [chosen, choose] = useState(props.line.alternative?.product ?? null);
  return chosen
    ? html`<${Substitute} ...${props} chosen=${chosen} onBack=${() => choose(null)} />`
    : html`<${Choices} ...${props} onChoose=${choose} />`;
}

/** @param {ScreenProps & {onChoose: (product: Product) => void}} props */
function Choices({ batch, order, line, app, go, onChoose, t }) {
  const mayReplace = line.replacement_policy !== 'no_replacements';
  const isRest = line.status === 'found';
  const name = nameOf(order);
  const wishes = line.alternative ? [line.alternative.product, ...line.replacement_items] : line.replacement_items;
  const refund = !isRest && html`<${Button} kind=${mayReplace ? '' : 'primary'}
    onClick=${() => go(path('refund', batch, order, line))}>${t('replace.refund')}<//>`;
  const groups = [
    { title: t('replace.choices', { name }), products: wishes },
    { title: t('replace.suggestions'), products: line.suggestions },
  ];
  return html`<${Screen} title=${t('replace.title')} back=${path('product', batch, order, line)} footer=${refund} t=${t}>
    <p class="lead">${line.product.name} · ${askedText(line, app.locale, t)}</p>
    <p class="note">${t(`replace.${line.replacement_policy}`, { name })}</p>
    ${mayReplace && html`<${ChooseProduct} batch=${batch} groups=${groups} onChoose=${onChoose} app=${app} t=${t} />`}
  <//>`;
}

/** @param {ScreenProps & {chosen: Product, onBack: () => void}} props */
function Substitute({ batch, order, line, chosen, act, app, go, onBack, t }) {
  const isRest = line.status === 'found';
  const rest = isRest ? (countAsked(line) ?? 0) - (line.delivered_count ?? 0) : undefined;
  const isAlternative = !isRest && line.alternative && isSame(chosen, line.alternative.product);
  const wanted = { ...lineFor(line, chosen, rest), ...(isAlternative && amountOf(line)) };

  /** @param {import('../scan.js').Code} code */
  function judge({ text, format }) {
    return { kind: shows(chosen, text, format) ? 'right' : 'unknown', scan: scanned(text, format) };
  }

  /** @param {import('../gather.js').Found} found @param {Blob} [picture] */
  async function onFound(found, picture) {
    const body = { order: order.id, item: itemOf(chosen), ...found };
    if (isRest) await act('add', body, { picture });
    else await act('replace', { ...body, line: line.line_num }, { picture });
    app.say(t('replace.done', { name: chosen.name }));
    go(path('list', batch));
  }

  return html`<${Screen} title=${chosen.name} t=${t}>
    <${ProductPicture} product=${chosen} isLarge />
    <p class="lead">${t('replace.instead', { name: line.product.name })}</p>
    <${Whereabouts} product=${chosen} t=${t} />
    <${Gather} line=${wanted} scaleCodes=${batch.scale_codes} judge=${judge} mayDiffer app=${app} t=${t} label=${t('replace.save')}
      onFound=${onFound} other=${html`<${Button} onClick=${onBack}>${t('replace.another')}<//>`} />
  <//>`;
}

/** How much of the alternative the customer wants. @param {Line} line @returns {Partial<Line>} */
function amountOf({ alternative }) {
  if (!alternative) return {};
  const { product, count, weight } = alternative;
  return { count, weight, qty: count ?? weight ?? 1, qty_unit: count != null ? 'each' : product.cost_unit };
}
