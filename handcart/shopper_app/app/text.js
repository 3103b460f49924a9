/**
 * Texts by locale. A text's key ends in `.one` or `.other` if the value `count` chooses its form.
 *
 * @import {Text} from './types'
 */

export const LOCALES = {
  'en-US': 'English (US)', 'en-CA': 'English (Canada)', 'fr-CA': 'Français (Canada)', 'es-US': 'Español',
};

/**
 * The locale of the app for what a person or a browser asks for.
 * @param {readonly (string | null | undefined)[]} wanted best first
 * @returns {string}
 */
export function chooseLocale(wanted) {
  for (const one of wanted) {
    const [language, country] = (one ?? '').toLowerCase().split('-');
    if (language === 'en') return country === 'ca' ? 'en-CA' : 'en-US';
    if (language === 'fr') return 'fr-CA';
    if (language === 'es') return 'es-US';
  }
  return 'en-US';
}

/**
 * @param {string} locale
 * @returns {Promise<Record<string, string>>}
 */
export async function loadTexts(locale) {
  const response = await fetch(`/shopper/app/texts/${locale}.json`);
  if (!response.ok) throw new Error(`no texts for ${locale}`);
  return response.json();
}

/**
 * Why the server refused something, in the language of the app; the server's English sentence if the rule is unknown.
 * @param {{rule?: string | null, message?: string | null}} refusal
 * @param {Text} t
 */
export function reason({ rule, message }, t) {
  // What a sentence is about, such as the codes of bags, stands after its colon.
  const about = /: (.+?)(?: is wrong)?\. /.exec(message ?? '')?.[1] ?? '';
  try {
    return t(`rule.${rule}`, { about });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return message || t('frame.failed');
  }
}

/** @param {Record<string, string>} texts @param {string} locale @returns {Text} */
export function translator(texts, locale) {
  const forms = new Intl.PluralRules(locale);
  return (key, values = {}) => {
    const form = 'count' in values ? `.${forms.select(Number(values.count)) === 'one' ? 'one' : 'other'}` : '';
    const text = texts[key + form] ?? texts[key];
    if (text === undefined) throw new RangeError(`no text ${key}${form} in ${locale}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  };
}

/** A time of day in a store's zone. @param {string} iso @param {string} locale @param {string} [timeZone] */
export function timeOfDay(iso, locale, timeZone) {
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit', timeZone }).format(new Date(iso));
}

/** A day in a store's zone, such as Mon, Mar 8. @param {string} iso @param {string} locale @param {string} [timeZone] */
export function dayOf(iso, locale, timeZone) {
  return new Intl.DateTimeFormat(locale, { weekday: 'short', month: 'short', day: 'numeric', timeZone }).format(new Date(iso));
}

/** @param {number} cents @param {string} locale */
export function money(cents, locale) {
  const currency = locale.endsWith('CA') ? 'CAD' : 'USD';
  return new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
    .format(cents / 100);
}
