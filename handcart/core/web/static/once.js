// A form is sent once: its buttons rest after the first submit. Every page works without this file.
document.addEventListener("submit", ({ target: form }) => {
  // Later, so that the pressed button's name and value are in the post.
  setTimeout(() => rest(form, true));
});

// A page brought back by the back button can be used again.
addEventListener("pageshow", () => {
  for (const form of document.forms) rest(form, false);
});

function rest(form, disabled) {
  for (const control of form.elements) {
    if (control.type === "submit") control.disabled = disabled;
  }
}
