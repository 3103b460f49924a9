// The shop works without this file: it says that the next page takes a while, makes the countdown tick,
// keeps an order's page up to date, and lets arrow keys walk the grid of times.
"use strict";

// The shop may have to wait for the platform, for up to ten seconds, before it can show the next page.
const waiting = document.getElementById("waiting");
let slow = 0;
const wait = (pressed) => {
  pressed?.setAttribute("aria-busy", "true");
  clearTimeout(slow);
  slow = setTimeout(() => (waiting.textContent = "One moment, please."), 700);
};
document.addEventListener("submit", (event) => wait(event.submitter));
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const isHere = !link || link.getAttribute("href").startsWith("#");
  if (!isHere && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey) wait(link);
});
addEventListener("pageshow", () => {
  clearTimeout(slow);
  waiting.textContent = "";
  document.querySelectorAll("a[aria-busy], button[aria-busy]").forEach((one) => one.removeAttribute("aria-busy"));
});

const countdown = document.getElementById("countdown");
if (countdown) {
  const end = performance.now() + 1000 * Number(countdown.dataset.seconds);
  const news = document.getElementById("hold-news");
  const text = document.getElementById("hold-text");
  let told = Infinity;

  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    countdown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    countdown.hidden = left === 0;
    countdown.classList.toggle("soon", left <= 120);
    if (left <= 120 && left > 0 && told > 120) news.textContent = "Two minutes left to order at this time.";
    if (left === 0 && told > 0) {
      text.textContent = "We no longer keep this time for you. You can still order: you get it if it is free.";
      if (told !== Infinity) news.textContent = text.textContent;
    }
    told = left;
    if (left === 0) clearInterval(timer);
  };
  const timer = setInterval(tick, 500);
  tick();
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
for (const grid of document.querySelectorAll("table.grid")) {
  grid.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (event.key === "Escape") document.activeElement.blur(); // closes the reason
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    event.preventDefault();
    for (let row = cell.parentElement, column = cell.cellIndex; ; ) {
      row = step[0] < 0 ? row.previousElementSibling : step[0] > 0 ? row.nextElementSibling : row;
      column += step[1];
      const next = row && column > 0 ? row.cells[column] : null;
      if (!next) return;
      const button = next.querySelector("button");
      if (button && button.offsetParent) return button.focus();
    }
  });
}

const order = document.getElementById("order");
if (order && order.dataset.from) {
  const version = () => order.firstElementChild.dataset.version;
  const isOver = () => order.firstElementChild.dataset.isOver !== undefined;
  const isBusy = () => document.hidden || order.contains(document.activeElement) || order.querySelector("details[open]");
  let shown = null;

  const look = async () => {
    const answer = await fetch(order.dataset.from).catch(() => null);
    const text = answer && answer.ok ? await answer.text() : shown;
    if (text !== shown && !isBusy()) {
      const before = order.querySelector("#status")?.textContent;
      order.innerHTML = text; // a piece of this very page, by the same template
      const now = order.querySelector("#status")?.textContent;
      if (now && now !== before) {
        document.getElementById("order-news").textContent = `Your order: ${now}`;
        document.querySelector("main > .notice")?.remove(); // "Your order is placed" is no longer the news
      }
      shown = text;
    }
  };

  const poll = async () => {
    if (!isBusy()) await look();
    if (!isOver()) setTimeout(poll, 2500);
  };

  // The shop says when something has happened, by the number of the order's version; nothing is asked until then.
  // A page that nobody sees holds no connection: browsers have few for each site.
  const listen = () => {
    let told = version();
    let source = null;
    let timer = 0;
    const catchUp = async () => {
      clearTimeout(timer);
      if (told !== version() && !isBusy()) await look();
      if (told !== version()) timer = setTimeout(catchUp, 1000);
    };
    const connect = () => {
      source?.close();
      if (document.hidden) return;
      source = new EventSource(order.dataset.news);
      source.onmessage = (event) => {
        told = event.data;
        catchUp();
      };
      source.onerror = () => {
        if (source.readyState !== EventSource.CLOSED) return; // it connects again by itself
        document.removeEventListener("visibilitychange", connect);
        poll();
      };
    };
    document.addEventListener("visibilitychange", connect);
    connect();
    // What the shopper writes is no news about the order.
    if (!isOver()) setInterval(() => !isBusy() && look(), 15000);
  };

  if (order.dataset.news) listen();
  else poll();
}
