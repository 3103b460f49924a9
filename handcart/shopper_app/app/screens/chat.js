/** @import {App, ChatMessage, Entry, Order, ScreenProps, Text} from '../types' */
import { PHRASES } from '../chat.js';
import { Button, Screen } from '../frame.js';
import { html, useEffect, useMemo, useRef, useState } from '../html.js';
import { PictureField, nameOf } from '../parts.js';
import { path } from '../paths.js';
import { refusedOnes, unsent } from '../queue.js';
import { nextScreen } from '../steps.js';
import { reason, timeOfDay } from '../text.js';

const MOST_CHARACTERS = 1000;

/** What the customer and the shoppers write to each other about an order. @param {ScreenProps} props */
export function Chat({ batch, order, act, app, t }) {
  const { is_open: isOpen, messages } = order.chat;
  const newest = messages.findLast((one) => one.sender === 'customer' && !one.is_read)?.id;
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => { if (newest) act('read', { order: order.id, until: newest }); }, [newest]);
  useEffect(() => end.current?.scrollIntoView({ block: 'center' }), [messages.length]);

  const next = nextScreen(batch);
  const refused = refusedOnes(app.entries).filter(({ act: one }) => one.verb === 'say' && one.body.order === order.id);
  const footer = isOpen && html`<${Write} order=${order} act=${act} t=${t} />`;
  return html`<${Screen} title=${t('chat.title', { name: nameOf(order) })}
    back=${next && batch.is_accepted ? path(next, batch) : '/run'} footer=${footer} t=${t}>
    ${!messages.length && html`<p class="empty">${t('chat.empty')}</p>`}
    <ol class="chat">
      ${messages.map((one) => html`<${Message} key=${one.act_id ?? one.id} message=${one} order=${order} app=${app} t=${t} />`)}
    </ol>
    <span ref=${end}></span>
    ${refused.map((entry) => html`<section key=${entry.act.id} class="card refused" role="alert">
      <p dir="auto">${wordsOf(entry.act.body, t)}</p>
      <p>${reason(entry, t)}</p>
      <${Button} onClick=${() => app.dismiss(entry.act.id)}>${t('queue.dismiss')}<//>
    </section>`)}
    ${isOpen ? html`<${Phrases} order=${order} isDriving=${order.status === 'delivering'} act=${act} t=${t} />`
      : html`<p class="note">${t('chat.closed')}</p>`}
  <//>`;
}

/** @param {{message: ChatMessage, order: Order, app: App, t: Text}} props */
function Message({ message, order, app, t }) {
  const isMine = message.sender === 'shopper';
  const name = isMine ? t('chat.you') : nameOf(order);
  return html`<li class=${isMine ? 'mine' : 'theirs'}>
    <span class="visually-hidden">${name}: </span>
    ${(message.phrase || message.text) && html`<p dir="auto">${wordsOf(message, t)}</p>`}
    ${message.picture !== null && html`<${Picture} message=${message} isMine=${isMine} name=${name} app=${app} t=${t} />`}
    <small>${timeOfDay(message.at, app.locale)}${isMine && html` · ${stateOf(message, app.entries, t)}`}</small>
  </li>`;
}

/** @param {{message: ChatMessage, isMine: boolean, name: string, app: App, t: Text}} props */
function Picture({ message, isMine, name, app, t }) {
  const kept = app.pictures.find((one) => one.act_id === message.act_id)?.blob;
  const url = useMemo(() => kept && URL.createObjectURL(kept), [kept]);
  useEffect(() => () => { if (url) URL.revokeObjectURL(url); }, [url]);
  const source = url ?? message.picture;
  if (!source) return html`<p class="soft">${t('chat.picture_waits')}</p>`;
  return html`<img src=${source} alt=${isMine ? t('chat.picture_mine') : t('chat.picture_of', { name })} />`;
}

/** The state of a message: in the queue, sent, or read. @param {ChatMessage} message @param {Entry[]} entries @param {Text} t */
function stateOf(message, entries, t) {
  const waiting = unsent(entries).find((entry) => entry.act.id === message.act_id);
  if (waiting) return t(`queue.state_${waiting.state}`);
  return t(message.is_read ? 'chat.read' : 'chat.sent');
}

/** @param {{phrase?: string | null, text?: string | null}} said @param {Text} t */
function wordsOf({ phrase, text }, t) {
  return phrase ? t(`chat.phrase.${phrase}`) : text ?? '';
}

/** @param {{order: Order, isDriving: boolean, act: ScreenProps['act'], t: Text}} props */
function Phrases({ order, isDriving, act, t }) {
  const [first, later] = isDriving ? [PHRASES.driving, PHRASES.picking] : [PHRASES.picking, PHRASES.driving];
  /** @param {string[]} phrases */
  const rows = (phrases) => html`<div class="phrases">${phrases.map((phrase) => html`
    <${Button} key=${phrase} onClick=${() => act('say', { order: order.id, phrase })}>${t(`chat.phrase.${phrase}`)}<//>`)}
  </div>`;
  return html`<section>
    <h2 class="group">${t('chat.phrases')}</h2>
    ${rows([...first, ...PHRASES.always])}
    <details><summary>${t('chat.more')}</summary>${rows(later)}</details>
  </section>`;
}

/** A text, a picture, or both. @param {{order: Order, act: ScreenProps['act'], t: Text}} props */
function Write({ order, act, t }) {
  const [text, setText] = useState('');
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));

  /** @param {Event} event */
  async function send(event) {
    event.preventDefault();
    const said = text.trim();
    if (!said && !picture) return;
    setText('');
    setPicture(null);
    await act('say', { order: order.id, ...(said && { text: said }), ...(picture && { picture: true }) },
      { picture: picture ?? undefined });
  }
  return html`<form class="write" onSubmit=${send}>
    <label class="field">${t('chat.write')}
      <textarea rows="2" dir="auto" maxlength=${MOST_CHARACTERS} value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea>
    </label>
    <div class="row">
      <${PictureField} label=${t('chat.picture')} picture=${picture} onPicture=${setPicture} t=${t} />
      <${Button} kind="primary" type="submit" disabled=${!text.trim() && !picture}>${t('chat.send')}<//>
    </div>
  </form>`;
}
