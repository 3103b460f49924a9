/** The screens by the first part of their address. */
import { Add } from './screens/add.js';
import { Arrive } from './screens/arrive.js';
import { Bags } from './screens/bags.js';
import { BringBack } from './screens/bring_back.js';
import { Chat } from './screens/chat.js';
import { CheckBags } from './screens/check_bags.js';
import { Door } from './screens/door.js';
import { Drive } from './screens/drive.js';
import { GiveBack } from './screens/give_back.js';
import { List } from './screens/list.js';
import { Pay } from './screens/pay.js';
import { ProductScreen } from './screens/product.js';
import { HandOver, Left } from './screens/proof.js';
import { Queue } from './screens/queue.js';
import { Refund } from './screens/refund.js';
import { Replace } from './screens/replace.js';
import { Returns } from './screens/returns.js';
import { Review } from './screens/review.js';
import { RunScreen } from './screens/run.js';
import { SettingsScreen } from './screens/settings.js';
import { Short } from './screens/short.js';
import { Stage } from './screens/stage.js';
import { Today } from './screens/today.js';

/** @type {Record<string, (props: import('./types').ScreenProps) => any>} */
export const SCREENS = {
  add: Add,
  arrive: Arrive,
  bags: Bags,
  bring_back: BringBack,
  chat: Chat,
  check_bags: CheckBags,
  door: Door,
  drive: Drive,
  give_back: GiveBack,
  handover: HandOver,
  left: Left,
  list: List,
  pay: Pay,
  product: ProductScreen,
  queue: Queue,
  refund: Refund,
  replace: Replace,
  returns: Returns,
  review: Review,
  run: RunScreen,
  settings: SettingsScreen,
  short: Short,
  stage: Stage,
  today: Today,
};
