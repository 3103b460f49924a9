/**
 * Reads barcodes with the rear camera. The detector (15 KB, and 410 KB of WebAssembly) is fetched when a camera is
 * first opened, from our own server; the service worker keeps it for later.
 *
 * @typedef {{text: string, format: string}} Code
 * @typedef {{stop: () => void, hasTorch: boolean, torch: (on: boolean) => Promise<void>}} Camera
 * @typedef {'not_allowed' | 'no_camera' | 'busy' | 'no_detector'} Trouble
 */

export const PRODUCTS = [
  'ean_13', 'ean_8', 'upc_a', 'upc_e', 'databar', 'databar_expanded', 'code_128', 'qr_code', 'data_matrix',
];
export const BAGS = ['code_128', 'qr_code', 'code_39', 'ean_13', 'itf', 'data_matrix'];
export const LICENCES = ['pdf417'];

// At 640 pixels, EAN takes seconds to read.
const VIDEO = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } };
const BETWEEN_FRAMES_MS = 60;
// The same code counts again after it was out of sight for so long.
const OUT_OF_SIGHT_MS = 1200;
// The part of the picture's height behind the aim band.
const BAND = 0.4;

/**
 * Opens the camera in a video element and calls `onCode` for each code that comes into sight. Throws an Error with a
 * `Trouble` as its message.
 * @param {HTMLVideoElement} video
 * @param {{formats: string[], onCode: (code: Code) => void}} options
 * @returns {Promise<Camera>}
 */
export async function openCamera(video, { formats, onCode }) {
  const stream = await cameraStream();
  const [track] = stream.getVideoTracks();
  let isOpen = true;
  const stop = () => {
    isOpen = false;
    closedAt = Date.now();
    stream.getTracks().forEach((each) => each.stop());
    video.srcObject = null;
  };
  try {
    video.srcObject = stream;
    await Promise.all([video.play(), focus(track)]);
    const detector = await detectorOf(formats);
    stillInSight(seen, closedAt, Date.now());
    const sight = inSight(onCode, seen);
    const part = formats === LICENCES ? 1 : BAND;
    const look = async () => {
      if (!isOpen) return;
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && document.visibilityState === 'visible') {
        const codes = await detector.detect(frame(video, part)).catch(() => []);
        if (isOpen) codes.forEach((code) => sight({ text: code.rawValue, format: code.format }, Date.now()));
      }
      setTimeout(look, BETWEEN_FRAMES_MS);
    };
    look();
  } catch (error) {
    stop();
    throw error;
  }
  return {
    stop,
    hasTorch: 'torch' in capabilities(track),
    torch: (on) => track.applyConstraints(/** @type {any} */ ({ advanced: [{ torch: on }] })),
  };
}

/** When each code was in sight last; kept from one screen to the next. @type {Map<string, number>} */
const seen = new Map();
let closedAt = 0;

/**
 * What was in sight when the camera closed counts as in sight when it opens again: the same piece is in front of it.
 * @param {Map<string, number>} seen
 * @param {number} closedAt
 * @param {number} now
 */
export function stillInSight(seen, closedAt, now) {
  const last = [...seen].filter(([, at]) => closedAt - at <= OUT_OF_SIGHT_MS);
  seen.clear();
  for (const [text] of last) seen.set(text, now);
}

/**
 * Passes a code on when it comes into sight; not again while it stays there.
 * @param {(code: Code) => void} onCode
 * @param {Map<string, number>} seen
 * @returns {(code: Code, now: number) => void}
 */
export function inSight(onCode, seen) {
  return (code, now) => {
    const before = seen.get(code.text);
    seen.set(code.text, now);
    if (before === undefined || now - before > OUT_OF_SIGHT_MS) onCode(code);
  };
}

/**
 * A code as an act names it. Of a hardware scanner, only the length tells the kind.
 * @param {Code} code
 */
export function asScan({ text, format }) {
  const kind = format || { 8: 'ean_8', 12: 'upc_a', 13: 'ean_13' }[text.length] || 'unknown';
  return { scanned_string: text, scanned_string_type: kind.replace('_', '') };
}

/** @returns {Promise<MediaStream>} */
async function cameraStream() {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error('no_camera');
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: VIDEO });
  } catch (error) {
    const { name } = /** @type {DOMException} */ (error);
    throw new Error(name === 'NotAllowedError' ? 'not_allowed' : name === 'NotReadableError' ? 'busy' : 'no_camera');
  }
}

/**
 * @param {string[]} formats
 * @returns {Promise<{detect: (image: HTMLCanvasElement) => Promise<{rawValue: string, format: string}[]>}>}
 */
async function detectorOf(formats) {
  try {
    const { BarcodeDetector, prepareZXingModule } = await import('../vendor/barcode-detector.js');
    const wasm = new URL('../vendor/zxing_reader.wasm', import.meta.url).href;
    await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
    return new BarcodeDetector({ formats: /** @type {any} */ (formats) });
  } catch {
    throw new Error('no_detector');
  }
}

/** @param {MediaStreamTrack} track */
async function focus(track) {
  if (!capabilities(track).focusMode?.includes('continuous')) return;
  await track.applyConstraints(/** @type {any} */ ({ advanced: [{ focusMode: 'continuous' }] })).catch(() => {});
}

/**
 * @param {MediaStreamTrack} track
 * @returns {any} Firefox has no getCapabilities; TypeScript does not know focusMode and torch.
 */
function capabilities(track) {
  return track.getCapabilities?.() ?? {};
}

const canvas = typeof document === 'undefined' ? null : document.createElement('canvas');

/**
 * The middle part of the present picture, over its whole width.
 * @param {HTMLVideoElement} video
 * @param {number} part of its height
 */
function frame(video, part) {
  const [width, height] = [video.videoWidth, Math.round(video.videoHeight * part)];
  const board = Object.assign(/** @type {HTMLCanvasElement} */ (canvas), { width, height });
  const context = board.getContext('2d', { willReadFrequently: true });
  context?.drawImage(video, 0, (video.videoHeight - height) / 2, width, height, 0, 0, width, height);
  return board;
}
