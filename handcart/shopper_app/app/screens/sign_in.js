/** @import {ScreenProps} from '../types' */
import { Button, Screen } from '../frame.js';
import { html } from '../html.js';
import { unsent } from '../queue.js';

/** This device is not signed in, or no longer. Acts that it has not sent are kept. @param {ScreenProps} props */
export function SignIn({ app, go, t }) {
  const count = unsent(app.entries).length + app.pictures.length;
  return html`<${Screen} title=${t('sign_in.title')} t=${t}>
    <p>${t('sign_in.how', { brand: app.brand })}</p>
    ${count > 0 && html`<p role="status"><strong>${t('sign_in.kept', { count })}</strong></p>
      <${Button} onClick=${() => go('/queue')}>${t('sign_in.queue')}<//>`}
    <${Button} kind="primary" onClick=${app.refresh}>${t('sign_in.again')}<//>
  <//>`;
}
