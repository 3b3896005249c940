/** Say a sentence to screen readers; the same one twice is said twice. */
export function announce(sentence) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = sentence; }, 50);
}
