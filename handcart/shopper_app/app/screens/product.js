/** @import {ScreenProps} from '../types' */
import { Button, Screen } from '../frame.js';
import { Gather } from '../gather.js';
import { html, useMemo } from '../html.js';
import { indexOf, meaning } from '../match.js';
import { Letter, ProductPicture, Whereabouts, askedText, nameOf } from '../parts.js';
import { path } from '../paths.js';
import { countAsked } from '../weights.js';
import { State } from './list.js';

/** One line: find its product, or say that it is not there. @param {ScreenProps} props */
export function ProductScreen({ batch, order, line, act, app, go, t }) {
  const index = useMemo(() => indexOf(batch), [batch]);
  const list = path('list', batch);
  const { product } = line;
  const alternative = line.status === 'not_found' ? line.alternative?.product : null;
  const isOther = line.status === 'replaced' || line.status === 'to_refund';
  const about = { order: order.id, line: line.line_num };

  /** @param {import('../scan.js').Code} code */
  function judge({ text, format }) {
    const { kind, place, scan } = meaning(index, text, format, { order, line });
    return { kind, name: place?.line.product.name, scan };
  }

  /** @param {import('../gather.js').Found} found @param {Blob} [picture] */
  async function onFound(found, picture) {
    await act('find', { ...about, ...found }, { picture });
    const asked = countAsked(line);
    const isShort = asked != null && (found.count ?? 0) < asked;
    app.say(t('product.found', { name: product.name }));
    go(isShort ? path('short', batch, order, line) : list);
  }

  return html`<${Screen} title=${product.name} back=${list} t=${t}>
    <${ProductPicture} product=${product} isLarge />
    <p class="lead"><${Letter} order=${order} /> ${t('product.wanted', {
      amount: askedText(line, app.locale, t), name: nameOf(order),
    })}</p>
    <${Whereabouts} product=${product} t=${t} />
    <${Codes} product=${product} t=${t} />
    ${(line.is_alcohol || product.is_alcohol) && html`<p class="mark">${t('product.alcohol')}</p>`}
    ${line.is_heavy && html`<p class="mark">${t('product.heavy')}</p>`}
    ${line.special_instructions && html`<p class="note"><b>${t('product.note')}</b> ${line.special_instructions}</p>`}
    ${!alternative && html`<p><${State} line=${line} app=${app} t=${t} /></p>`}
    ${alternative && html`<section class="card">
      <h2>${t('product.alternative', { name: nameOf(order) })}</h2>
      <${ProductPicture} product=${alternative} isLarge />
      <p class="lead">${alternative.name}</p>
      <${Whereabouts} product=${alternative} t=${t} />
      <${Codes} product=${alternative} t=${t} />
      <${Button} kind="primary" onClick=${() => go(path('replace', batch, order, line))}>${t('product.take')}<//>
    </section>`}
    ${isOther
      ? html`<footer class="actions">
          <${Button} onClick=${() => act('put_back', about)}>${t('product.reopen')}<//>
          <${Button} kind="primary" onClick=${() => go(list)}>${t('product.list')}<//>
        </footer>`
      : html`<${Gather} key=${line.status} line=${line} scaleCodes=${batch.scale_codes} judge=${judge} isKnown=${line.status === 'found'} app=${app} t=${t}
          label=${t('product.save')} onFound=${onFound} other=${html`
            <${Button} onClick=${() => go(path('replace', batch, order, line))}>${t('product.missing')}<//>`} />`}
  <//>`;
}

/** @param {{product: import('../types').Product, t: import('../types').Text}} props */
function Codes({ product, t }) {
  const code = product.upc ?? product.rrc;
  if (!code) return null;
  return html`<p class="soft code">${t('product.code')} ${code.slice(0, -4)}<b>${code.slice(-4)}</b></p>`;
}
