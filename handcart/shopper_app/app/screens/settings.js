/** @import {App, Device, Passkeys, ScreenProps, Settings, Text} from '../types' */
import { Refused } from '../api.js';
import { Button, Screen } from '../frame.js';
import { html, useEffect, useState } from '../html.js';
import { ask, canUse } from '../passkey.js';
import { unsent } from '../queue.js';
import { LOCALES, reason } from '../text.js';

/** Language, look, sound, devices, PIN, passkeys, sign out. @param {ScreenProps} props */
export function SettingsScreen({ app, t }) {
  const { settings, me } = app.kept;
  useEffect(() => { app.refresh(); }, []);
  return html`<${Screen} title=${t('settings.title')} t=${t}>
    <section class="card">
      <${Choice} name="locale" value=${app.locale} options=${LOCALES} label=${t('settings.language')}
        onChange=${(/** @type {string} */ locale) => chooseLanguage(app, locale)} />
      <${Choice} name="theme" value=${settings.theme} label=${t('settings.theme')}
        options=${{ system: t('settings.theme_system'), light: t('settings.theme_light'), dark: t('settings.theme_dark') }}
        onChange=${(/** @type {Settings['theme']} */ theme) => app.change({ theme })} />
      <${Switch} checked=${settings.sound} onChange=${(/** @type {boolean} */ sound) => app.change({ sound })}
        label=${t('settings.sound')} />
      <${Switch} checked=${settings.vibration} label=${t('settings.vibration')}
        onChange=${(/** @type {boolean} */ vibration) => app.change({ vibration })} />
    </section>
    <section class="card">
      <${Switch} checked=${settings.position === true} label=${t('settings.position')}
        onChange=${(/** @type {boolean} */ position) => app.change({ position })} />
      <p class="soft">${t('position.about')}</p>
      ${settings.position && app.isDenied && html`<p class="problem" role="alert">${t('position.denied')}</p>`}
    </section>
    <${PinForm} app=${app} t=${t} />
    <${PasskeyList} app=${app} t=${t} />
    ${me && html`<section class="card">
      <h2>${t('settings.devices')}</h2>
      <ul class="rows">${me.devices.map((device) => html`<${DeviceRow} key=${device.id} device=${device} app=${app} t=${t} />`)}</ul>
    </section>`}
    <${SignOut} app=${app} t=${t} />
  <//>`;
}

/** @param {App} app @param {string} locale */
async function chooseLanguage(app, locale) {
  await app.change({ locale });
  // Without a network, only this device changes.
  await app.call('POST', '/settings', { locale }).catch(() => {});
}

/** @param {{name: string, label: string, value: string, options: Record<string, string>, onChange: (value: any) => void}} props */
function Choice({ name, label, value, options, onChange }) {
  return html`<label class="field">${label}
    <select name=${name} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
      ${Object.entries(options).map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
    </select>
  </label>`;
}

/** @param {{label: string, checked: boolean, onChange: (checked: boolean) => void}} props */
function Switch({ label, checked, onChange }) {
  return html`<label class="switch">
    <span>${label}</span>
    <input type="checkbox" checked=${checked} onChange=${(/** @type {any} */ event) => onChange(event.target.checked)} />
  </label>`;
}

