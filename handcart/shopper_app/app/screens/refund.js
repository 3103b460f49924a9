/** @import {ScreenProps} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { askedText, nameOf } from '../parts.js';
import { path } from '../paths.js';

/** The customer gets the money of a line back. @param {ScreenProps} props */
export function Refund({ batch, order, line, act, app, go, t }) {
  async function refund() {
    await act('refund', { order: order.id, line: line.line_num });
    go(path('list', batch));
  }
  const footer = html`<${Button} kind="primary" onClick=${refund}>${t('refund.yes')}<//>`;
  return html`<${Screen} title=${t('refund.title')} back=${path('replace', batch, order, line)} footer=${footer} t=${t}>
    <p class="lead">${line.product.name} · ${askedText(line, app.locale, t)}</p>
    <p>${t('refund.explain', { name: nameOf(order) })}</p>
  <//>`;
}
