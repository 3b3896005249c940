import { localTimes } from "./times.js";

/** Buttons with data-dialog show their form's page in a dialog instead of going there. */
export function dialogs() {
  document.addEventListener("submit", async (event) => {
    if (!event.submitter?.matches("[data-dialog]")) return;
    event.preventDefault();
    const form = event.target;
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    const content = await confirmation(address);
    if (content) {
      show(content, event.submitter.closest("details")?.querySelector("summary"));
    } else {
      location.assign(address);
    }
  });
}

/** The #confirm part of a page, or null where the page says something else. */
async function confirmation(address) {
  try {
    const response = await fetch(address);
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.getElementById("confirm");
  } catch {
    return null;
  }
}

/** After a dialog that a menu opened, the focus is given to the menu's summary, because the menu has closed. */
function show(content, summary) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "confirm-heading");
  dialog.append(document.importNode(content, true));
  localTimes(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    summary?.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.body.append(dialog);
  // The browser keeps the focus inside, closes on Escape, and gives the focus back to the button.
  dialog.showModal();
}
