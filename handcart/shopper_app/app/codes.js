/**
 * Codes of products, as a scanner reads them.
 *
 * `read` has the rules of handcart/stores/codes.py; tests/shopper_app/test_codes.py compares both with the server's.
 * Standards: GS1 General Specifications, application identifiers 01, 310n, 320n and 392n, the price verifier of four
 * digits, and the GS1 Digital Link.
 */

/**
 * What a scan says. `code`: the normal form as in `read`, null for other codes. `weight` with its `unit`, or the price in
 * `cents`, are those of this very piece; null if the code does not contain them. Labels of a store's scale have the
 * number of the `item` at the scale, and a price or `thousandths` of a pound or kilogram: only the retailer knows which.
 * @typedef {{code: string | null, item: string | null, weight: number | null, unit: 'lb' | 'kg' | null,
 *   cents: number | null, thousandths: number | null}} Scanned
 */

// Conventional 3000 to 4999, organic and other kinds with a leading 8 or 9; scales and lists pad them with zeros.
const PLU = /^0*([89]?[34][0-9]{3})$/;
// By the last digit of UPC-E before its check digit: how many digits stand before the zeros, and the zeros.
/** @type {Record<string, [number, string]>} */
const ZEROS_OF_UPC_E = {
  0: [2, '00000'], 1: [2, '10000'], 2: [2, '20000'], 3: [3, '00000'], 4: [4, '00000'],
  5: [5, '00005'], 6: [5, '00006'], 7: [5, '00007'], 8: [5, '00008'], 9: [5, '00009'],
};
// What each digit of a price of four digits counts towards its verifier.
const OF_VERIFIER = ['0246891357', '0246891357', '0369258147', '0594837261'];
// Application identifiers with a fixed length, by their first two digits. The others end with FNC1.
/** @type {Record<string, number>} */
const FIXED = {
  '00': 18, '01': 14, '02': 14, '11': 6, '12': 6, '13': 6, '15': 6, '16': 6, '17': 6, '20': 2,
  '31': 6, '32': 6, '33': 6, '34': 6, '35': 6, '36': 6, '41': 13,
};
const FNC1 = '\x1d';

/**
 * The normal form of a code: a GTIN as 14 digits, a PLU as 4 or 5 digits; null for other codes.
 * @param {string} text
 * @param {string} [format] of BarcodeDetector, if a scanner told it: tells EAN-8 from UPC-E
 * @returns {string | null}
 */
export function read(text, format) {
  const digits = text.trim();
  if (!/^[0-9]{1,14}$/.test(digits)) return null;
  if (format === 'upc_e' && digits.length === 8) return fromUpcE(digits)?.padStart(14, '0') ?? null;
  const plu = PLU.exec(digits);
  if (plu) return plu[1];
  const upcE = digits.padStart(8, '0');
  if ((digits.length === 7 || digits.length === 8) && upcE[0] === '0' && format !== 'ean_8') {
    const whole = fromUpcE(upcE);
    if (whole) return whole.padStart(14, '0');
  }
  if (digits.length === 11) {
    const isWhole = digits[0] !== '0' && hasCheckDigit(digits);
    return (isWhole ? digits : digits + checkDigit(digits)).padStart(14, '0');
  }
  if ([8, 12, 13, 14].includes(digits.length) && hasCheckDigit(digits)) return digits.padStart(14, '0');
  return digits.length === 4 || digits.length === 5 ? digits : null;
}

/**
 * What a scan says about the product and about this piece of it.
 * @param {string} text
 * @param {string} [format] of BarcodeDetector
 * @returns {Scanned}
 */
export function scanned(text, format) {
  const elements = elementsOf(text, format);
  if (elements) return ofElements(elements);
  const code = read(text, format);
  return code === null ? { ...NOTHING } : { ...NOTHING, code, ...ofWeighed(text.trim()) };
}

/** @type {Scanned} */
const NOTHING = { code: null, item: null, weight: null, unit: null, cents: null, thousandths: null };

/**
 * The last digit of a GTIN, from those before it.
 * @param {string} digits
 */
