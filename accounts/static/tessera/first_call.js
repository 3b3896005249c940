// On the page of a new token: says when the first call with it has come.
const EVERY_MS = 3000;
const MOST = 200;

export function firstCall() {
  const note = document.querySelector("[data-first-call]");
  if (note) wait(note, MOST);
}

function wait(note, left) {
  if (left > 0) setTimeout(() => ask(note, left), EVERY_MS);
}

async function ask(note, left) {
  if (document.hidden) return wait(note, left);
  const response = await fetch(note.dataset.firstCall).catch(() => null);
  const { at, address } = response?.ok ? await response.json() : {};
  if (!at) return wait(note, left - 1);
  const words = note.querySelector("[data-said]");
  words.textContent = words.dataset.said.replace("{address}", address ?? "an unknown address");
  note.classList.add("note-success");
}
