/** The screens by the first part of their address. */
import { Queue } from './screens/queue.js';
import { RunScreen } from './screens/run.js';
import { SettingsScreen } from './screens/settings.js';
import { Today } from './screens/today.js';

/** @type {Record<string, (props: import('./types').ScreenProps) => any>} */
export const SCREENS = {
  queue: Queue,
  run: RunScreen,
  settings: SettingsScreen,
  today: Today,
};
