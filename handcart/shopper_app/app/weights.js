/**
 * Counts and weights of a line: what the customer asked for, and whether what was found comes close to it.
 *
 * @typedef {import('./types.js').Line} Line
 * @typedef {import('./types.js').Product} Product
 */

// A piece may differ from the weight asked for by this part of it, and always by this many pounds or kilograms.
const TOLERATED_PART = 0.2;
/** @type {Record<string, number>} */
const TOLERATED = { lb: 0.1, kg: 0.05 };
const KG_IN_LB = 2.204_622_6;
const MOST = 1000;

/**
 * The unit of the line's weight; null for a line without weight. Goods that are sold by weight may be asked for in
 * pieces: then the line counts pieces, and the weight is noted beside them.
 * @param {Line} line
 * @returns {string | null}
 */
export function unitOf(line) {
  const unit = line.qty_unit === 'each' ? line.product.cost_unit : line.qty_unit;
  return unit === 'each' ? null : unit;
}

/**
 * How many pieces the customer asked for; null if by weight alone.
 * @param {Line} line
 * @returns {number | null}
 */
export function countAsked(line) {
  return line.qty_unit === 'each' ? line.qty : null;
}

/**
 * The weight asked for, in the line's unit; of a number of pieces, their typical weight. Null if nobody knows it.
 * @param {Line} line
 * @returns {number | null}
 */
export function weightAsked(line) {
  if (line.qty_unit !== 'each') return line.qty;
  const { par_weight: par } = line.product;
  return unitOf(line) && par != null ? round(line.qty * par) : null;
}

/**
 * How a weight compares with the one asked for; 'fine' if nobody knows that.
 * @param {number} weight in the unit of the line
 * @param {Line} line
 * @returns {'fine' | 'light' | 'heavy' | 'impossible'}
 */
export function compared(weight, line) {
  if (!(weight > 0 && weight < MOST)) return 'impossible';
  const asked = weightAsked(line);
  if (asked == null) return 'fine';
  const most = Math.max(asked * TOLERATED_PART, TOLERATED[unitOf(line) ?? ''] ?? 0) + 1e-9;
  return weight < asked - most ? 'light' : weight > asked + most ? 'heavy' : 'fine';
}

/**
 * The weight of a piece from its label, in the line's unit: weighed, or its price divided by the product's price.
 * @param {import('./codes.js').Scanned} scan
 * @param {Line} line
 * @param {'price' | 'weight'} scaleCodes what the labels of the store's scales have
 * @returns {number | null}
 */
export function weightOf(scan, line, scaleCodes) {
  if (scan.weight != null && scan.unit) return round(converted(scan.weight, scan.unit, unitOf(line) ?? scan.unit));
  if (scan.thousandths != null && scaleCodes === 'weight') return scan.thousandths / 1000 || null;
  const price = line.product.price_cents;
  return scan.cents && price > 0 ? round(scan.cents / price) : null;
}

/**
 * A weight as a person types it, with a point or a comma; null if it is no positive number below 1,000.
 * @param {string} text
 * @returns {number | null}
 */
export function typed(text) {
  const plain = text.trim().replace(',', '.');
  const weight = /^\d{1,3}(\.\d{0,3})?$|^\.\d{1,3}$/.test(plain) ? Number(plain) : 0;
  return weight > 0 ? weight : null;
}

/**
 * @param {number} weight
 * @param {string} from
 * @param {string} to
 */
function converted(weight, from, to) {
  if (from === to) return weight;
  return to === 'kg' ? weight / KG_IN_LB : weight * KG_IN_LB;
}

/** @param {number} weight */
function round(weight) {
  return Math.round(weight * 1000) / 1000;
}
