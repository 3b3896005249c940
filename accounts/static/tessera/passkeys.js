// The browser's own dialogs say most of what goes wrong; the page says that nothing happened.
const note = document.querySelector("[data-passkey-error]");
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  if (note) note.hidden = false;
});
