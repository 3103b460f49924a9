/** @import {App, Batch, Removed, ScreenProps, Shift, Text} from '../types' */
import { isOver } from '../apply.js';
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { alcoholText } from '../parts.js';
import { dayOf, money, timeOfDay } from '../text.js';

/** The work of today: what is assigned, until when, and what was taken away. @param {ScreenProps} props */
export function Today({ run, app, go, t }) {
  const batches = run.batches.filter((batch) => !isOver(batch)).toSorted((a, b) => a.window.ends_at.localeCompare(b.window.ends_at));
  return html`<${Screen} title=${t('today.title', { name: app.kept.me?.name ?? '' })} t=${t}>
    ${run.removed.map((one) => html`<${RemovedWork} key=${one.batch_id} removed=${one} app=${app} t=${t} />`)}
    ${!batches.length && html`<p class="empty">${t(app.kept.run ? 'today.empty' : 'today.not_loaded')}</p>`}
    ${batches.length > 0 && app.kept.settings.position == null && html`<${AskPosition} app=${app} t=${t} />`}
    ${batches.map((batch) => html`<${Work} key=${batch.subject} batch=${batch} app=${app} go=${go} t=${t} />`)}
    ${(run.shifts ?? []).length > 0 && html`<${Shifts} shifts=${run.shifts} locale=${app.locale} t=${t} />`}
  <//>`;
}

/** The next shifts, by the clock of their stores. @param {{shifts: Shift[], locale: string, t: Text}} props */
function Shifts({ shifts, locale, t }) {
  return html`<section class="card">
    <h2>${t('today.shifts')}</h2>
    ${shifts.map((one) => {
      const zone = one.time_zone || undefined;
      const [from, to] = [one.starts_at, one.ends_at].map((iso) => timeOfDay(iso, locale, zone));
      return html`<p key=${one.starts_at}>${t('today.shift', { day: dayOf(one.starts_at, locale, zone), from, to })} ${one.where}</p>`;
    })}
  </section>`;
}

/** Asks once whether the server may know where the phone is. @param {{app: App, t: Text}} props */
function AskPosition({ app, t }) {
  return html`<section class="card">
    <h2>${t('position.title')}</h2>
    <p>${t('position.about')}</p>
    <${Button} onClick=${() => app.change({ position: true })}>${t('position.yes')}<//>
    <${Button} kind="quiet" onClick=${() => app.change({ position: false })}>${t('position.no')}<//>
  </section>`;
}

/** @param {{batch: Batch, app: App, go: (path: string) => void, t: Text}} props */
function Work({ batch, app, go, t }) {
  const { orders, store, window } = batch;
  /** @param {(order: import('../types').Order) => number} of */
  const sum = (of) => orders.reduce((total, order) => total + of(order), 0);
  const tip = sum((order) => order.tip_cents);
  /** @param {string} iso */
  const time = (iso) => timeOfDay(iso, app.locale, store.time_zone);
  return html`<section class="card">
    <h2>${batch.retailer.name}, ${store.name}</h2>
    <p class="due">${t('today.due', { from: time(window.starts_at), to: time(window.ends_at) })}</p>
    <ul class="facts">
      <li>${t(`type.${batch.type}`)}</li>
      <li>${t('today.orders', { count: orders.length })}</li>
      <li>${t('today.units', { count: sum((order) => order.units) })}</li>
      ${tip > 0 && html`<li>${t('today.tip', { amount: money(tip, app.locale) })}</li>`}
      ${orders.some((order) => order.has_alcohol) && html`<li class="mark">${alcoholText(batch, app.locale, t)}</li>`}
      ${orders.some((order) => order.is_heavy) && html`<li class="mark">${t('today.heavy')}</li>`}
    </ul>
    <p class="soft">${store.address}</p>
    ${batch.is_accepted
      ? html`<${Button} onClick=${() => go('/run')}>${t('today.open')}<//>`
      : html`<${Button} kind="primary" onClick=${() => app.act(batch, 'accept')}>${t('today.accept')}<//>`}
  </section>`;
}

/** Who took work away, why, and what to do with the goods. @param {{removed: Removed, app: App, t: Text}} props */
export function RemovedWork({ removed, app, t }) {
  const at = timeOfDay(removed.at, app.locale);
  const by = removed.by ? t('removed.by', { name: removed.by, time: at }) : t('removed.at', { time: at });
  return html`<section class="card removed" role="status">
    <h2>${t(`removed.${removed.kind}`, { retailer: removed.retailer.name })}</h2>
    <p>${by}</p>
    ${removed.reason && html`<p>${t('removed.reason', { reason: removed.reason })}</p>`}
    <p><strong>${t(`goods.${removed.goods}`)}</strong></p>
  </section>`;
}
