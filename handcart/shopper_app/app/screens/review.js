/** @import {Batch, ScreenProps, Text} from '../types' */
import { clockText, waitingMs } from '../answers.js';
import { Button, Screen } from '../frame.js';
import { html, useEffect, useState } from '../html.js';
import { Letter, ProductPicture, askedText } from '../parts.js';
import { path } from '../paths.js';
import { countAsked } from '../weights.js';
import { sought, walk } from '../walk.js';
import { State } from './list.js';

const LOOK_MS = 10_000;

/**
 * Only the lines with a question: those without a decision, and those that the customer gets differently. The shopper
 * waits for the customer's answers, but not longer than the retailer says.
 * @param {ScreenProps} props
 */
export function Review({ batch, act, app, go, t }) {
  const places = walk(batch).flatMap((group) => group.places);
  const open = places.filter(({ line }) => line.status === 'not_found');
  const changed = places.filter(({ line }) => line.status !== 'not_found' && isDifferent(line));

  const [now, setNow] = useState(Date.now());
  const left = waitingMs(batch, app.kept, now);
  const isWaiting = left > 0;
  const isAsking = isWaiting && open.length === 0 && batch.state === 'picking';
  useEffect(() => {
    if (!isWaiting) return undefined;
    const timers = [setInterval(() => setNow(Date.now()), 1000), setInterval(app.send, LOOK_MS)];
    return () => timers.forEach(clearInterval);
  }, [isWaiting]);
  useEffect(() => { if (isAsking) act('review'); }, [isAsking]);

  async function pay() {
    if (batch.state === 'picking') await act('review');
    go(path('pay', batch));
  }
  const footer = html`
    ${open.length > 0 && html`<p class="soft">${t('review.decide', { count: open.length })}</p>`}
    ${isWaiting && html`<p class="soft" role="timer">${t('review.waits', { time: clockText(left) })}</p>`}
    <${Button} kind="primary" disabled=${open.length > 0 || isWaiting} onClick=${pay}>${t('review.pay')}<//>`;
  return html`<${Screen} title=${t('review.title')} back=${path('list', batch)} footer=${footer} t=${t}>
    ${open.length > 0 && html`<h2 class="group">${t('review.open')}</h2>
      <${Questions} places=${open} batch=${batch} app=${app} t=${t} />`}
    ${changed.length > 0 && html`<h2 class="group">${t('review.changed')}</h2>
      <p class="soft">${t('review.explain')}</p>
      <${Questions} places=${changed} batch=${batch} app=${app} t=${t} />`}
    ${open.length + changed.length === 0 && html`<p class="empty">${t('review.nothing')}</p>`}
  <//>`;
}

/** Whether the customer gets something else, or less, than what was asked for. @param {import('../types').Line} line */
function isDifferent(line) {
  return line.status !== 'found' || (line.delivered_count ?? Infinity) < (countAsked(line) ?? 0);
}

/** @param {{places: import('../walk.js').Place[], batch: Batch, app: import('../types').App, t: Text}} props */
function Questions({ places, batch, app, t }) {
  return html`<ul class="lines">
    ${places.map(({ order, line }) => html`<li key=${`${order.id}/${line.line_num}`}>
      <a href=${`#${path('product', batch, order, line)}`}>
        <${Letter} order=${order} />
        <${ProductPicture} product=${sought(line)} />
        <span class="name">${sought(line).name} <${State} line=${line} app=${app} t=${t} /></span>
        <b class="amount">${askedText(line, app.locale, t)}</b>
      </a>
    </li>`)}
  </ul>`;
}