export function checkDigit(digits) {
  const total = [...digits].reverse().reduce((sum, digit, place) => sum + Number(digit) * (place % 2 ? 1 : 3), 0);
  return String((10 - (total % 10)) % 10);
}

/** @param {string} digits */
function hasCheckDigit(digits) {
  return digits.at(-1) === checkDigit(digits.slice(0, -1));
}

/** @param {string} digits */
function fromUpcE(digits) {
  const [body, check] = [digits.slice(1, 7), digits[7]];
  const [kept, zeros] = ZEROS_OF_UPC_E[body[5]];
  const whole = digits[0] + body.slice(0, kept) + zeros + body.slice(kept, 5) + check;
  return hasCheckDigit(whole) ? whole : null;
}

/**
 * What the scale of a store printed: the rules of handcart/stores/weighed.py.
 * @param {string} digits of a code that `read` knows
 * @returns {{item?: string, cents?: number | null, thousandths?: number}}
 */
function ofWeighed(digits) {
  const parts = /^(02|2\d)(\d{5})(\d)(\d{4})\d$/.exec(digits.length === 12 ? `0${digits}` : digits);
  if (!parts) return {};
  const [, prefix, item, first, rest] = parts;
  const isUpc = prefix === '02';
  const cents = !isUpc ? Number(first + rest) : first === '0' || first === verifier(rest) ? Number(rest) : null;
  return { item, cents, thousandths: Number(first + rest) };
}

/** @param {string} price of four digits */
function verifier(price) {
  const total = [...price].reduce((sum, digit, place) => sum + Number(OF_VERIFIER[place][Number(digit)]), 0);
  return String((total * 3) % 10);
}

/**
 * Application identifiers with their values, of GS1 DataBar, GS1-128 and 2D codes; null if the code has none.
 * @param {string} text
 * @param {string} [format]
 * @returns {Map<string, string> | null}
 */
function elementsOf(text, format = '') {
  const link = /^https?:\/\/[^?#]*\/01\/(\d{8,14})(?:[/?#]|$)/i.exec(text);
  if (link) {
    const query = [...new URL(text).searchParams].filter(([name]) => /^3[129]\d\d$/.test(name));
    return new Map([['01', link[1].padStart(14, '0')], ...query]);
  }
  const plain = text.replace(/\((\d{2,4})\)/g, '$1').replace(/^\](?:C1|e0|d2|Q3)/, '');
  const mayHave = format.startsWith('databar') || plain !== text || text.includes(FNC1) || /^01\d{14}(?:3|$)/.test(text);
  return mayHave ? split(plain) : null;
}

/**
 * @param {string} text
 * @returns {Map<string, string> | null}
 */
function split(text) {
  const found = new Map();
  let rest = text;
  while (rest) {
    if (rest[0] === FNC1) {
      rest = rest.slice(1);
      continue;
    }
    const name = /^(?:3[1-6]|39|4[1-3]|7[0-2]|8[0-2])/.test(rest) ? rest.slice(0, rest[0] === '4' ? 3 : 4) : rest.slice(0, 2);
    const fixed = FIXED[rest.slice(0, 2)];
    const end = fixed ? name.length + fixed : (rest.indexOf(FNC1) + 1 || rest.length + 1) - 1;
    if (!/^\d+$/.test(name) || end > rest.length || end <= name.length) return null;
    found.set(name, rest.slice(name.length, end));
    rest = rest.slice(end);
  }
  return found.has('01') ? found : null;
}

/**
 * @param {Map<string, string>} elements
 * @returns {Scanned}
 */
function ofElements(elements) {
  const result = { ...NOTHING, code: read(elements.get('01') ?? '') };
  for (const [name, value] of elements) {
    const amount = Number(value) / 10 ** Number(name[3]);
    if (name.startsWith('310')) Object.assign(result, { weight: amount, unit: 'kg' });
    if (name.startsWith('320')) Object.assign(result, { weight: amount, unit: 'lb' });
    if (name.startsWith('392')) result.cents = Math.round(amount * 100);
  }
  return result;
}
