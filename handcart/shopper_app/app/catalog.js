/**
 * Chooses a product: from those that the device has, by a scan, or by a search of the retailer's catalog.
 *
 * @import {App, Batch, Product, Text} from './types'
 */
import { read } from './codes.js';
import * as feedback from './feedback.js';
import { Button } from './frame.js';
import { html, useState } from './html.js';
import { shows } from './match.js';
import { ProductPicture, Verdict, Whereabouts } from './parts.js';
import { PRODUCTS } from './scan.js';
import { Scanner } from './scanner.js';
import { money } from './text.js';

/**
 * `groups`: products to offer first, with their headings. A scanned product that neither they nor the catalog have is
 * chosen by its code alone, as is every scan without a network.
 * @param {{batch: Batch, groups: {title: string, products: Product[]}[], onChoose: (product: Product) => void, app: App,
 *   t: Text}} props
 */
export function ChooseProduct({ batch, groups, onChoose, app, t }) {
  const [words, setWords] = useState('');
  const [found, setFound] = useState(/** @type {Product[] | null} */ (null));
  const [trouble, setTrouble] = useState('');
  const [verdict, setVerdict] = useState(/** @type {{isRight: boolean, text: string} | null} */ (null));
  const retailer = encodeURIComponent(batch.retailer.slug);

  /** @param {import('./scan.js').Code} code */
  async function onCode({ text, format }) {
    const known = groups.flatMap(({ products }) => products).find((product) => shows(product, text, format));
    const code = read(text, format);
    if (!known && code === null) {
      feedback.wrong(app.kept.settings);
      return setVerdict({ isRight: false, text: t('catalog.no_code') });
    }
    feedback.right(app.kept.settings);
    const query = `/catalog?retailer=${retailer}&code=${encodeURIComponent(text)}`;
    const answer = known ? { items: [known] } : await app.call('GET', query).catch(() => ({ items: [] }));
    return onChoose(answer.items[0] ?? { ...UNKNOWN, upc: text, name: t('catalog.by_code', { code: text }) });
  }

  /** @param {Event} event */
  async function search(event) {
    event.preventDefault();
    setTrouble('');
    setFound(null);
    try {
      const { items } = await app.call('GET', `/catalog?retailer=${retailer}&q=${encodeURIComponent(words)}`);
      setFound(items);
    } catch {
      setTrouble(t('catalog.offline'));
    }
  }

  return html`
    ${groups.filter(({ products }) => products.length > 0).map(({ title, products }) => html`<section key=${title}>
      <h2 class="group">${title}</h2>
      <${Products} products=${products} onChoose=${onChoose} app=${app} t=${t} />
    </section>`)}
    ${groups.length > 0 && html`<h2 class="group">${t('catalog.more')}</h2>`}
    <${Scanner} formats=${PRODUCTS} onCode=${onCode} t=${t} />
    <${Verdict} verdict=${verdict} />
    <form class="search" onSubmit=${search}>
      <label class="field">${t('catalog.search')}
        <input type="search" required value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
      </label>
      <${Button} type="submit">${t('catalog.find')}<//>
    </form>
    <div role="status">
      ${trouble && html`<p class="alert">${trouble}</p>`}
      ${found && found.length === 0 && html`<p class="empty">${t('catalog.nothing')}</p>`}
    </div>
    ${found && html`<${Products} products=${found} onChoose=${onChoose} app=${app} t=${t} />`}`;
}

/** @param {{products: Product[], onChoose: (product: Product) => void, app: App, t: Text}} props */
function Products({ products, onChoose, app, t }) {
  return html`<ul class="lines">
    ${products.map((product) => html`<li key=${product.rrc ?? product.upc}>
      <button type="button" onClick=${() => onChoose(product)}>
        <${ProductPicture} product=${product} />
        <span class="name">${product.name}<${Whereabouts} product=${product} t=${t} /></span>
        ${product.price_cents > 0 && html`<b class="amount">${money(product.price_cents, app.locale)}</b>`}
      </button>
    </li>`)}
  </ul>`;
}

/** @type {Product} */
const UNKNOWN = {
  upc: null, rrc: null, name: '', cost_unit: 'each', par_weight: null, price_cents: 0, image_url: null,
  department: null, aisle: null, shelf: null, temperature: null, is_alcohol: false,
};

/**
 * A line that asks for another product: as many pieces, or as much of it.
 * @param {import('./types').Line} line
 * @param {Product} product
 * @param {number} [pieces]
 * @returns {import('./types').Line}
 */
export function lineFor(line, product, pieces) {
  const isCounted = line.qty_unit === 'each' || product.cost_unit === 'each';
  return {
    ...line, product, status: 'not_found', delivered_count: null, delivered_weight: null,
    qty: isCounted ? pieces ?? (line.qty_unit === 'each' ? line.qty : 1) : line.qty,
    qty_unit: isCounted ? 'each' : product.cost_unit,
  };
}
