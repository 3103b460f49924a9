/**
 * Paths of the screens, after the `#` of the address: `/<screen>/<retailer>/<batch>/<order>/<line>`, as much of it as
 * the screen needs.
 *
 * @import {Batch, Line, Order, Run} from './types'
 */

/**
 * @param {string} screen
 * @param {Batch} [batch]
 * @param {Order} [order]
 * @param {Line} [line]
 */
export function path(screen, batch, order, line) {
  const parts = [screen, batch?.retailer.slug, batch?.id, order?.id, line?.line_num];
  return `/${parts.filter((part) => part !== undefined).map((part) => encodeURIComponent(part)).join('/')}`;
}

/**
 * The screen of a path, and what it names in the run. `isMissing`: it names something that the run does not have.
 * @param {string} path
 * @param {Run | null} run
 */
export function read(path, run) {
  const [screen, slug, batchId, orderId, lineNum] = path.replace(/^#?\//, '').split('/').map(decodeURIComponent);
  const batch = run?.batches.find((one) => one.subject === `${slug}/${batchId}`);
  const order = batch?.orders.find((one) => one.id === orderId);
  const line = order?.lines.find((one) => one.line_num === lineNum);
  const isMissing = Boolean((batchId && !batch) || (orderId && !order) || (lineNum && !line));
  return { screen: screen || 'today', batch, order, line, isMissing };
}
