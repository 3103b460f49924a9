/**
 * Sound and vibration: a short high tone for right, a long low one for wrong.
 *
 * @import {Settings} from './types'
 */

/** @type {AudioContext | undefined} */
let audio;

/** @param {Settings} settings */
export function right(settings) {
  tell(settings, 880, 0.08, [40]);
}

/** @param {Settings} settings */
export function wrong(settings) {
  tell(settings, 196, 0.35, [120, 60, 120]);
}

/** @param {Settings} settings @param {number} hertz @param {number} seconds @param {number[]} pattern */
function tell(settings, hertz, seconds, pattern) {
  if (settings.vibration) navigator.vibrate?.(pattern);
  if (!settings.sound) return;
  audio ??= new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0.2, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + seconds);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + seconds);
}
