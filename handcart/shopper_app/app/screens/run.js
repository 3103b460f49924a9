/** @import {App, Batch, Order, ScreenProps, Text} from '../types' */
import { hasAlcohol, isEnded, isOver } from '../apply.js';
import { ChatLink } from '../chat.js';
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { Letter, alcoholText, nameOf } from '../parts.js';
import { path } from '../paths.js';
import { nextScreen } from '../steps.js';
import { timeOfDay } from '../text.js';

/** The accepted work as stops: the store first, then each customer. @param {ScreenProps} props */
export function RunScreen({ run, app, go, t }) {
  const batches = run.batches.filter((batch) => batch.is_accepted && !isOver(batch))
    .toSorted((a, b) => a.window.ends_at.localeCompare(b.window.ends_at));
  return html`<${Screen} title=${t('run.title')} t=${t}>
    ${!batches.length && html`<p class="empty">${t('run.empty')}</p>`}
    ${batches.map((batch) => html`<${Stops} key=${batch.subject} batch=${batch} app=${app} go=${go} t=${t} />`)}
  <//>`;
}

/** @param {{batch: Batch, app: App, go: (path: string) => void, t: Text}} props */
function Stops({ batch, app, go, t }) {
  const { store } = batch;
  const next = nextScreen(batch);
  const until = timeOfDay(batch.window.ends_at, app.locale, store.time_zone);
  return html`<section class="card">
    <h2>${t(`type.${batch.type}`)} · ${t('run.until', { time: until })}</h2>
    <ol class="stops">
      <li><strong>${batch.retailer.name}, ${store.name}</strong><br />${store.address}</li>
      ${batch.orders.map((order) => html`<${OrderStop} key=${order.id} batch=${batch} order=${order} app=${app} t=${t} />`)}
    </ol>
    ${batch.state === 'acknowledged' && !next && html`<${Button} kind="primary" onClick=${() => app.act(batch, 'start')}>${t('run.start')}<//>`}
    ${next && html`<${Button} kind="primary" onClick=${() => go(path(next, batch))}>${t('run.continue')}<//>`}
    ${batch.state !== 'delivering' && html`<a class="button quiet" href=${`#${path('give_back', batch)}`}>
      ${t('run.give_back')}
    </a>`}
  </section>`;
}

/** @param {{batch: Batch, order: Order, app: App, t: Text}} props */
function OrderStop({ batch, order, app, t }) {
  const done = order.lines.filter((line) => line.status !== 'not_found').length;
  return html`<li class=${isEnded(order) ? 'done' : ''}>
    <${Letter} order=${order} /> <strong>${nameOf(order)}</strong>
    <span class="soft"> ${t(`status.${order.status}`)}</span>
    ${order.lines.length > 0 && html`<br /><span>${t('run.lines', { done, count: order.lines.length })}</span>`}
    ${hasAlcohol(order) && html` <span class="mark">${alcoholText(batch, app.locale, t)}</span>`}
    ${order.is_heavy && html` <span class="mark">${t('today.heavy')}</span>`}
    ${order.door && html`<br /><span>${order.door.address}</span>`}
    <${ChatLink} batch=${batch} order=${order} t=${t} />
  </li>`;
}
