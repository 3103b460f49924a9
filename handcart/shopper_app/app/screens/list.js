/** @import {Batch, Line, ScreenProps, Text} from '../types' */
import { ChatLink } from '../chat.js';
import * as feedback from '../feedback.js';
import { Button, Screen } from '../frame.js';
import { carry } from '../gather.js';
import { html, useMemo, useState } from '../html.js';
import { endsWith, indexOf, meaning } from '../match.js';
import { Letter, ProductPicture, Verdict, aisleName, askedText, foundText, nameOf } from '../parts.js';
import { path } from '../paths.js';
import { PRODUCTS } from '../scan.js';
import { Scanner } from '../scanner.js';
import { countAsked } from '../weights.js';
import { sought, walk } from '../walk.js';

/** What to pick, along the way through the store. Any line may be picked next. @param {ScreenProps} props */
export function List({ batch, app, go, t }) {
  const [search, setSearch] = useState('');
  const [verdict, setVerdict] = useState(/** @type {{isRight: boolean, text: string} | null} */ (null));
  const index = useMemo(() => indexOf(batch), [batch]);
  const groups = useMemo(() => walk(batch), [batch]);
  const places = groups.flatMap((group) => group.places);
  const done = places.filter(({ line }) => line.status !== 'not_found');
  const open = groups
    .map((group) => ({ ...group, places: group.places.filter((place) => !done.includes(place) && fits(place.line, search)) }))
    .filter((group) => group.places.length > 0);
  const isAllDone = done.length === places.length;

  /** @param {import('../scan.js').Code} code */
  function onCode({ text, format }) {
    const { kind, place } = meaning(index, text, format);
    if (place && kind === 'right') {
      carry({ text, format });
      return go(path('product', batch, place.order, place.line));
    }
    feedback.wrong(app.kept.settings);
    const name = place?.line.product.name ?? '';
    return setVerdict({ isRight: false, text: t(kind === 'complete' ? 'scan.complete' : 'scan.not_listed', { name }) });
  }

  const footer = html`
    <${Scanner} formats=${PRODUCTS} onCode=${onCode} t=${t} />
    <${Verdict} verdict=${verdict} />
    <${Button} kind=${isAllDone ? 'primary' : ''} onClick=${() => go(path('review', batch))}>${t('list.review')}<//>`;
  return html`<${Screen} title=${t('list.title', { store: batch.store.name })} back="/run" footer=${footer} t=${t}>
    <p class="progress">
      <progress max=${places.length} value=${done.length} aria-label=${t('list.progress')}></progress>
      <span>${t('list.done', { done: done.length, count: places.length })}</span>
    </p>
    ${batch.orders.length > 1 && html`<ul class="bins" aria-label=${t('list.bins')}>
      ${batch.orders.map((order) => html`<li key=${order.id}><${Letter} order=${order} /> ${nameOf(order)}</li>`)}
    </ul>`}
    ${places.length > 8 && html`<label class="field">${t('list.search')}
      <input type="search" value=${search} onInput=${(/** @type {any} */ event) => setSearch(event.target.value)} />
    </label>`}
    ${open.map((group) => html`<section key=${group.key}>
      <h2 class="group">${groupName(group, t)}</h2>
      <${Rows} places=${group.places} batch=${batch} app=${app} t=${t} />
    </section>`)}
    ${isAllDone && html`<p class="empty">${t('list.all_done')}</p>`}
    ${!isAllDone && open.length === 0 && html`<p class="empty">${t('list.nothing', { search })}</p>`}
    ${done.length > 0 && html`<details><summary>${t('list.picked', { count: done.length })}</summary>
      <${Rows} places=${done} batch=${batch} app=${app} t=${t} />
    </details>`}
    ${batch.orders.map((order) => html`<${ChatLink} key=${order.id} batch=${batch} order=${order} t=${t} />`)}
    ${batch.orders.map((order) => html`<a key=${order.id} class="button quiet" href=${`#${path('add', batch, order)}`}>
      ${t('list.add', { name: nameOf(order) })}
    </a>`)}
  <//>`;
}

/** @param {Line} line @param {string} search */
function fits({ product }, search) {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => product.name.toLocaleLowerCase().includes(word)) || endsWith(product, search.trim());
}

/** @param {import('../walk.js').Group} group @param {Text} t */
function groupName({ product: { aisle, department, temperature } }, t) {
  const name = aisle ? aisleName(aisle, t) : department ?? t('list.elsewhere');
  return temperature === 'frozen' || temperature === 'hot' ? `${name} · ${t(`kind.${temperature}`)}` : name;
}

/**
 * @param {{places: import('../walk.js').Place[], batch: Batch, app: import('../types').App, t: Text}} props
 */
function Rows({ places, batch, app, t }) {
  return html`<ul class="lines">
    ${places.map(({ order, line }) => html`<li key=${`${order.id}/${line.line_num}`}>
      <a href=${`#${path('product', batch, order, line)}`}>
        ${batch.orders.length > 1 && html`<${Letter} order=${order} />`}
        <${ProductPicture} product=${sought(line)} />
        <span class="name">${sought(line).name}
          ${line.is_heavy && html`<small class="mark">${t('product.heavy')}</small>`}
          ${line.special_instructions && html`<small>${line.special_instructions}</small>`}
          <${State} line=${line} app=${app} t=${t} />
        </span>
        <b class="amount">${askedText(line, app.locale, t)}</b>
      </a>
    </li>`)}
  </ul>`;
}

/** What happened to a line. @param {{line: Line, app: import('../types').App, t: Text}} props */
export function State({ line, app, t }) {
  if (line.status === 'not_found') {
    if (line.alternative) return html`<small class="mark">${t('line.alternative', { name: line.product.name })}</small>`;
    return line.picked_by && html`<small>${t('pick.by', { name: line.picked_by })}</small>`;
  }
  if (line.status === 'replaced') {
    return html`<small class="state">${t('line.replaced', { name: line.substitute?.name ?? '' })}</small>
      <${Answer} line=${line} t=${t} />`;
  }
  if (line.status === 'to_refund' && line.refused) {
    return html`<small class="mark refused">${t('line.refused', { name: line.refused.name })}</small>`;
  }
  const isShort = line.status === 'found' && (line.delivered_count ?? Infinity) < (countAsked(line) ?? 0);
  const found = foundText(line, app.locale);
  return html`<small class="state">${t(isShort ? 'line.short' : `line.${line.status}`, { found })}</small>`;
}

/** What the customer says about a replacement. @param {{line: Line, t: Text}} props */
export function Answer({ line, t }) {
  const answer = line.replacement_status;
  if (answer === 'APPROVED') return html`<small class="mark approved">${t('line.approved')}</small>`;
  return answer === 'PENDING' && html`<small class="mark">${t('line.waits')}</small>`;
}
