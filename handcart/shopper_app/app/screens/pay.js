/** @import {ScreenProps} from '../types' */
import { HoldButton, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { PictureField } from '../parts.js';
import { path } from '../paths.js';

/** At the till: what the receipt says. Everything here may be left out. @param {ScreenProps} props */
export function Pay({ batch, act, go, t }) {
  const [receipt, setReceipt] = useState('');
  const [total, setTotal] = useState('');
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));
  const cents = total.trim() ? centsOf(total) : undefined;

  async function pay() {
    const body = {
      ...(receipt.trim() && { receipt_number: receipt.trim() }),
      ...(cents != null && { total_cents: cents }),
    };
    await act('checkout', body, { picture: picture ?? undefined });
    go(path('bags', batch));
  }
  const footer = html`<${HoldButton} onHeld=${pay} disabled=${cents === null} hint=${t('frame.hold')}>${t('pay.done')}<//>`;
  return html`<${Screen} title=${t('pay.title')} back=${path('review', batch)} footer=${footer} t=${t}>
    <p>${t('pay.explain')}</p>
    <label class="field">${t('pay.receipt')}
      <input autocomplete="off" maxlength="64" value=${receipt}
        onInput=${(/** @type {any} */ event) => setReceipt(event.target.value)} />
    </label>
    <label class="field">${t('pay.total')}
      <input inputmode="decimal" autocomplete="off" value=${total} aria-invalid=${cents === null} aria-describedby="total"
        onInput=${(/** @type {any} */ event) => setTotal(event.target.value)} />
    </label>
    <p id="total" role="status">${cents === null && html`<span class="alert">${t('pay.wrong')}</span>`}</p>
    <${PictureField} label=${t('pay.picture')} picture=${picture} onPicture=${setPicture} t=${t} />
  <//>`;
}

/** Money as a person types it, in cents; null if it is none. @param {string} text */
export function centsOf(text) {
  const plain = text.trim().replace(/^\$\s*|\s*\$$/g, '').replace(',', '.');
  return /^\d{1,6}(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : null;
}
