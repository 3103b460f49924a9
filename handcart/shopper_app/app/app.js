/**
 * The shopper's app. How it works:
 *
 * - `screens.js` has the table of screens. A screen is a function that gets `ScreenProps` (`types.d.ts`) and returns
 *   `html`. Its address is `#/<screen>/<retailer>/<batch>/<order>/<line>`; `path()` in `paths.js` makes it, `go()`
 *   opens it. A screen whose batch, order or line is missing is never called: the app shows what happened to the work.
 * - `act(verb, body, {picture})` queues an act of the screen's batch and applies it to the run at once (`apply.js`).
 *   The screen's `run`, `batch`, `order` and `line` are the server's with all unsent acts applied.
 * - `sync.js` sends the queue. `queue.js` has its rules as plain data, `store.js` keeps it.
 * - `frame.js` has what all screens look like: `Screen`, `Button`, `HoldButton`, `Sheet`.
 * - Texts are in `texts/<locale>.json`, sorted by key; `t(key, values)` finds them. Keys begin with the screen's name.
 * - The server lists the files of this folder by itself: a new module needs no entry anywhere.
 *
 * @import {App as AppState, Batch, Picture, State, Storage, Text, Verb} from './types'
 */
import { Refused, call, send } from './api.js';
import { localRun } from './apply.js';
import { Frame } from './frame.js';
import { html, render, useEffect, useErrorBoundary, useMemo, useState } from './html.js';
import { read } from './paths.js';
import { added, requeued, undone } from './queue.js';
import { SCREENS } from './screens.js';
import { Broken } from './screens/broken.js';
import { Gone } from './screens/gone.js';
import { SignIn } from './screens/sign_in.js';
import { Unlock } from './screens/unlock.js';
import { openStore } from './store.js';
import { createSync, onlyWindow } from './sync.js';
import { chooseLocale, loadTexts, translator } from './text.js';
import { keepUpToDate } from './updates.js';
import { newId } from './ids.js';
import { createTracker } from './position.js';

const BRAND = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name=application-name]')).content;

/** @param {{storage: Storage, sync: ReturnType<typeof createSync>, tracker: ReturnType<typeof createTracker>, first: State, hear: Hear}} props */
function App({ storage, sync, tracker, first, hear }) {
  const [state, setState] = useState(first);
  const [pictures, setPictures] = useState(/** @type {Picture[]} */ ([]));
  const [isOnline, setOnline] = useState(navigator.onLine);
  const [address, setAddress] = useState(location.hash);
  const [said, say] = useState('');
  const [isDenied, setDenied] = useState(false);
  const { kept, entries } = state;
  const locale = chooseLocale([kept.settings.locale, kept.me?.locale, ...navigator.languages]);
  const t = useTexts(locale);
  const run = useMemo(() => kept.run && localRun(kept.run, entries), [kept.run, entries]);

  async function reread() {
    setState(await storage.read());
    setPictures(await storage.pictures());
  }
  useEffect(() => {
    hear.changed = reread;
    hear.ended = setOnline;
    hear.denied = setDenied;
    const moved = () => setAddress(location.hash);
    addEventListener('hashchange', moved);
    moved(); // the address may have changed between the first drawing and now
    reread();
    sync.start();
    return () => removeEventListener('hashchange', moved);
  }, []);
  useEffect(() => { document.documentElement.dataset.theme = kept.settings.theme; }, [kept.settings.theme]);
  useEffect(() => { document.documentElement.lang = locale; }, [locale]);
  useEffect(() => {
    const track = () => tracker.update(kept.settings.position === true && !kept.barrier, run);
    track();
    document.addEventListener('visibilitychange', track);
    return () => document.removeEventListener('visibilitychange', track);
  }, [run, kept.settings.position, kept.barrier]);
  useEffect(() => focusHeading(), [address, kept.barrier, Boolean(t)]);

  if (!t) return null;

  /** @type {AppState} */
  const app = {
    kept, entries, pictures, isOnline, isDenied, brand: BRAND, locale, say,
    run: run ?? { version: '', now: '', batches: [], removed: [], shifts: [] },
    async act(batch, verb, body = {}, { picture } = {}) {
      const made = { id: newId(), subject: batch.subject, verb, body, now: Date.now() };
      await storage.change((now) => added(now, made, picture));
      await reread();
      sync.start();
      return made.id;
    },
    async undo(id) {
      await storage.change((now) => undone(now, id, Date.now()));
      await reread();
    },
    async dismiss(id) {
      const seqs = entries.filter((entry) => entry.act.id === id).flatMap((entry) => entry.seq ?? []);
      await storage.change(() => ({ remove_entries: seqs, remove_pictures: [id] }));
      await reread();
    },
    async forgetPicture(id) {
      await storage.change(() => ({ remove_pictures: [id] }));
      await reread();
    },
    async again(id) {
      await storage.change((now) => requeued(now, id));
      await reread();
      sync.start();
    },
    send: sync.start,
    async change(settings) {
      await storage.change((now) => ({ keep: { settings: { ...now.kept.settings, ...settings } } }));
      await reread();
    },
    call,
    async refresh() {
      await storage.change(await identified());
      await reread();
      sync.start();
    },
    async signOut() {
      // The answer makes the browser delete what this site stored, with the open database: hence the new page.
      await call('POST', '/sign-out', {});
      await storage.wipe().catch(() => {});
      location.replace('/shopper');
    },
  };
  return html`<${Frame} app=${app} address=${address} said=${said} go=${go} t=${t}>
    <${Boundary} app=${app} address=${address} t=${t}><${Place} app=${app} address=${address} t=${t} /><//>
  <//>`;
}

