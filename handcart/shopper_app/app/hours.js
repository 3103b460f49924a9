/**
 * The hours in which alcohol may be handed over, by the store's clock. They need no network.
 *
 * @import {Batch} from './types'
 */

/** Whether alcohol may be handed over at a time. @param {Batch} batch @param {number} now milliseconds since 1970 */
export function isAlcoholHour({ needs, store }, now) {
  const { alcohol_from_hour: from, alcohol_until_hour: until } = needs;
  const shown = new Intl.DateTimeFormat('en-US', { hour: 'numeric', hourCycle: 'h23', timeZone: store.time_zone }).format(now);
  const hour = Number(shown);
  return from > until ? hour >= from || hour < until : from <= hour && hour < until;
}

/** From and until when, as texts. @param {Batch} batch @param {string} locale */
export function alcoholHours({ needs }, locale) {
  const format = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });
  /** @param {number} hour */
  const text = (hour) => format.format(Date.UTC(2000, 0, 1, hour % 24));
  return { from: text(needs.alcohol_from_hour), until: text(needs.alcohol_until_hour) };
}

/** Whether alcohol may be handed over at any hour, so that nobody needs to know them. @param {Batch} batch */
export function isAlwaysAllowed({ needs }) {
  return needs.alcohol_from_hour === 0 && needs.alcohol_until_hour === 24;
}
