/**
 * Takes a product from the shelf: scan it, count it, weigh it.
 *
 * @import {App, Line, Text} from './types'
 */
import * as feedback from './feedback.js';
import { Button } from './frame.js';
import { html, useLayoutEffect, useRef, useState } from './html.js';
import { endsWith } from './match.js';
import { PictureField, Stepper, Verdict, weightText } from './parts.js';
import { PRODUCTS, asScan } from './scan.js';
import { Scanner } from './scanner.js';
import { compared, countAsked, typed, unitOf, weightAsked, weightOf } from './weights.js';

/**
 * A code that was scanned on the list: it opened the product's screen, and counts there.
 * @type {import('./scan.js').Code | null}
 */
let carried = null;

/** @param {import('./scan.js').Code} code */
export function carry(code) {
  carried = code;
}

/** @typedef {{count?: number, weight?: number, scans?: object[], unscanned?: 'digits' | 'picture'}} Found */
/** @typedef {{kind: 'right' | 'complete' | 'different' | 'unknown', name?: string, scan: import('./codes.js').Scanned}} Judged */

/**
 * `line` says what to take: its product, and how much of it. `scaleCodes`: what the labels of the store's scales have. `judge` says what a scan means. `onFound` gets what an act
 * says about it, and a picture if no barcode could be read. `isKnown`: it was checked before, so that a change of the
 * number needs no new scan. `mayDiffer`: more pieces than asked for are fine.
 * @param {{line: Line, scaleCodes: 'price' | 'weight', judge: (code: import('./scan.js').Code) => Judged, isKnown?: boolean, mayDiffer?: boolean, label: string, app: App,
 *   onFound: (found: Found, picture?: Blob) => void, other?: any, t: Text}} props
 */
export function Gather({ line, scaleCodes, judge, isKnown = false, mayDiffer = false, label, app, onFound, other, t }) {
  const { product } = line;
  const [asked, unit, heavy] = [countAsked(line), unitOf(line), weightAsked(line)];
  const [count, setCount] = useState(line.delivered_count ?? 0);
  const [weight, setWeight] = useState(line.delivered_weight == null ? '' : String(line.delivered_weight));
  const [scans, setScans] = useState(/** @type {object[]} */ ([]));
  const [digits, setDigits] = useState('');
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));
  const [verdict, setVerdict] = useState(/** @type {{isRight: boolean, text: string} | null} */ (null));
  const [question, ask] = useState('');

  const hasDigits = endsWith(product, digits);
  const isChecked = isKnown || scans.length > 0 || hasDigits || picture !== null;
  const number = typed(weight);
  const isEnough = (asked == null || count > 0) && (!unit || number !== null);

  // A second scan may come before the first is drawn.
  const taken = useRef({ count, scans, number });
  taken.current = { count, scans, number };

  /** @param {import('./scan.js').Code} code */
  function onCode(code) {
    const { kind, name = '', scan } = judge(code);
    if (kind !== 'right') {
      feedback.wrong(app.kept.settings);
      const wanted = product.name;
      setVerdict({ isRight: false, text: t(`scan.${kind}`, { name, wanted }) });
      return;
    }
    const before = taken.current;
    if (asked != null && !mayDiffer && before.count >= asked) {
      feedback.wrong(app.kept.settings);
      setVerdict({ isRight: false, text: t('scan.enough', { count: asked }) });
      return;
    }
    feedback.right(app.kept.settings);
    const all = [...before.scans, asScan(code)];
    setScans(all);
    const many = before.count + 1;
    setCount(many);
    taken.current = { ...before, count: many, scans: all };
    const piece = weightOf(scan, line, scaleCodes);
    if (unit && piece != null) {
      const total = Math.round(((before.number ?? 0) + piece) * 1000) / 1000;
      setWeight(String(total));
      taken.current.number = total;
      setVerdict({ isRight: true, text: t('scan.weighed', { weight: weightText(piece, unit, app.locale) }) });
      return;
    }
    setVerdict({ isRight: true, text: t('scan.right', { name: product.name }) });
    if (!unit && many === asked) onFound({ count: many, scans: all });
  }

  // Before the screen is painted: a person who sees the screen may scan at once.
  useLayoutEffect(() => {
    const code = carried;
    carried = null;
    if (code) onCode(code);
  }, []);

  function save() {
    const odd = unit && number !== null ? compared(number, line) : 'fine';
    if (odd !== 'fine' && !question) {
      ask(odd);
      return;
    }
    onFound({
      ...(asked != null && { count }),
      ...(unit && number !== null && { weight: number }),
      ...(scans.length > 0 && { scans }),
      ...(scans.length === 0 && hasDigits && { unscanned: 'digits' }),
      ...(scans.length === 0 && !hasDigits && picture && { unscanned: 'picture' }),
    }, scans.length === 0 && !hasDigits && picture ? picture : undefined);
  }

  if (question && unit) {
    return html`<section class="card" role="alertdialog" aria-labelledby="question">
      <h2 id="question">${t(`weigh.${question}`)}</h2>
      <p>${t('weigh.compare', {
        asked: heavy == null ? '' : weightText(heavy, unit, app.locale), found: weightText(number ?? 0, unit, app.locale),
      })}</p>
      <div class="column">
        <${Button} kind="primary" onClick=${save}>${t('weigh.keep')}<//>
        <${Button} onClick=${() => ask('')}>${t('weigh.change')}<//>
      </div>
    </section>`;
  }
  return html`
    <${Scanner} formats=${PRODUCTS} onCode=${onCode} t=${t} />
    <${Verdict} verdict=${verdict} />
    ${asked != null && html`<div class="amounts">
      <span>${t('pick.found', { asked })}</span>
      <${Stepper} label=${t('pick.pieces')} value=${count} most=${mayDiffer ? undefined : asked} onChange=${setCount} t=${t} />
    </div>`}
    ${unit && html`<label class="field">${t(`weigh.${unit}`)}
      <input inputmode="decimal" autocomplete="off" value=${weight}
        onInput=${(/** @type {any} */ event) => setWeight(event.target.value)} />
    </label>`}
    ${!isKnown && scans.length === 0 && html`<details class="unscanned">
      <summary>${t('unscanned.title')}</summary>
      <label class="field">${t('unscanned.digits')}
        <input inputmode="numeric" autocomplete="off" maxlength="4" value=${digits} aria-describedby="digits-wrong"
          onInput=${(/** @type {any} */ event) => setDigits(event.target.value)} />
      </label>
      <p id="digits-wrong" role="status">${digits.length === 4 && t(hasDigits ? 'unscanned.right' : 'unscanned.wrong')}</p>
      <${PictureField} label=${t('unscanned.picture')} picture=${picture} onPicture=${setPicture} t=${t} />
    </details>`}
    <footer class="actions">
      ${!(isChecked && isEnough) && html`<p class="soft">${t(isEnough ? 'pick.check' : 'pick.amount')}</p>`}
      <${Button} kind="primary" disabled=${!(isChecked && isEnough)} onClick=${save}>${label}<//>
      ${other}
    </footer>`;
}
