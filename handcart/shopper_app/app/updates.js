/**
 * The service worker, which makes the app open offline, and new versions of the app.
 *
 * @import {Storage} from './types'
 */

/**
 * Registers the service worker. A new version takes over when no act is being sent, and the page loads again.
 * @param {Storage} storage
 */
export async function keepUpToDate(storage) {
  if (!navigator.serviceWorker) return;
  const hadWorker = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener('controllerchange', () => { if (hadWorker) location.reload(); });
  const registration = await navigator.serviceWorker.register('/shopper/sw.js', { scope: '/shopper' });

  async function takeOver() {
    const { waiting } = registration;
    if (!waiting) return;
    const { entries } = await storage.read();
    if (!entries.some((entry) => entry.state === 'sending' || entry.state === 'held')) waiting.postMessage('take over');
  }

  // Only when the shopper comes back to the app: a page that loads again in the middle of a count loses the count.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) takeOver();
    else registration.update().catch(() => {});
  });
  await takeOver();
}
