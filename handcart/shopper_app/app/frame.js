/**
 * What surrounds every screen, and the parts that screens are made of.
 *
 * @import {App, Entry, Text} from './types'
 */
import { NewMessages } from './chat.js';
import { html, useEffect, useRef, useState } from './html.js';
import { refusedOnes, unsent } from './queue.js';

const HOLD_MS = 600;
const MAIN_SCREENS = ['today', 'run', 'queue', 'settings'];

/** @param {{app: App, address: string, said: string, go: (path: string) => void, t: Text, children?: any}} props */
export function Frame({ app, address, said, t, children }) {
  const waiting = unsent(app.entries).length + app.pictures.length;
  const screen = address.split('/')[1] || 'today';
  return html`
    ${!app.isOnline && html`<p class="banner" role="status">${t('frame.offline', { count: waiting })}</p>`}
    ${!app.kept.barrier && html`<${NewMessages} run=${app.run} address=${address} t=${t} />`}
    ${children}
    <${UndoBar} app=${app} t=${t} />
    ${!app.kept.barrier && MAIN_SCREENS.includes(screen) && html`<${Navigation} app=${app} screen=${screen} t=${t} />`}
    <p class="visually-hidden" role="status" aria-live="polite">${said}</p>`;
}

/** @param {{app: App, screen: string, t: Text}} props */
function Navigation({ app, screen, t }) {
  const count = { queue: unsent(app.entries).length + refusedOnes(app.entries).length + app.pictures.length };
  return html`<nav class="bottom" aria-label=${t('frame.navigation')}>
    ${MAIN_SCREENS.map((name) => html`<a key=${name} href=${`#/${name}`} aria-current=${name === screen ? 'page' : null}>
      ${t(`frame.${name}`)}${name === 'queue' && count.queue > 0 && html` <b class="count">${count.queue}</b>`}
    </a>`)}
  </nav>`;
}

/** The acts that can still be undone. @param {{app: App, t: Text}} props */
function UndoBar({ app, t }) {
  const held = app.entries.filter((entry) => entry.state === 'held' && (entry.held_until ?? 0) > Date.now());
  const now = useSeconds(held.length > 0);
  const open = held.filter((entry) => (entry.held_until ?? 0) > now);
  return html`<div class="undo" role="status">
    ${open.map((entry) => html`<${Undo} key=${entry.act.id} app=${app} entry=${entry} now=${now} t=${t} />`)}
  </div>`;
}

/** @param {{app: App, entry: Entry, now: number, t: Text}} props */
function Undo({ app, entry, now, t }) {
  const count = Math.ceil(((entry.held_until ?? 0) - now) / 1000);
  return html`<p>
    <span>${t(`verb.${entry.act.verb}`)} <span aria-hidden="true">${t('frame.seconds', { count })}</span></span>
    <${Button} kind="quiet" onClick=${() => app.undo(entry.act.id)}>${t('frame.undo')}<//>
  </p>`;
}

/** The time, again each second while it is needed. @param {boolean} isNeeded */
export function useSeconds(isNeeded) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isNeeded) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isNeeded]);
  return now;
}

/**
 * One screen. `back`: the path to go back to. `footer`: its main buttons, where a thumb reaches them.
 * @param {{title: string, back?: string, footer?: any, t: Text, children?: any}} props
 */
export function Screen({ title, back, footer, t, children }) {
  return html`
    <header class="top">
      ${back && html`<a class="back" href=${`#${back}`}><span class="visually-hidden">${t('frame.back')}</span></a>`}
      <h1 tabindex="-1">${title}</h1>
    </header>
    <main>${children}</main>
    ${footer && html`<footer class="actions">${footer}</footer>`}`;
}

/**
 * A button, 56 px high. `kind`: primary, quiet or danger; the default is in between.
 * @param {{kind?: 'primary' | 'quiet' | 'danger', onClick?: () => void, disabled?: boolean, type?: string, children?: any}} props
 */
export function Button({ kind, onClick, disabled, type = 'button', children }) {
  return html`<button type=${type} class=${kind ?? ''} disabled=${disabled} onClick=${onClick}>${children}</button>`;
}

/**
 * A button that must be pressed for 0.6 seconds, for acts that end something. With a keyboard, one press is enough:
 * fingers touch a screen by mistake, not a key.
 * @param {{kind?: 'primary' | 'danger', onHeld: () => void, disabled?: boolean, hint: string, children?: any}} props
 */
export function HoldButton({ kind = 'primary', onHeld, disabled, hint, children }) {
  const timer = useRef(/** @type {any} */ (null));
  const [isPressed, setPressed] = useState(false);
  function begin() {
    setPressed(true);
    timer.current = setTimeout(() => { end(); onHeld(); }, HOLD_MS);
  }
  function end() {
    clearTimeout(timer.current);
    setPressed(false);
  }
  return html`<button type="button" class=${`hold ${kind} ${isPressed ? 'pressed' : ''}`} disabled=${disabled}
    onPointerDown=${begin} onPointerUp=${end} onPointerLeave=${end} onPointerCancel=${end}
    onContextMenu=${(/** @type {Event} */ event) => event.preventDefault()}
    onClick=${(/** @type {MouseEvent} */ event) => { if (event.detail === 0) onHeld(); }}>
    ${children}<small>${hint}</small>
  </button>`;
}
