/** @import {App, Entry, ScreenProps, Text} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { refusedOnes, unsent } from '../queue.js';
import { reason, timeOfDay } from '../text.js';

/** What this device has not sent yet, and what the server refused. @param {ScreenProps} props */
export function Queue({ app, t }) {
  const waiting = unsent(app.entries);
  const refused = refusedOnes(app.entries);
  const pictures = app.pictures.filter((picture) => picture.state === 'queued');
  const sent = app.entries.filter((entry) => entry.state === 'sent' || entry.state === 'superseded').slice(-20).reverse();
  const footer = html`
    <${Button} kind="primary" onClick=${app.send}>${t('queue.send')}<//>
    <${Button} onClick=${() => saveAsFile(app)}>${t('queue.export')}<//>`;
  return html`<${Screen} title=${t('queue.title')} footer=${footer} t=${t}>
    ${refused.length > 0 && html`<h2>${t('queue.refused', { count: refused.length })}</h2>
      ${refused.map((entry) => html`<${Refusal} key=${entry.act.id} entry=${entry} app=${app} t=${t} />`)}`}
    ${app.pictures.filter((picture) => picture.state === 'refused').map((picture) =>
      html`<${RefusedPicture} key=${picture.act_id} picture=${picture} app=${app} t=${t} />`)}
    <h2>${t('queue.waiting', { count: waiting.length })}</h2>
    <ul class="rows">${waiting.map((entry) => html`<${Row} key=${entry.act.id} entry=${entry} app=${app} t=${t} />`)}</ul>
    ${pictures.length > 0 && html`<p>${t('queue.pictures', { count: pictures.length })}</p>`}
    ${sent.length > 0 && html`<h2>${t('queue.sent')}</h2>
      <ul class="rows soft">${sent.map((entry) => html`<${Row} key=${entry.act.id} entry=${entry} app=${app} t=${t} />`)}</ul>`}
  <//>`;
}

/** @param {{entry: Entry, app: App, t: Text}} props */
function Row({ entry, app, t }) {
  return html`<li>
    <span>${t(`verb.${entry.act.verb}`)} · ${aboutWhat(entry, app)}</span>
    <span class="soft">${timeOfDay(entry.act.at, app.locale)} · ${t(`queue.state_${entry.state}`)}</span>
  </li>`;
}

/** @param {{entry: Entry, app: App, t: Text}} props */
function Refusal({ entry, app, t }) {
  return html`<section class="card refused">
    <h3>${t(`verb.${entry.act.verb}`)} · ${aboutWhat(entry, app)}</h3>
    <p>${reason(entry, t)}</p>
    ${entry.goods && entry.goods !== 'nothing' && html`<p><strong>${t(`goods.${entry.goods}`)}</strong></p>`}
    ${entry.is_unknown && html`<${Button} onClick=${() => app.again(entry.act.id)}>${t('queue.again')}<//>`}
    <${Button} onClick=${() => app.dismiss(entry.act.id)}>${t('queue.dismiss')}<//>
  </section>`;
}

/** @param {{picture: import('../types').Picture, app: App, t: Text}} props */
function RefusedPicture({ picture, app, t }) {
  return html`<section class="card refused">
    <h3>${t('queue.picture')}</h3>
    <p>${reason(picture, t)}</p>
    <${Button} onClick=${() => app.forgetPicture(picture.act_id)}>${t('queue.dismiss')}<//>
  </section>`;
}

/** The product or the order of an act. @param {Entry} entry @param {App} app */
function aboutWhat({ act }, app) {
  const batch = app.run.batches.find((one) => one.subject === act.subject);
  const order = batch?.orders.find((one) => one.id === act.body.order);
  const line = order?.lines.find((one) => one.line_num === act.body.line);
  return line?.product.name ?? order?.customer.first_name ?? batch?.retailer.name ?? act.subject;
}

/** Gives the person a file with the queue: for a support desk, if the server can no longer be reached. @param {App} app */
function saveAsFile(app) {
  const content = { made_at: new Date().toISOString(), person: app.kept.me?.name, entries: app.entries };
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' }));
  link.download = `handcart-acts-${content.made_at.slice(0, 10)}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}