/** @param {{device: Device, app: App, t: Text}} props */
function DeviceRow({ device, app, t }) {
  const [problem, end] = useCall(app, t);
  return html`<li>
    <span>${device.name}${device.is_this && html` · ${t('settings.this_device')}`}</span>
    ${!device.is_this && html`<${Button} onClick=${() => end('POST', `/devices/${device.id}/end`, {})}>${t('settings.end_device')}<//>`}
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
  </li>`;
}

/** @param {{app: App, t: Text}} props */
function PinForm({ app, t }) {
  const [problem, change, isDone] = useCall(app, t);
  /** @param {any} event */
  function submit(event) {
    event.preventDefault();
    const { old, fresh } = event.target.elements;
    change('POST', '/pin', { old: old.value, new: fresh.value });
  }
  return html`<form class="card" onSubmit=${submit}>
    <h2>${t('settings.pin')}</h2>
    <label class="field">${t('settings.old_pin')}<input name="old" ...${PIN} autocomplete="current-password" /></label>
    <label class="field">${t('settings.new_pin')}<input name="fresh" ...${PIN} autocomplete="new-password" /></label>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    ${isDone && html`<p role="status">${t('settings.pin_changed')}</p>`}
    <${Button} type="submit">${t('settings.change_pin')}<//>
  </form>`;
}

/** Passkeys unlock the device in place of the PIN. @param {{app: App, t: Text}} props */
function PasskeyList({ app, t }) {
  const [known, setKnown] = useState(/** @type {Passkeys | null} */ (null));
  const [problem, setProblem] = useState('');
  const load = () => app.call('GET', '/passkeys').then(setKnown, () => {});
  useEffect(() => { load(); }, []);

  async function add() {
    const credential = await ask('create', known?.options ?? {}).catch(() => null);
    if (credential) await change('/passkeys', { credential });
    else setProblem(t('account.passkey_unused'));
  }
  /** @param {string} path @param {Record<string, any>} body */
  async function change(path, body) {
    setProblem('');
    await app.call('POST', path, body).catch((error) => setProblem(sentence(error, t)));
    await load();
  }
  if (!known || (!canUse(known.options) && known.passkeys.length === 0)) return null;
  return html`<section class="card">
    <h2>${t('settings.passkeys')}</h2>
    <p class="soft">${t('settings.passkeys_about')}</p>
    <ul class="rows">${known.passkeys.map((one) => html`<li key=${one.id}>
      <span>${one.name}</span>
      <${Button} onClick=${() => change('/passkeys/remove', { id: one.id })}>${t('settings.remove_passkey')}<//>
    </li>`)}</ul>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    ${canUse(known.options) && html`<${Button} onClick=${add}>${t('settings.add_passkey')}<//>`}
  </section>`;
}

const PIN = { type: 'password', inputmode: 'numeric', pattern: '[0-9]{4,8}', required: true, maxlength: 8 };

/** Warns if acts would be lost. @param {{app: App, t: Text}} props */
function SignOut({ app, t }) {
  const [isAsked, ask] = useState(false);
  const [problem, setProblem] = useState('');
  const count = unsent(app.entries).length + app.pictures.length;
  const signOut = () => app.signOut().catch((error) => setProblem(sentence(error, t)));
  return html`<section class="card">
    ${!isAsked && html`<${Button} kind="danger" onClick=${() => ask(true)}>${t('settings.sign_out')}<//>`}
    ${isAsked && html`
      <p role="alert">${count > 0 ? t('settings.sign_out_loses', { count }) : t('settings.sign_out_sure')}</p>
      <${Button} kind="danger" onClick=${signOut}>${t('settings.sign_out')}<//>
      <${Button} onClick=${() => ask(false)}>${t('settings.stay')}<//>`}
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
  </section>`;
}

/**
 * A call that a button makes: its problem as a sentence, the function that makes it, and whether it is done.
 * @param {App} app
 * @param {Text} t
 * @returns {[string, (method: string, path: string, body?: unknown) => Promise<void>, boolean]}
 */
function useCall(app, t) {
  const [problem, setProblem] = useState('');
  const [isDone, setDone] = useState(false);
  return [problem, async (method, path, body) => {
    setProblem('');
    setDone(false);
    try {
      await app.call(method, path, body);
      setDone(true);
      await app.refresh();
    } catch (error) {
      setProblem(sentence(error, t));
    }
  }, isDone];
}

// Rules of the server about the person's devices that have a text of their own.
const RULES = ['blocked', 'no_device', 'no_passkey', 'pin_easy'];

/** What went wrong, for the person. @param {unknown} error @param {Text} t */
export function sentence(error, t) {
  if (!(error instanceof Refused)) return t('frame.needs_network');
  if (error.rule === 'wrong_pin') return t('unlock.wrong', { count: error.error.tries_left });
  if (error.rule?.startsWith('passkey_')) return t('account.passkey_refused');
  if (RULES.includes(error.rule)) return t(`account.${error.rule}`);
  return reason(error, t);
}
