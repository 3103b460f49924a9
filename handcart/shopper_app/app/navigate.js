/**
 * Hands an address over to the phone's navigation app.
 *
 * @import {Text} from './types'
 */
import { Button } from './frame.js';
import { html, useState } from './html.js';

/**
 * @param {{address: string | null, latitude?: number | null, longitude?: number | null, t: Text}} props
 */
export function Navigate({ address, latitude, longitude, t }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => navigator.clipboard?.writeText(address ?? '').then(() => setCopied(true), () => {});
  return html`<div class="navigate">
    <p class="address">${address}</p>
    <div class="row">
      <a class="button" href=${mapLink(address ?? '', latitude, longitude, navigator.userAgent)}>${t('drive.navigate')}</a>
      <${Button} kind="quiet" onClick=${copy}>${t(isCopied ? 'drive.copied' : 'drive.copy')}<//>
    </div>
  </div>`;
}

/**
 * A link that opens the phone's own navigation app: `maps:` on Apple's phones, `geo:` (RFC 5870) on others.
 * @param {string} address
 * @param {number | null | undefined} latitude
 * @param {number | null | undefined} longitude
 * @param {string} userAgent
 */
export function mapLink(address, latitude, longitude, userAgent) {
  const place = encodeURIComponent(address);
  if (/iPhone|iPad|Macintosh/.test(userAgent)) return `maps:?daddr=${place}`;
  return `geo:${latitude ?? 0},${longitude ?? 0}?q=${place}`;
}
