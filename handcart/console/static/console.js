// Keys, and pages that fetch themselves again when there is news. Every page works without this file.
const main = () => document.getElementById("main");
const keys = document.getElementById("keys");

// Rows: of tables the first link, of boards the links that say so.
const rows = () =>
  [...main().querySelectorAll("tbody tr, [data-row]")]
    .map((row) => row.querySelector("a[href]"))
    .filter((link) => link?.checkVisibility());

const shortcuts = document.querySelector(".shortcuts");
if (shortcuts) {
  shortcuts.hidden = false;
  shortcuts.addEventListener("click", () => keys.showModal());
  keys.querySelector("button").addEventListener("click", () => keys.close());
}

function move(steps) {
  const links = rows();
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? (steps > 0 ? 0 : links.length - 1) : at + steps];
  next?.focus();
  next?.closest("tr, [data-row]").scrollIntoView({ block: "nearest" });
}

let goes = -Infinity; // when g was pressed

function go(letter) {
  document.querySelector(`.column [data-letter="${CSS.escape(letter)}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  const isField = target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (isField || event.ctrlKey || event.metaKey || event.altKey || keys?.open) return;
  const isRow = rows().includes(target);
  if (event.timeStamp - goes < 1500) {
    goes = -Infinity;
    go(key);
  } else if (key === "g") goes = event.timeStamp;
  else if (key === "/") main().querySelector("input[type=search], [role=search] input:not([type=hidden])")?.focus();
  else if (key === "?") keys?.showModal();
  else if (key === "j" || (isRow && key === "ArrowDown")) move(1);
  else if (key === "k" || (isRow && key === "ArrowUp")) move(-1);
  else return;
  event.preventDefault();
});

// News: the stream says the newest version of what the page shows. A page that shows another one fetches itself again.
const meta = document.querySelector("meta[name=news]");
let version = meta?.dataset.version;
let stream;
let waits = false; // there is news, but a form has text that was not sent
let fetching = false;
let etag; // of what was fetched last
let again = false; // there was more news while the page fetched itself

function listen() {
  stream?.close();
  stream = undefined;
  if (!meta || document.hidden) return;
  stream = new EventSource(meta.content);
  stream.addEventListener("version", ({ data }) => {
    if (data === version) return;
    version = data;
    refresh();
  });
}

function isChanged({ type, value, defaultValue, checked, defaultChecked, options }) {
  if (options) {
    const all = [...options];
    const chosen = all.filter((one) => one.defaultSelected);
    return all.some((one) => one.selected !== (chosen.length ? one.defaultSelected : one.index === 0));
  }
  if (type === "hidden" || type === "submit" || type === "button") return false;
  return type === "checkbox" || type === "radio" ? checked !== defaultChecked : value !== defaultValue;
}

const isWriting = () => [...main().querySelectorAll("form")].some((form) => [...form.elements].some(isChanged));

async function refresh() {
  waits = isWriting();
  document.getElementById("news").hidden = !waits;
  if (waits) return;
  if (fetching) return void (again = true);
  fetching = true;
  try {
    const answer = await fetch(location.href, { redirect: "manual", headers: etag ? { "If-None-Match": etag } : {} });
    if (answer.type === "opaqueredirect") return location.reload(); // signed out
    if (answer.ok) {
      etag = answer.headers.get("etag");
      const text = await answer.text();
      // What began to be written meanwhile stays.
      if (isWriting()) return void (waits = true);
      await htmx.swap({ sourceElement: document.body, target: main(), text, swap: "outerMorph", select: "#main" });
    }
  } catch {
    waits = true; // no network: tried again
  } finally {
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

// A page that nobody looks at has no stream. When it is seen again, the stream begins with the newest version.
document.addEventListener("visibilitychange", listen);
addEventListener("pageshow", listen);
addEventListener("pagehide", () => stream?.close());

// What waits is shown as soon as no form has text. Not all that a page shows is part of its version.
if (meta) {
  setInterval(() => !document.hidden && waits && refresh(), 3_000);
  setInterval(() => !document.hidden && refresh(), 30_000);
}
