/** Passkeys of the browser: WebAuthn's options in, its answers out, both as JSON. */

const parsers = { create: 'parseCreationOptionsFromJSON', get: 'parseRequestOptionsFromJSON' };

/** Whether this browser can use a passkey for options of the server. @param {unknown} options */
export function canUse(options) {
  return Boolean(options) && parsers.create in (window.PublicKeyCredential ?? {});
}

/**
 * Makes or uses a passkey. Rejects if the person or the browser does not want to.
 * @param {'create' | 'get'} kind
 * @param {Record<string, any>} options
 * @returns {Promise<Record<string, any>>}
 */
export async function ask(kind, options) {
  const { PublicKeyCredential, navigator } = /** @type {any} */ (window);
  const publicKey = PublicKeyCredential[parsers[kind]](options);
  return (await navigator.credentials[kind]({ publicKey })).toJSON();
}
