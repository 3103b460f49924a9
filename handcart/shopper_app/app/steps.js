/**
 * The screen that continues the work on a batch.
 *
 * @import {Batch} from './types'
 */

/** @type {Record<string, string>} */
const SHOPPED = {
  picking: 'list', verifying_replacements: 'review', checkout: 'bags', receipt_sanity_check: 'drive', delivering: 'drive',
};

/** @type {Record<Batch['type'], Record<string, string>>} */
const SCREENS = {
  delivery: SHOPPED,
  pickup: { ...SHOPPED, receipt_sanity_check: 'stage', bags_check: 'stage' },
  delivery_only: { acknowledged: 'arrive', at_store: 'check_bags', bags_verified: 'drive', delivering: 'drive' },
  runner_customer: { brand_new: 'arrive', at_store: 'check_bags', bags_verified: 'door' },
};

/**
 * The name of the screen for a batch that is accepted; null if its work has not been started or has ended.
 * @param {Batch} batch
 * @returns {string | null}
 */
export function nextScreen(batch) {
  return SCREENS[batch.type][batch.state] ?? null;
}

/** Whether the goods of an order go back to the store. @param {import('./types').Order} order */
export function isReturning(order) {
  return order.status === 'returning';
}
