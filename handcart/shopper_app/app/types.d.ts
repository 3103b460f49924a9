/** What the server and the app exchange, and what the app keeps. Browsers never load this file. */

export interface Run {
  version: string;
  now: string;
  batches: Batch[];
  removed: Removed[];
  shifts: Shift[];
}

/** A planned shift. `where` and `time_zone` are empty if it has no store. */
export interface Shift {
  starts_at: string;
  ends_at: string;
  where: string;
  time_zone: string;
}

export interface Batch {
  id: string;
  /** "<retailer's slug>/<batch id>": acts name a batch so. */
  subject: string;
  retailer: { slug: string; name: string };
  type: 'delivery' | 'pickup' | 'delivery_only' | 'runner_customer';
  state: string;
  is_accepted: boolean;
  window: { starts_at: string; ends_at: string };
  store: Store;
  /** What the retailer asks for at the door. `legal_age`: for alcohol. */
  needs: {
    door_photo: boolean;
    legal_age: number;
    alcohol_from_hour: number;
    alcohol_until_hour: number;
  };
  /** What the labels of the stores' scales have. */
  scale_codes: 'price' | 'weight';
  /** How long the shopper waits for the customer's answer to a replacement. */
  answer_minutes: number;
  orders: Order[];
  last_act: string | null;
}

export interface Store {
  location_code: string;
  name: string;
  address: string;
  time_zone: string;
  latitude: number;
  longitude: number;
}

export interface Order {
  id: string;
  letter: string;
  kind: string;
  status: string;
  version: number;
  units: number;
  has_alcohol: boolean;
  is_heavy: boolean;
  leave_unattended: boolean;
  tip_cents: number;
  is_member: boolean;
  customer: { first_name: string };
  special_instructions: string;
  /** Only while the order is on its way to the door. */
  door: Door | null;
  /** Only while a pickup order is brought out, and if its customer has said anything. */
  car: Car | null;
  /** The customer says the last four digits of the phone number. */
  needs_code: boolean;
  /** On the order's page. */
  signature: 'none' | 'needed' | 'signed';
  bags: Bag[];
  bag_label: string | null;
  bag_scan_codes: string[];
  is_staged: boolean;
  /** Its bags were checked before they leave the store. */
  is_verified: boolean;
  bag_count: number | null;
  chat: Chat;
  lines: Line[];
}

export interface Chat {
  is_open: boolean;
  /** How many messages of the customer the shopper has not read. */
  unread: number;
  messages: ChatMessage[];
}

export interface ChatMessage {
  /** Empty as long as only this device has the message. */
  id: string;
  sender: 'customer' | 'shopper';
  phrase: string | null;
  text: string | null;
  /** Its address; empty if it has not come yet. */
  picture: string | null;
  at: string;
  is_read: boolean;
  /** The act with which this shopper wrote it. */
  act_id: string | null;
}

export interface Door {
  address: string;
  latitude: number | null;
  longitude: number | null;
  phone: string | null;
}

/** Empty where nothing is known. `delegate`: comes for the customer. */
export interface Car {
  model: string;
  vehicle_type: '' | 'hatchback' | 'minivan' | 'sedan' | 'suv' | 'truck' | 'other';
  color: string;
  license_plate: string;
  delegate: string;
}

export interface Bag {
  code: string;
  kind: 'ambient' | 'cold' | 'frozen' | 'hot';
  place?: string | null;
}

export interface Line {
  line_num: string;
  version: number;
  status: 'not_found' | 'found' | 'replaced' | 'to_refund';
  qty: number;
  qty_unit: string;
  count: number | null;
  weight: number | null;
  product: Product;
  special_instructions: string;
  replacement_policy: string;
  replacement_items: Product[];
  suggestions: Product[];
  delivered_count: number | null;
  delivered_weight: number | null;
  substitute: Product | null;
  is_alcohol: boolean;
  is_heavy: boolean;
  is_added: boolean;
  picked_by: string | null;
  /** Null without a replacement. */
  replacement_status: 'PENDING' | 'APPROVED' | 'REJECTED' | null;
  proposed_at: string | null;
  /** The replacement that the customer refused last. */
  refused: Product | null;
  /** What the customer wants in its place. */
  alternative: { product: Product; count: number | null; weight: number | null } | null;
}

export interface Product {
  upc: string | null;
  rrc: string | null;
  name: string;
  cost_unit: string;
  /** The typical weight of a piece, in the cost unit. */
  par_weight: number | null;
  /** Of one cost unit; 0 if unknown. */
  price_cents: number;
  image_url: string | null;
  department: string | null;
  aisle: string | null;
  shelf: string | null;
  temperature: 'ambient' | 'cold' | 'frozen' | 'hot' | null;
  is_alcohol: boolean;
}

export interface Removed {
  batch_id: string;
  retailer: { slug: string; name: string };
  order_ids: string[];
  kind: 'unassigned' | 'canceled' | 'dropped_out';
  reason: string | null;
  by: string | null;
  at: string;
  goods: 'put_back' | 'hand_to_store' | 'keep_for_next' | 'nothing';
}

export interface Me {
  id: string;
  name: string;
  locale: string;
  languages: string[];
  skills: string[];
  vehicle: string;
  device: Device;
  devices: Device[];
  is_locked: boolean;
}

