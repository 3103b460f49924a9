/** @import {ScreenProps} from '../types' */
import { Refused } from '../api.js';
import { Button, Screen } from '../frame.js';
import { html, useEffect, useState } from '../html.js';
import { wrong } from '../feedback.js';
import { ask, canUse } from '../passkey.js';
import { sentence } from './settings.js';

const LENGTHS = { least: 4, most: 8 };

/** A pad for the PIN, or a passkey: the server locks a device that was not used for a while. @param {ScreenProps} props */
export function Unlock({ app, t }) {
  const [pin, setPin] = useState('');
  const [problem, setProblem] = useState('');
  const [options, setOptions] = useState(/** @type {Record<string, any> | null} */ (null));
  const offer = () => app.call('GET', '/unlock/passkey').then((found) => setOptions(found.options), () => {});
  useEffect(() => { offer(); }, []);

  const unlock = () => unlocked(app.call('POST', '/unlock', { pin }));

  async function unlockWithPasskey() {
    const credential = await ask('get', /** @type {Record<string, any>} */ (options)).catch(() => null);
    if (!credential) {
      setProblem(t('account.passkey_unused'));
      return;
    }
    await unlocked(app.call('POST', '/unlock/passkey', { credential }));
    offer();
  }

  /** @param {Promise<unknown>} answer */
  async function unlocked(answer) {
    try {
      await answer;
    } catch (error) {
      wrong(app.kept.settings);
      setPin('');
      setProblem(sentence(error, t));
      if (!(error instanceof Refused) || error.rule === 'wrong_pin' || error.rule?.startsWith('passkey_')) return;
    }
    await app.refresh();
  }

  /** @param {string} digit */
  const add = (digit) => setPin((known) => (known + digit).slice(0, LENGTHS.most));
  /** @param {KeyboardEvent} event */
  function typed(event) {
    if (/^[0-9]$/.test(event.key)) add(event.key);
    if (event.key === 'Backspace') setPin(pin.slice(0, -1));
    if (event.key === 'Enter' && pin.length >= LENGTHS.least && event.target === event.currentTarget) unlock();
  }
  const dots = '•'.repeat(pin.length);
  return html`<${Screen} title=${t('unlock.title')} t=${t}>
    <div class="pad" role="group" tabindex="0" aria-label=${t('unlock.pad')} onKeyDown=${typed}>
      <p class="pin" role="status" aria-label=${t('unlock.digits', { count: pin.length })}>${dots || ' '}</p>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <div class="keys">
        ${[...'123456789'].map((digit) => html`<${Button} key=${digit} onClick=${() => add(digit)}>${digit}<//>`)}
        <${Button} kind="quiet" onClick=${() => setPin('')}>${t('unlock.clear')}<//>
        <${Button} onClick=${() => add('0')}>0<//>
        <${Button} kind="primary" disabled=${pin.length < LENGTHS.least} onClick=${unlock}>${t('unlock.ok')}<//>
      </div>
      ${canUse(options) && html`<${Button} onClick=${unlockWithPasskey}>${t('unlock.passkey')}<//>`}
    </div>
  <//>`;
}
