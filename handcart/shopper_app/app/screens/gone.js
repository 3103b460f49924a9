/** @import {ScreenProps} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { RemovedWork } from './today.js';

/** The address names work that is not in the run: says what happened to it. @param {ScreenProps} props */
export function Gone({ run, app, go, t }) {
  const [slug, id] = location.hash.split('/').slice(2, 4).map(decodeURIComponent);
  const removed = run.removed.filter((one) => one.retailer.slug === slug && one.batch_id === id);
  return html`<${Screen} title=${t('gone.title')} t=${t}>
    ${removed.length
      ? removed.map((one) => html`<${RemovedWork} key=${one.at} removed=${one} app=${app} t=${t} />`)
      : html`<p>${t('gone.unknown')}</p>`}
    <${Button} kind="primary" onClick=${() => go('/today')}>${t('gone.today')}<//>
  <//>`;
}
