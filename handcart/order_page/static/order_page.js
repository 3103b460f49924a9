// Makes the page live: it waits for news and fetches itself again. Without this file every form works as well.
const order = () => document.getElementById("order");
let news;

function listen() {
  news?.close();
  news = undefined;
  if (document.hidden || !window.EventSource) return;
  news = new EventSource(order().dataset.news);
  news.addEventListener("order", ({ data }) => {
    if (data !== order().dataset.version) fetchAgain();
  });
}

function fetchAgain() {
  window.htmx?.ajax("GET", order().dataset.page, { target: "#order", select: "#order", swap: "outerMorph" });
}

// A page that nobody looks at has no stream. When it is seen again, the stream begins with the newest version.
document.addEventListener("visibilitychange", listen);
addEventListener("pageshow", listen);
addEventListener("pagehide", () => news?.close());

// How old a position is, and whether there are too many streams, no stream says.
setInterval(() => {
  if (document.hidden) return;
  if (news?.readyState === EventSource.CLOSED) fetchAgain();
  else if (document.querySelector(".plan")) fetchAgain();
}, 30_000);

// The customer has read the chat when its end was in view.
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) read(target.parentElement);
});

function watch() {
  seen.disconnect();
  const last = document.querySelector(".chat[data-unread] > :last-child");
  if (last) seen.observe(last);
}

function read({ dataset }) {
  if (!("unread" in dataset)) return;
  delete dataset.unread;
  fetch(dataset.read, {
    method: "POST",
    body: new URLSearchParams({ form_token: dataset.token, until: dataset.until }),
  });
}

document.addEventListener("htmx:after:swap", watch);
watch();

// The signature is drawn on a canvas; the form sends its strokes. Without a drawing, the typed name is the signature.
let signing;

function offerSignature() {
  const pad = document.getElementById("pad");
  if (!pad || !pad.hidden) return;
  if (!window.SignaturePad) {
    // The page became one to sign on while it was open.
    if (!document.querySelector('script[src*="signature_pad"]')) location.reload();
    return;
  }
  pad.hidden = false;
  const canvas = pad.querySelector("canvas");
  signing = new SignaturePad(canvas, { penColor: getComputedStyle(pad).color });
  pad.querySelector("button").onclick = () => signing.clear();
}

document.addEventListener("formdata", ({ target, formData }) => {
  if (!target.closest("#signature") || !signing || signing.isEmpty()) return;
  const { width, height } = document.querySelector("#pad canvas").getBoundingClientRect();
  const { dataset } = document.getElementById("pad");
  const [wide, high] = [dataset.width / width, dataset.height / height];
  const inside = (value, most) => Math.max(0, Math.min(Number(most), Math.round(value)));
  const strokes = signing.toData().map(({ points }) =>
    points.flatMap(({ x, y }) => [inside(x * wide, dataset.width), inside(y * high, dataset.height)]));
  formData.set("strokes", JSON.stringify(strokes));
});

// Push messages: the button is there only where the browser has them, and has not said no.
function offerPush() {
  const form = document.getElementById("push");
  if (!form || !navigator.serviceWorker || !window.PushManager || Notification.permission === "denied") return;
  form.hidden = false;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "push" || form.elements.endpoint) return;
  event.preventDefault();
  const worker = await navigator.serviceWorker.register(form.dataset.worker);
  await active(worker);
  const { key } = await (await fetch(form.dataset.key)).json();
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }).catch(() => null);
  if (!made) return void (form.hidden = true);
  const { endpoint, keys } = made.toJSON();
  for (const [name, value] of Object.entries({ endpoint, ...keys })) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
    form.append(field);
  }
  form.submit();
});

const active = (worker) =>
  new Promise((resolve) => {
    const coming = worker.installing ?? worker.waiting;
    if (worker.active || !coming) resolve();
    else coming.addEventListener("statechange", () => coming.state === "activated" && resolve());
  });

document.addEventListener("htmx:after:swap", offerPush);
offerPush();
document.addEventListener("htmx:after:swap", offerSignature);
offerSignature();
