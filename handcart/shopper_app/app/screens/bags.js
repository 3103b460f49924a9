/** @import {Bag, ScreenProps} from '../types' */
import { hasGoods } from '../apply.js';
import * as feedback from '../feedback.js';
import { Button, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Letter, Verdict, nameOf, useOnward } from '../parts.js';
import { BAGS } from '../scan.js';
import { Scanner } from '../scanner.js';

/** @type {Bag['kind'][]} */
const KINDS = ['ambient', 'cold', 'frozen', 'hot'];

/** The bags of each order: how many, of which kind, with which label. @param {ScreenProps} props */
export function Bags(props) {
  const isHere = useOnward(props.batch, 'bags');
  // An order of which the customer gets nothing has no bags; it is asked for if there is no other one.
  const open = props.batch.orders.filter((one) => one.bags.length === 0);
  const order = open.find(hasGoods) ?? open[0];
  return isHere && order ? html`<${OrderBags} key=${order.id} ...${props} order=${order} />` : null;
}

/** @param {ScreenProps} props */
function OrderBags({ batch, order, act, app, t }) {
  const [bags, setBags] = useState(/** @type {Bag[]} */ ([]));
  const [verdict, setVerdict] = useState(/** @type {{isRight: boolean, text: string} | null} */ (null));
  const used = [...bags, ...batch.orders.flatMap((one) => one.bags)].map((bag) => bag.code);
  const missing = KINDS.filter((kind) => isNeeded(kind) && !bags.some((bag) => bag.kind === kind));

  /** @param {string} kind */
  function isNeeded(kind) {
    return order.lines.some(({ status, product, substitute }) =>
      (status === 'found' && product.temperature === kind) || (status === 'replaced' && substitute?.temperature === kind));
  }

  /** @param {Bag['kind']} kind */
  function add(kind) {
    let number = bags.length + 1;
    while (used.includes(ownCode(number))) number += 1;
    setBags([...bags, { code: ownCode(number), kind }]);
    setVerdict(null);
  }

  /** @param {number} number */
  function ownCode(number) {
    return `${batch.id.slice(-4)}-${order.letter}${number}`; // short, because people write it on bags
  }

  /** A label that was scanned belongs to the bag that was added last. @param {import('../scan.js').Code} code */
  function onCode({ text }) {
    const isWrong = used.includes(text) || bags.length === 0;
    feedback[isWrong ? 'wrong' : 'right'](app.kept.settings);
    if (isWrong) return setVerdict({ isRight: false, text: t(bags.length ? 'bags.used' : 'bags.first', { code: text }) });
    setBags(bags.map((bag, place) => (place === bags.length - 1 ? { ...bag, code: text } : bag)));
    return setVerdict({ isRight: true, text: t('bags.labelled', { code: text }) });
  }

  const footer = html`
    ${missing.length > 0 && bags.length > 0 && html`<p class="soft">
      ${t('bags.missing', { kinds: missing.map((kind) => t(`kind.${kind}`)).join(', ') })}</p>`}
    <${Button} kind="primary" disabled=${bags.length === 0 && hasGoods(order)} onClick=${() => act('bag', { order: order.id, bags })}>
      ${bags.length > 0 ? t('bags.save', { count: bags.length }) : t(hasGoods(order) ? 'bags.add' : 'bags.none')}<//>`;
  return html`<${Screen} title=${t('bags.title', { name: nameOf(order) })} back="/run" footer=${footer} t=${t}>
    <p class="lead"><${Letter} order=${order} /> ${t('bags.explain')}</p>
    <div class="grid" role="group" aria-label=${t('bags.add')}>
      ${KINDS.map((kind) => html`<${Button} key=${kind} onClick=${() => add(kind)}>+ ${t(`kind.${kind}`)}<//>`)}
    </div>
    ${bags.length > 0 && html`<ul class="lines">
      ${bags.map((bag) => html`<li key=${bag.code} class="bag">
        <span class="name"><b>${bag.code}</b><small>${t(`kind.${bag.kind}`)}</small></span>
        <button type="button" class="quiet" onClick=${() => setBags(bags.filter((one) => one !== bag))}>
          ${t('bags.remove')}<span class="visually-hidden"> ${bag.code}</span>
        </button>
      </li>`)}
    </ul>
    <p class="soft">${t('bags.write')}</p>
    <${Scanner} formats=${BAGS} onCode=${onCode} t=${t} />`}
    <${Verdict} verdict=${verdict} />
  <//>`;
}
