/**
 * Which line does a scan mean? The codes of a run are indexed once, so that a scan costs one look-up.
 *
 * @typedef {import('./types.js').Batch} Batch
 * @typedef {import('./types.js').Order} Order
 * @typedef {import('./types.js').Line} Line
 * @typedef {import('./types.js').Product} Product
 * @typedef {import('./codes.js').Scanned} Scanned
 * @typedef {{order: Order, line: Line}} Place
 * @typedef {Map<string, Place[]>} Index
 */

import { read, scanned } from './codes.js';
import { countAsked } from './weights.js';

/**
 * The lines of a batch by the codes of the products that the customers asked for.
 * @param {Batch} batch
 * @returns {Index}
 */
export function indexOf(batch) {
  /** @type {Index} */
  const index = new Map();
  for (const order of batch.orders) {
    for (const line of order.lines) {
      for (const key of keysOfProduct(line.product)) index.set(key, [...(index.get(key) ?? []), { order, line }]);
    }
  }
  return index;
}

/**
 * What a scan means. `right`: one more of `wanted`, or of an open line if no line is wanted. `complete`: its line has
 * all that the customer asked for. `different`: of another line. `unknown`: of no line.
 * @param {Index} index
 * @param {string} text
 * @param {string} [format]
 * @param {Place} [wanted] the line on the screen
 * @returns {{kind: 'right' | 'complete' | 'different' | 'unknown', place: Place | null, scan: Scanned}}
 */
export function meaning(index, text, format, wanted) {
  const scan = scanned(text, format);
  const places = keysOfScan(scan, text).flatMap((key) => index.get(key) ?? []);
  if (places.length === 0) return { kind: 'unknown', place: null, scan };
  const same = wanted && places.find((place) => isSameLine(place, wanted));
  const open = places.find((place) => !isComplete(place.line));
  const place = same ?? open ?? places[0];
  if (wanted && !same) return { kind: 'different', place, scan };
  return { kind: isComplete(place.line) ? 'complete' : 'right', place, scan };
}

/**
 * Whether a scan shows this product.
 * @param {Product} product
 * @param {string} text
 * @param {string} [format]
 */
export function shows(product, text, format) {
  const keys = keysOfProduct(product);
  return keysOfScan(scanned(text, format), text).some((key) => keys.includes(key));
}

/**
 * Whether four digits are the last ones of the product's code.
 * @param {Product} product
 * @param {string} digits
 */
export function endsWith(product, digits) {
  const code = product.upc ?? product.rrc ?? '';
  return /^\d{4}$/.test(digits) && code.replace(/\D/g, '').endsWith(digits);
}

/**
 * Whether a line needs nothing more: found as often as asked, or settled in another way.
 * @param {Line} line
 */
export function isComplete(line) {
  if (line.status === 'not_found') return false;
  const asked = countAsked(line);
  return line.status !== 'found' || asked == null || (line.delivered_count ?? asked) >= asked;
}

/**
 * Whether two products have a code in common.
 * @param {{rrc?: string | null, upc?: string | null}} one
 * @param {{rrc?: string | null, upc?: string | null}} other
 */
export function isSame(one, other) {
  return Boolean((one.rrc && one.rrc === other.rrc) || (one.upc && one.upc === other.upc));
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function isSameLine(one, other) {
  return one.order.id === other.order.id && one.line.line_num === other.line.line_num;
}

/**
 * @param {Product} product
 * @returns {string[]}
 */
function keysOfProduct(product) {
  const keys = [];
  if (product.rrc) keys.push(`rrc:${product.rrc}`);
  if (product.upc) {
    const code = plain(product.upc);
    const { item } = scanned(product.upc);
    keys.push(code);
    if (item) keys.push(`scale:${code.slice(1, 8)}`);
    if (code.length === 4 || code.length === 5) keys.push(`item:${code.padStart(5, '0')}`);
    if (code.length === 14) keys.push(`base:${code.slice(1, 13)}`);
  }
  return keys;
}

/**
 * A code in normal form; one that is none as it is, filled up to 14 digits, as the server does it.
 * @param {string} text
 */
function plain(text) {
  const digits = text.trim();
  return read(digits) ?? (/^\d{8,14}$/.test(digits) ? digits.padStart(14, '0') : digits);
}

/**
 * @param {Scanned} scan
 * @param {string} text
 * @returns {string[]}
 */
function keysOfScan(scan, text) {
  const keys = [`rrc:${text.trim()}`, plain(text)];
  if (scan.code && scan.code !== keys[1]) keys.push(scan.code);
  // Labels of a scale: the catalog has such a label with any price, or the number as a PLU.
  if (scan.item) keys.push(`scale:${scan.code?.slice(1, 8)}`, `item:${scan.item}`);
  // A GTIN that begins with 9 is of variable measure; a catalog may have the product's GTIN without the 9.
  if (scan.code?.length === 14 && scan.code[0] === '9') keys.push(`base:${scan.code.slice(1, 13)}`);
  return keys;
}
