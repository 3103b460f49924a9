// Keeps a page of the store's app new, and sounds the alarm. Without this file every form works as well.
const store = () => document.getElementById("store");
const HELD_BY_HAND = ["keydown", "pointerdown", "input"];
const CHECK_MILLISECONDS = 30_000;
const BEEP_MILLISECONDS = 4_000;
let isUsed = false;
let news;

function listen() {
  news?.close();
  news = undefined;
  if (document.hidden || !window.EventSource) return;
  news = new EventSource(store().dataset.news);
  news.addEventListener("store", ({ data }) => {
    if (data !== store().dataset.version) fetchAgain();
  });
}

// A fetch that nobody's hand caused says so: it does not keep the tablet unlocked.
async function fetchAgain() {
  const headers = isUsed ? {} : { "x-by-itself": "1" };
  isUsed = false;
  const answer = await fetch(store().dataset.page, { headers }).catch(() => undefined);
  if (answer?.redirected) location.assign(answer.url);
  if (!answer?.ok || answer.redirected) return;
  const there = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = there.getElementById(part.id);
    if (newer && newer.outerHTML !== part.outerHTML) part.replaceWith(newer);
  }
  store().dataset.version = there.getElementById("store").dataset.version;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  ring();
}

for (const name of HELD_BY_HAND) addEventListener(name, () => { isUsed = true; }, { passive: true });
document.addEventListener("visibilitychange", listen);
addEventListener("pageshow", listen);
addEventListener("pagehide", () => news?.close());
setInterval(() => { if (!document.hidden) fetchAgain(); }, CHECK_MILLISECONDS);

// The alarm: two tones, again and again, as long as a customer waits for a runner.
let sound;
let ringing;

function ring() {
  const isWanted = "alarm" in document.getElementById("alarm").dataset;
  if (isWanted && !ringing) {
    ringing = setInterval(beep, BEEP_MILLISECONDS);
    beep();
  } else if (!isWanted && ringing) {
    clearInterval(ringing);
    ringing = undefined;
    document.getElementById("sound").hidden = true;
  }
}

function beep() {
  sound ??= window.AudioContext && new AudioContext();
  // A browser may want a touch before it plays a sound.
  document.getElementById("sound").hidden = sound?.state === "running";
  if (sound?.state !== "running") return;
  for (const [place, pitch] of [880, 660].entries()) {
    const tone = new OscillatorNode(sound, { frequency: pitch });
    const volume = new GainNode(sound, { gain: 0.25 });
    tone.connect(volume).connect(sound.destination);
    tone.start(sound.currentTime + place * 0.25);
    tone.stop(sound.currentTime + place * 0.25 + 0.2);
  }
}

document.querySelector("#sound button").addEventListener("click", async () => {
  await sound?.resume();
  beep();
});
ring();

// A scanner types: its codes go to the field for them, wherever the focus is, except in another field.
const scans = document.querySelector("[data-scans]");
if (scans && !matchMedia("(pointer: coarse)").matches && !document.querySelector("[autofocus]")) {
  const first = document.querySelector("form.card input:not([type=hidden])");
  (first ?? scans).focus({ preventScroll: true });
}

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
