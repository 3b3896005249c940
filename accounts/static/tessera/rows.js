// Further rows of a name and a value. Without scripts a page shows two empty ones each time that it is saved.
const MOST = 20;

export function rows() {
  for (const group of document.querySelectorAll("[data-rows]")) {
    const button = group.querySelector("[data-add-row]");
    button.addEventListener("click", () => add(group, button));
    hideIfFull(group, button);
  }
}

function add(group, button) {
  const all = [...group.querySelectorAll("[data-row]")];
  const row = all.at(-1).cloneNode(true);
  for (const label of row.querySelectorAll("label")) {
    label.htmlFor = next(label.htmlFor, all.length);
    label.textContent = next(label.textContent, all.length);
  }
  for (const input of row.querySelectorAll("input")) {
    input.id = next(input.id, all.length);
    input.value = "";
  }
  all.at(-1).after(row);
  row.querySelector("input").focus();
  hideIfFull(group, button);
}

const next = (text, count) => text.replace(/\d+$/, count + 1);

function hideIfFull(group, button) {
  button.hidden = group.querySelectorAll("[data-row]").length >= MOST;
}