export interface Device {
  id: string;
  name: string;
  seen_at?: string;
  is_this?: boolean;
}

export type Verb =
  | 'accept' | 'start' | 'find' | 'replace' | 'refund' | 'put_back' | 'add' | 'review' | 'checkout' | 'bag' | 'check_bags' | 'stage'
  | 'arrive' | 'verify_bags' | 'leave' | 'cannot_reach' | 'deliver' | 'bring_back' | 'returned' | 'drop_out'
  | 'say' | 'read';

/** An act as the server gets it. `after` is the act before it that this device made on the same subject. */
export interface Act {
  id: string;
  subject: string;
  after: string | null;
  verb: Verb;
  at: string;
  seen_version: number | null;
  body: Record<string, any>;
}

export interface Result {
  id: string;
  outcome: 'applied' | 'same' | 'refused' | 'later';
  rule: string | null;
  message: string | null;
  /** What to do with the goods of work that was taken away. */
  goods: Removed['goods'] | null;
  now: Batch | null;
}

/**
 * An act in the queue of this device. `held`: it can still be undone, until `held_until` (milliseconds since 1970).
 * `superseded`: undone. `is_shown`: it was sent, and the run that the server sent last may not contain it yet.
 */
export interface Entry {
  seq?: number;
  act: Act;
  state: 'held' | 'queued' | 'sending' | 'sent' | 'refused' | 'superseded';
  held_until?: number;
  is_shown?: boolean;
  rule?: string | null;
  message?: string | null;
  goods?: Removed['goods'] | null;
  /** The server refused the call, not the act: it does not know the act, so the act can be sent again. */
  is_unknown?: boolean;
  settled_at?: number;
}

/** A picture in the queue. It belongs to the act whose id it has, whatever happens in between. */
export interface Picture {
  act_id: string;
  blob: Blob;
  state: 'queued' | 'refused';
  rule?: string | null;
  message?: string | null;
}

/** The shopper's passkeys. `options`: for a new one; null if none can be made at this address. */
export interface Passkeys {
  options: Record<string, any> | null;
  passkeys: { id: string; name: string; created_at: string; used_at: string | null }[];
}

export interface Settings {
  locale: string | null;
  theme: 'system' | 'light' | 'dark';
  sound: boolean;
  vibration: boolean;
  /** Whether the server is told where the phone is; null until the person has decided. */
  position: boolean | null;
}

/** Why the server does not take acts at the moment. */
export type Barrier = 'signed_out' | 'locked' | null;

/** What the device keeps besides acts and pictures. */
export interface Kept {
  run: Run | null;
  /** The ETag of the run, if it is as the server sent it. */
  run_tag: string | null;
  /** When the run arrived, by the clock of the device. */
  run_at?: number;
  me: Me | null;
  settings: Settings;
  barrier: Barrier;
  /** The last act of this device on each subject. */
  chains: Record<string, string>;
  /** In browsers without Web Locks: until when one window sends. */
  lease: { by: string; until: number } | null;
}

export interface Changes {
  put?: Entry[];
  keep?: Partial<Kept>;
  pictures?: Picture[];
  remove_entries?: number[];
  remove_pictures?: string[];
}

/** What a change reads and writes in one transaction. Pictures are not read. */
export interface State {
  kept: Kept;
  entries: Entry[];
}

export interface Storage {
  read(): Promise<State>;
  change(decide: (state: State) => Changes): Promise<State>;
  picture(actId: string): Promise<Picture | undefined>;
  pictures(): Promise<Picture[]>;
  wipe(): Promise<void>;
}

export interface ActOptions {
  /** Taken by the camera as proof of this act. */
  picture?: Blob;
}

export type Text = (key: string, values?: Record<string, string | number>) => string;

/** What every screen gets. `batch`, `order` and `line` are those that the path names, as this device knows them now. */
export interface ScreenProps {
  run: Run;
  batch: Batch;
  order: Order;
  line: Line;
  /** Queues an act of the path's batch, applies it to the run on this device, and returns its id. */
  act(verb: Verb, body?: Record<string, any>, options?: ActOptions): Promise<string>;
  go(path: string): void;
  t: Text;
  app: App;
}

/** What the screens that are not about one batch need. */
export interface App {
  kept: Kept;
  entries: Entry[];
  pictures: Picture[];
  isOnline: boolean;
  /** The browser does not give the app its position. */
  isDenied: boolean;
  brand: string;
  locale: string;
  /** The run with the unsent acts applied; empty before the first one has arrived. */
  run: Run;
  /** Queues an act of any batch. */
  act(batch: Batch, verb: Verb, body?: Record<string, any>, options?: ActOptions): Promise<string>;
  undo(actId: string): Promise<void>;
  dismiss(actId: string): Promise<void>;
  forgetPicture(actId: string): Promise<void>;
  again(actId: string): Promise<void>;
  send(): Promise<void>;
  change(settings: Partial<Settings>): Promise<void>;
  /** Calls the server. Rejects with a `Refused`, or a TypeError without a network. */
  call(method: string, path: string, body?: unknown): Promise<any>;
  /** Reads again who is signed in. */
  refresh(): Promise<void>;
  signOut(): Promise<void>;
  /** A sentence that a screen reader reads out. */
  say(sentence: string): void;
}
