/**
 * What the device keeps: the run, the queue of acts, pictures, settings. No tokens: the browser holds the session's
 * cookie where scripts cannot read it.
 *
 * @import {Changes, Kept, State, Storage} from './types'
 */
import { openDB } from '../vendor/idb.js';

/** @type {Kept} */
const NOTHING = {
  run: null, run_tag: null, me: null, barrier: null, chains: {}, lease: null,
  settings: { locale: null, theme: 'system', sound: true, vibration: true, position: null },
};

/**
 * Opens the store. `changed` is called when another window of the app changed it.
 * @param {() => void} changed
 * @returns {Promise<Storage>}
 */
export async function openStore(changed) {
  const db = await openDB('handcart-shopper', 1, {
    upgrade(made) {
      made.createObjectStore('kept');
      made.createObjectStore('entries', { keyPath: 'seq', autoIncrement: true });
      made.createObjectStore('pictures', { keyPath: 'act_id' });
    },
    // The browser or the person deleted what this site stored, for example by signing out in another window.
    terminated: () => location.reload(),
  });
  const channel = new BroadcastChannel('handcart-shopper');
  channel.onmessage = changed;

  /** @param {any} tx @returns {Promise<State>} */
  async function readIn(tx) {
    const kept = tx.objectStore('kept');
    const [names, values, entries] = await Promise.all(
      [kept.getAllKeys(), kept.getAll(), tx.objectStore('entries').getAll()]);
    const found = Object.fromEntries(names.map((/** @type {string} */ name, /** @type {number} */ i) => [name, values[i]]));
    return { kept: { ...NOTHING, ...found }, entries };
  }

  return {
    read: () => readIn(db.transaction(['kept', 'entries'])),

    async change(decide) {
      const tx = db.transaction(['kept', 'entries', 'pictures'], 'readwrite', { durability: 'strict' });
      /** @type {Changes} */
      let changes;
      try {
        changes = decide(await readIn(tx));
      } catch (error) {
        tx.abort();
        await tx.done.catch(() => {});
        throw error;
      }
      for (const entry of changes.put ?? []) tx.objectStore('entries').put(entry);
      for (const seq of changes.remove_entries ?? []) tx.objectStore('entries').delete(seq);
      for (const picture of changes.pictures ?? []) tx.objectStore('pictures').put(picture);
      for (const id of changes.remove_pictures ?? []) tx.objectStore('pictures').delete(id);
      for (const [name, value] of Object.entries(changes.keep ?? {})) tx.objectStore('kept').put(value, name);
      const state = await readIn(tx);
      await tx.done;
      channel.postMessage('changed');
      return state;
    },

    picture: (actId) => db.get('pictures', actId),
    pictures: () => db.getAll('pictures'),

    async wipe() {
      const tx = db.transaction(['kept', 'entries', 'pictures'], 'readwrite');
      for (const name of ['kept', 'entries', 'pictures']) tx.objectStore(name).clear();
      await tx.done;
      channel.postMessage('changed');
    },
  };
}
