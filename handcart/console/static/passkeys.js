// A form with `data-passkey` asks the browser for a passkey, puts its JSON into the field `credential`, and is posted.
// Without this file, or in a browser without passkeys, the form stays hidden and the password is used.
const parsers = { create: "parseCreationOptionsFromJSON", get: "parseRequestOptionsFromJSON" };

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const kind = form.dataset.passkey;
  const parse = window.PublicKeyCredential?.[parsers[kind]];
  if (!parse) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    // once.js must not let the buttons rest: this submit posts nothing.
    event.stopImmediatePropagation();
    const failed = form.querySelector("[role=alert]");
    failed.hidden = true;
    try {
      const publicKey = parse.call(PublicKeyCredential, JSON.parse(form.dataset.options));
      const credential = await navigator.credentials[kind]({ publicKey });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
    } catch {
      failed.hidden = false;
      return;
    }
    form.requestSubmit();
  });
}

// A challenge is used once: a page brought back by the back button gets a new one.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
