// Shows the push messages about an order, and opens the page that they are about.
addEventListener("push", (event) => {
  const { title, body, url } = event.data?.json() ?? {};
  const shown = registration.showNotification(title || "", { body: body || "", data: { url } });
  event.waitUntil(shown.then(() => report(url)));
});

// Tells the server that this browser shows messages, so that it needs no other channel.
async function report(url) {
  const { origin, pathname, search } = new URL(url || "", location.origin);
  if (origin === location.origin && search) {
    await fetch(`${pathname}/push/shown${search}`, { method: "POST" }).catch(() => {});
  }
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url } = event.notification.data ?? {};
  if (url && new URL(url).origin === location.origin) event.waitUntil(clients.openWindow(url.split("?")[0]));
});
