/**
 * Parts that several screens of the work share.
 *
 * @import {Batch, Line, Order, Product, Text} from './types'
 */
import { html, useEffect, useMemo, useRef, useState } from './html.js';
import { alcoholHours, isAlwaysAllowed } from './hours.js';
import { path } from './paths.js';
import { redrawn } from './picture.js';
import { nextScreen } from './steps.js';
import { countAsked, unitOf, weightAsked } from './weights.js';

const BINS = 6;

/** The letter of an order, in its colour: the same on its bin in the cart. @param {{order: Order}} props */
export function Letter({ order }) {
  return html`<b class=${`letter bin-${(order.letter.charCodeAt(0) - 65) % BINS}`}>${order.letter}</b>`;
}

/** How the app calls a customer: by first name, or by the order's letter. @param {Order} order */
export function nameOf(order) {
  return order.customer.first_name || order.letter;
}

/** The car of a pickup order's customer, and their delegate. @param {{order: Order, t: Text}} props */
export function Car({ order, t }) {
  const { car } = order;
  if (!car) return null;
  const about = [
    car.license_plate, car.color && t(`car.color_${car.color}`),
    car.vehicle_type && t(`car.type_${car.vehicle_type}`), car.model,
  ].filter(Boolean).join(', ');
  return html`
    ${about && html`<p class="note"><b>${t('car.title')}</b> <bdi>${about}</bdi></p>`}
    ${car.delegate && html`<p class="note"><b>${t('car.delegate')}</b> <bdi>${car.delegate}</bdi></p>`}`;
}

/** That an order has alcohol, and when it may be handed over. @param {Batch} batch @param {string} locale @param {Text} t */
export function alcoholText(batch, locale, t) {
  return isAlwaysAllowed(batch) ? t('today.alcohol') : t('today.alcohol_hours', alcoholHours(batch, locale));
}

/** A product's picture; nothing without one. @param {{product: Product, isLarge?: boolean}} props */
export function ProductPicture({ product, isLarge }) {
  const [isBroken, setBroken] = useState(false);
  if (!product.image_url || isBroken) return null;
  return html`<img class=${isLarge ? 'product large' : 'product'} src=${product.image_url} alt="" loading="lazy"
    onError=${() => setBroken(true)} />`;
}

/** Where a product stands, and how it is kept. @param {{product: Product, t: Text}} props */
export function Whereabouts({ product, t }) {
  const { aisle, shelf, department, temperature } = product;
  const parts = [
    aisle && aisleName(aisle, t), shelf && t('place.shelf', { shelf }), department !== aisle && department,
    temperature && temperature !== 'ambient' && t(`kind.${temperature}`),
  ].filter(Boolean);
  return parts.length > 0 && html`<p class="soft">${parts.join(' · ')}</p>`;
}

/** Stores number their aisles, or give them names. @param {string} aisle @param {Text} t */
export function aisleName(aisle, t) {
  return /^\d/.test(aisle) ? t('place.aisle', { aisle }) : aisle;
}

/**
 * What was asked for, as a person says it: "3", "1.5 lb", "3 (about 1.2 lb)".
 * @param {Line} line @param {string} locale @param {Text} t
 */
export function askedText(line, locale, t) {
  const [count, weight, unit] = [countAsked(line), weightAsked(line), unitOf(line)];
  const heavy = weight != null && unit ? weightText(weight, unit, locale) : '';
  if (count == null) return heavy;
  return heavy ? t('pick.about', { pieces: count, weight: heavy }) : String(count);
}

/** What was found, as `askedText`. @param {Line} line @param {string} locale */
export function foundText(line, locale) {
  const [count, weight, unit] = [line.delivered_count, line.delivered_weight, unitOf(line)];
  const heavy = weight != null ? weightText(weight, unit ?? 'lb', locale) : '';
  return [count ?? '', heavy].filter((part) => part !== '').join(', ') || String(countAsked(line) ?? '');
}

/** @param {number} weight @param {string} unit @param {string} locale */
export function weightText(weight, unit, locale) {
  const name = unit === 'kg' ? 'kilogram' : 'pound';
  return new Intl.NumberFormat(locale, { style: 'unit', unit: name, maximumFractionDigits: 3 }).format(weight);
}

/**
 * A number with a button for less and one for more.
 * @param {{label: string, value: number, most?: number, onChange: (value: number) => void, t: Text}} props
 */
export function Stepper({ label, value, most = 999, onChange, t }) {
  return html`<div class="stepper" role="group" aria-label=${label}>
    <button type="button" disabled=${value <= 0} aria-label=${t('pick.less')} onClick=${() => onChange(value - 1)}>−</button>
    <output aria-live="polite">${value}</output>
    <button type="button" disabled=${value >= most} aria-label=${t('pick.more')} onClick=${() => onChange(value + 1)}>+</button>
  </div>`;
}

/**
 * A choice of one, as large rows.
 * @param {{legend: string, name: string, value: string | null, options: {value: string, label: any}[],
 *   onChange: (value: string) => void}} props
 */
export function Choice({ legend, name, value, options, onChange }) {
  return html`<fieldset class="choice"><legend>${legend}</legend>
    ${options.map((option) => html`<label key=${option.value}>
      <input type="radio" name=${name} checked=${option.value === value} onChange=${() => onChange(option.value)} />
      <span>${option.label}</span>
    </label>`)}
  </fieldset>`;
}

/** Right or wrong, read out at once. @param {{verdict: {isRight: boolean, text: string} | null}} props */
export function Verdict({ verdict }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => { if (verdict) place.current?.scrollIntoView({ block: 'center' }); }, [verdict]);
  return html`<div role="status" aria-live="assertive" ref=${place}>
    ${verdict && html`<p class=${verdict.isRight ? 'verdict right' : 'verdict wrong'}>
      <b aria-hidden="true">${verdict.isRight ? '✓' : '✕'}</b> ${verdict.text}
    </p>`}
  </div>`;
}

/**
 * Takes a picture with the phone's camera. The picture is redrawn before anything else gets it.
 * @param {{label: string, picture: Blob | null, onPicture: (picture: Blob) => void, t: Text}} props
 */
export function PictureField({ label, picture, onPicture, t }) {
  const [isWrong, setWrong] = useState(false);
  const url = useMemo(() => picture && URL.createObjectURL(picture), [picture]);
  useEffect(() => () => { if (url) URL.revokeObjectURL(url); }, [url]);

  /** @param {{target: any}} event */
  async function take({ target }) {
    const [file] = target.files;
    target.value = '';
    if (!file) return;
    await redrawn(file).then((made) => { setWrong(false); onPicture(made); }, () => setWrong(true));
  }
  return html`<div class="picture">
    ${url && html`<img src=${url} alt=${t('picture.taken')} />`}
    <label class="button">${picture ? t('picture.again') : label}
      <input class="visually-hidden" type="file" accept="image/*" capture="environment" onChange=${take} />
    </label>
    ${isWrong && html`<p class="alert" role="alert">${t('picture.wrong')}</p>`}
  </div>`;
}

/**
 * Goes on as soon as the batch has left the state that a screen is for.
 * @param {Batch} batch
 * @param {string} here the screen's name
 */
export function useOnward(batch, here) {
  const next = nextScreen(batch);
  useEffect(() => {
    if (next !== here) location.replace(`#${next ? path(next, batch) : '/today'}`);
  }, [next]);
  return next === here;
}

/** The codes of a product, for an act. @param {Product} product */
export function itemOf({ upc, rrc, name }) {
  return { ...(upc && { upc }), ...(rrc && { rrc }), name };
}
