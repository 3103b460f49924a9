// The service worker. The server writes VERSION and FILES (paths with their hashes) above this line.
// It keeps the app's own files, never an answer of the API and never a picture.

const CACHE = `handcart-shopper-${VERSION}`;

/** Takes files from the older cache if they are the same, else from the server. All of one version, or none. */
async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(Object.entries(FILES).map(async ([path, integrity]) => {
    const request = new Request(path, { integrity, cache: 'no-cache', credentials: 'same-origin' });
    const response = await fetch(request);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await cache.put(path, response);
  }));
}

async function removeOldCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('handcart-shopper-') && name !== CACHE)
    .map((name) => caches.delete(name)));
  await clients.claim();
}

async function kept(path, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

addEventListener('install', (event) => event.waitUntil(install()));
addEventListener('activate', (event) => event.waitUntil(removeOldCaches()));
addEventListener('message', (event) => { if (event.data === 'take over') skipWaiting(); });
addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const path = pathname.replace(/\/$/, '');
  if (event.request.method === 'GET' && origin === location.origin && path in FILES) {
    event.respondWith(kept(path, event.request));
  }
});
