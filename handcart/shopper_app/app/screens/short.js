/** @import {ScreenProps} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { nameOf } from '../parts.js';
import { path } from '../paths.js';
import { countAsked } from '../weights.js';

/** Fewer were found than the customer asked for: what about the rest? @param {ScreenProps} props */
export function Short({ batch, order, line, go, t }) {
  const [found, asked] = [line.delivered_count ?? 0, countAsked(line) ?? 0];
  const list = path('list', batch);
  const mayReplace = line.replacement_policy !== 'no_replacements';
  const footer = html`
    ${mayReplace && html`<${Button} kind="primary" onClick=${() => go(path('replace', batch, order, line))}>
      ${t('short.replace', { count: asked - found })}<//>`}
    <${Button} kind=${mayReplace ? '' : 'primary'} onClick=${() => go(list)}>${t('short.refund', { count: asked - found })}<//>`;
  return html`<${Screen} title=${t('short.title', { found, asked })} back=${path('product', batch, order, line)}
    footer=${footer} t=${t}>
    <p class="lead">${line.product.name}</p>
    <p>${t(mayReplace ? 'short.explain' : 'short.no_replacements', { name: nameOf(order) })}</p>
  <//>`;
}
