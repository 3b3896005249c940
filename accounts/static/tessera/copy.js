import { announce } from "./announce.js";

const SHOWN_FOR = 2000;

/** Buttons with data-copy put the text of the element of that id on the clipboard. */
export function copyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    if (await copied(source)) {
      announce(button.dataset.said);
      showCopied(button);
      source.dispatchEvent(new CustomEvent("copied", { bubbles: true }));
    } else {
      select(source);
      announce("The clipboard is blocked. The text is selected: copy it with Ctrl+C, or ⌘C on a Mac.");
    }
  });
}

/** The button itself says so for a moment, for those who look at it. */
function showCopied(button) {
  const label = button.querySelector("[data-label]");
  label.dataset.label ||= label.textContent;
  label.textContent = "Copied";
  button.classList.add("done");
  setTimeout(() => {
    label.textContent = label.dataset.label;
    button.classList.remove("done");
  }, SHOWN_FOR);
}

async function copied(source) {
  const text = "value" in source ? source.value : source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain http there is no clipboard object, and a browser may refuse one: the old way may still work.
    select(source);
    return document.execCommand("copy");
  }
}

function select(source) {
  source.focus();
  if (source.select) {
    source.select();
  } else {
    getSelection().selectAllChildren(source);
  }
}
