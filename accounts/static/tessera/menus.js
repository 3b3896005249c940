// <details> menus close on Escape and on a click elsewhere, and give the focus back. One inside a form stays
// open while that form is used.
export function menus() {
  const open = () => document.querySelectorAll("details.menu[open]");
  const closeOthers = (event) => {
    for (const menu of open()) {
      if (!(menu.closest("form") ?? menu).contains(event.target)) menu.open = false;
    }
  };
  document.addEventListener("click", closeOthers);
  document.addEventListener("focusin", closeOthers);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
