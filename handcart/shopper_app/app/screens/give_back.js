/** @import {ScreenProps} from '../types' */
import { HoldButton, Screen } from '../frame.js';
import { html, useState } from '../html.js';
import { Choice } from '../parts.js';

const REASONS = ['ill', 'no_time', 'vehicle', 'other'];

/** The shopper cannot go on with this work: somebody else gets it. @param {ScreenProps} props */
export function GiveBack({ batch, act, go, t }) {
  const [reason, choose] = useState(/** @type {string | null} */ (null));

  async function give() {
    await act('drop_out', { reason: t(`give_back.reason_${reason}`) });
    go('/today');
  }
  const footer = html`<${HoldButton} kind="danger" onHeld=${give} disabled=${!reason} hint=${t('frame.hold')}>
    ${t('give_back.yes')}<//>`;
  const options = REASONS.map((one) => ({ value: one, label: t(`give_back.reason_${one}`) }));
  return html`<${Screen} title=${t('give_back.title')} back="/run" footer=${footer} t=${t}>
    <p class="lead">${batch.retailer.name}, ${batch.store.name}</p>
    <${Choice} legend=${t('give_back.reason')} name="reason" value=${reason} options=${options} onChange=${choose} />
    <p class="soft">${t('give_back.explain')}</p>
  <//>`;
}
