/**
 * The chat of an order: the phrases, and what other screens show of it.
 *
 * @import {Batch, Order, Run, Text} from './types'
 */
import { html } from './html.js';
import { nameOf } from './parts.js';
import { path } from './paths.js';

/** What a shopper can say with one tap: while picking, on the way, and at any time. */
export const PHRASES = {
  picking: [
    'hello', 'started', 'look_at_replacements', 'is_replacement_ok', 'none_left', 'anything_else', 'few_more_minutes',
    'at_checkout',
  ],
  driving: [
    'on_my_way', 'running_late', 'outside', 'left_at_door', 'cannot_find_address', 'cannot_get_in', 'no_answer',
  ],
  always: ['yes', 'no', 'thanks', 'one_moment', 'please_call'],
};

/** Whether there is anything to read or to write. @param {Order} order */
export function hasChat(order) {
  return order.chat && (order.chat.is_open || order.chat.messages.length > 0);
}

/** A link to the chat of an order, with the number of new messages. @param {{batch: Batch, order: Order, t: Text}} props */
export function ChatLink({ batch, order, t }) {
  return hasChat(order) && html`<a class="button quiet" href=${`#${path('chat', batch, order)}`}>
    ${t('chat.title', { name: nameOf(order) })}
    ${order.chat.unread > 0 && html` <b class="count" aria-label=${t('chat.unread', { count: order.chat.unread, name: nameOf(order) })}>
      ${order.chat.unread}</b>`}
  </a>`;
}

/** The new messages of all customers, on every screen but their chat. @param {{run: Run, address: string, t: Text}} props */
export function NewMessages({ run, address, t }) {
  const found = run.batches.flatMap((batch) => batch.orders.map((order) => ({ batch, order, to: `#${path('chat', batch, order)}` })))
    .filter(({ order, to }) => order.chat?.unread > 0 && to !== address);
  return html`<div role="status">${found.map(({ order, to }) => html`<a key=${to} class="banner" href=${to}>
    ${t('chat.unread', { count: order.chat.unread, name: nameOf(order) })}
  </a>`)}</div>`;
}
