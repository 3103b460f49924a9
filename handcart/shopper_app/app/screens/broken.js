/** @import {App, Text} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { unsent } from '../queue.js';

/** A screen failed. What the shopper did is kept. @param {{app: App, error: Error, again: () => void, t: Text}} props */
export function Broken({ app, error, again, t }) {
  return html`<${Screen} title=${t('broken.title')} t=${t}>
    <p>${t('broken.kept', { count: unsent(app.entries).length })}</p>
    <${Button} kind="primary" onClick=${again}>${t('broken.today')}<//>
    <${Button} onClick=${() => location.reload()}>${t('broken.reload')}<//>
    <p class="soft"><code>${String(error?.message ?? error)}</code></p>
  <//>`;
}