/** The screen that the address and the session call for. @param {{app: AppState, address: string, t: Text}} props */
function Place({ app, address, t }) {
  const found = read(address, app.run);
  const { batch } = found;
  /** @param {Verb} verb @param {Record<string, any>} [body] @param {import('./types').ActOptions} [options] */
  const act = (verb, body, options) => app.act(/** @type {Batch} */ (batch), verb, body, options);
  const props = { ...found, run: app.run, app, act, go, t };
  if (app.kept.barrier === 'signed_out' && found.screen !== 'queue') return html`<${SignIn} ...${props} />`;
  if (app.kept.barrier === 'locked') return html`<${Unlock} ...${props} />`;
  if (found.isMissing || !(found.screen in SCREENS)) return html`<${Gone} ...${props} />`;
  return html`<${SCREENS[found.screen]} key=${address} ...${props} />`;
}

/**
 * A screen that fails does not take the queue with it. It is tried again with another run, or at another address.
 * @param {{app: AppState, address: string, t: Text, children?: any}} props
 */
function Boundary({ app, address, t, children }) {
  const [error, forget] = useErrorBoundary((problem) => console.error(problem));
  useEffect(() => { if (error) forget(); }, [app.run.version, address]);
  return error ? html`<${Broken} app=${app} t=${t} error=${error} again=${() => { go('/today'); forget(); }} />` : children;
}

/** @param {string} locale @returns {Text | null} null until the texts are loaded */
function useTexts(locale) {
  const [loaded, setLoaded] = useState(/** @type {{locale: string, t: Text} | null} */ (null));
  useEffect(() => {
    loadTexts(locale).then((texts) => setLoaded({ locale, t: translator(texts, locale) }));
  }, [locale]);
  return loaded && loaded.t;
}

/** @param {string} path */
function go(path) {
  location.hash = path;
}

/** Moves the focus to the heading of a new screen, so that screen readers read it. */
function focusHeading() {
  const heading = document.querySelector('h1');
  scrollTo(0, 0);
  heading?.focus({ preventScroll: true });
}

/** What the server says about the person, as a change of the store. Without a network, nothing changes. */
async function identified() {
  try {
    const me = await call('GET', '/me');
    return () => ({ keep: { me, barrier: me.is_locked ? /** @type {const} */ ('locked') : null } });
  } catch (error) {
    const barrier = /** @type {const} */ (
      { 401: 'signed_out', 423: 'locked' })[error instanceof Refused ? error.status : 0];
    return () => (barrier ? { keep: { barrier } } : {});
  }
}

/** @typedef {{changed: () => void, ended: (isOnline: boolean) => void, denied: (isDenied: boolean) => void}} Hear */

async function start() {
  /** @type {Hear} */
  const hear = { changed() {}, ended() {}, denied() {} };
  const storage = await openStore(() => hear.changed());
  const now = () => Date.now();
  const sync = createSync({
    storage, send, now, random: Math.random, alone: onlyWindow(storage, newId(), now),
    ended: (isOnline) => { hear.ended(isOnline); hear.changed(); },
  });
  const tracker = createTracker({
    send, now, geolocation: navigator.geolocation, isInFront: () => !document.hidden, heard: (isDenied) => hear.denied(isDenied),
  });
  identified().then(storage.change).then(() => sync.start());
  addEventListener('online', () => sync.start());
  addEventListener('offline', () => hear.ended(false));
  document.addEventListener('visibilitychange', () => { if (!document.hidden) sync.start(); });
  const root = /** @type {HTMLElement} */ (document.getElementById('app'));
  render(html`<${App} storage=${storage} sync=${sync} tracker=${tracker} first=${await storage.read()} hear=${hear} />`, root);
  keepUpToDate(storage);
}

start();
