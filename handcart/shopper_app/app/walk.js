/**
 * The way through the store: the lines of a batch by aisle or department, in the run's sequence.
 *
 * @import {Batch, Line, Order, Product} from './types'
 */

/** @typedef {{order: Order, line: Line}} Place */
/** @typedef {{key: string, product: Product, places: Place[]}} Group */

/**
 * The groups of a batch. Each order's lines come in a sensible sequence; a group that only a later order has comes
 * after the group before it in that order. Lines with the same product are neighbours.
 * @param {Batch} batch
 * @returns {Group[]}
 */
export function walk(batch) {
  /** @type {Group[]} */
  const groups = [];
  for (const order of batch.orders) {
    let at = -1;
    for (const line of order.lines) {
      const product = sought(line);
      const key = keyOf(product);
      let place = groups.findIndex((group) => group.key === key);
      if (place < 0) {
        place = at + 1;
        groups.splice(place, 0, { key, product, places: [] });
      }
      insert(groups[place].places, { order, line });
      at = place;
    }
  }
  return groups;
}

/** What to look for: the product of a line, or what the customer named in place of a refused replacement. @param {Line} line */
export function sought(line) {
  return line.status === 'not_found' && line.alternative ? line.alternative.product : line.product;
}

/** @param {Place[]} places @param {Place} one */
function insert(places, one) {
  const same = places.findLastIndex(({ line }) => codeOf(sought(line)) === codeOf(sought(one.line)));
  places.splice(same < 0 ? places.length : same + 1, 0, one);
}

/** @param {Product} product */
function keyOf({ temperature, aisle, department }) {
  const isLast = temperature === 'frozen' || temperature === 'hot';
  return JSON.stringify([isLast ? temperature : '', aisle ?? '', aisle ? '' : department ?? '']);
}

/** @param {Product} product */
function codeOf({ rrc, upc, name }) {
  return rrc ?? upc ?? name;
}
