/**
 * The part of a screen that scans: the camera, and hardware scanners that type.
 *
 * @import {Text} from './types'
 */
import { Button } from './frame.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from './html.js';
import { openCamera } from './scan.js';
import { wedge } from './wedge.js';

const TROUBLES = ['not_allowed', 'no_camera', 'busy', 'no_detector'];

// For this visit: whether the camera was open on the screen before, and whether a hardware scanner was used.
let isWanted = false;
let hasWedge = false;

/**
 * `onCode` gets each code that is scanned; its format is empty if a hardware scanner typed it.
 * @param {{formats: string[], onCode: (code: import('./scan.js').Code) => void, t: Text}} props
 */
export function Scanner({ formats, onCode, t }) {
  const [state, setState] = useState(isWanted ? 'opening' : 'closed');
  const [camera, setCamera] = useState(/** @type {import('./scan.js').Camera | null} */ (null));
  const [isLit, setLit] = useState(false);
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const latest = useRef(onCode);
  latest.current = onCode;
  const isOn = state === 'opening' || state === 'open';

  useEffect(() => {
    if (!isOn || !video.current) return undefined;
    let isCurrent = true;
    const opening = openCamera(video.current, { formats, onCode: (code) => latest.current(code) });
    opening.then(
      (opened) => { if (isCurrent) { setCamera(opened); setState('open'); } },
      (error) => {
        isWanted = false;
        if (isCurrent) setState(TROUBLES.includes(error.message) ? error.message : 'no_camera');
      },
    );
    return () => {
      isCurrent = false;
      setCamera(null);
      setLit(false);
      opening.then((opened) => opened.stop(), () => {});
    };
  }, [isOn]);

  function toggle() {
    isWanted = !isOn;
    setState(isOn ? 'closed' : 'opening');
  }

  function light() {
    camera?.torch(!isLit).then(() => setLit(!isLit), () => {});
  }

  return html`<div class="scanner">
    <${Keys} onCode=${(/** @type {string} */ text) => latest.current({ text, format: '' })} t=${t} />
    ${isOn && html`<div class=${`viewfinder ${formats.includes('pdf417') ? 'whole' : ''}`}>
      <video ref=${video} muted playsinline aria-hidden="true"></video><i></i>
      ${state === 'opening' && html`<p>${t('scan.opening')}</p>`}
    </div>`}
    ${TROUBLES.includes(state) && html`<p class="alert" role="alert">${t(`scan.${state}`)}</p>`}
    <div class="row">
      <${Button} kind=${isOn ? 'quiet' : ''} onClick=${toggle}>${t(isOn ? 'scan.close' : 'scan.open')}<//>
      ${camera?.hasTorch && html`<${Button} kind="quiet" onClick=${light}>${t(isLit ? 'scan.dark' : 'scan.light')}<//>`}
    </div>
  </div>`;
}

/**
 * Hears the keys of a hardware scanner on the whole screen. Once one was used, a field keeps the focus for it, without
 * a keyboard on the screen: some devices only type into fields.
 * @param {{onCode: (text: string) => void, t: Text}} props
 */
function Keys({ onCode, t }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isShown, show] = useState(hasWedge);
  const latest = useRef(onCode);
  latest.current = onCode;
  const keys = useMemo(() => wedge((text) => {
    hasWedge = true;
    show(true);
    latest.current(text);
  }), []);

  // Before the screen is painted: a scanner may type as soon as the person sees the screen.
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    function press(event) {
      const target = /** @type {HTMLElement} */ (event.target);
      if (target !== field.current && target.closest('input, textarea, select')) return;
      if (target.closest('button, a, summary') && (event.key === ' ' || event.key === 'Tab')) return;
      if (keys.press(event)) event.preventDefault();
    }
    document.addEventListener('keydown', press, true);
    return () => document.removeEventListener('keydown', press, true);
  }, []);
  useEffect(() => { if (isShown) field.current?.focus({ preventScroll: true }); }, [isShown]);

  /** @param {{target: any}} event */
  function take({ target }) {
    keys.add(target.value);
    target.value = '';
  }
  return isShown && html`<label class="wedge">${t('scan.ready')}
    <input ref=${field} inputmode="none" autocomplete="off" onInput=${take} />
  </label>`;
}
