// The permission picker while it is being used: search, presets, and the sentence that says what was ticked.
const SEPARATORS = /[\s,;]+/;

export function picker() {
  const root = document.querySelector("[data-picker]");
  if (!root) return;
  const boxes = [...root.querySelectorAll("input[name=permissions]")];
  const update = () => say(root, boxes);
  root.addEventListener("input", (event) => {
    if (event.target.matches("[data-find]")) find(root, event.target.value);
    else update();
  });
  root.querySelector("[data-find]").addEventListener("keydown", (event) => {
    // Enter in the search must not send the form around it.
    if (event.key === "Enter") event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    const level = event.target.closest("[data-level]");
    if (level) {
      for (const box of heldIn(level.closest("[data-group]"))) box.checked = isIn(box, level.dataset.level);
      update();
      return;
    }
    const preset = event.target.closest("[data-preset]");
    if (!preset) return;
    event.preventDefault();
    for (const box of boxes) box.checked = presetsOf(box).includes(preset.dataset.preset);
    update();
  });
  update();
}

const heldIn = (group) => [...group.querySelectorAll("input[name=permissions]:enabled")];
const isIn = (box, level) => level === "write" || (level === "read" && "reads" in box.dataset);
const presetsOf = (box) => box.closest("[data-presets]").dataset.presets.split(" ");

function find(root, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of root.querySelectorAll("[data-group]")) {
    let here = 0;
    for (const choice of group.querySelectorAll("[data-choice]")) {
      const text = choice.dataset.choice.toLowerCase();
      choice.hidden = !words.every((word) => text.includes(word));
      if (!choice.hidden) here += 1;
    }
    group.hidden = here === 0;
    shown += here;
  }
  for (const part of root.querySelectorAll("[data-part]")) part.hidden = !part.querySelector("[data-group]:not([hidden])");
  root.querySelector("[data-none]").hidden = shown > 0;
}

function say(root, boxes) {
  const ticked = boxes.filter((box) => box.checked);
  const words = document.querySelector("[data-sentence]");
  const sentence = sentenceOf(ticked, words.dataset.subject ?? "This token");
  if (words.textContent !== sentence) words.textContent = sentence;
  const held = boxes.filter((box) => !box.disabled);
  root.querySelector("[data-full-warning]").hidden = ticked.length < held.length;
  for (const level of root.querySelectorAll("[data-level]")) {
    const isChosen = heldIn(level.closest("[data-group]")).every((box) => box.checked === isIn(box, level.dataset.level));
    level.setAttribute("aria-pressed", isChosen);
  }
}

/** tokens/picker.py says the same on the server. */
function sentenceOf(ticked, subject) {
  const verbs = new Map();
  for (const box of ticked) {
    const only = identifiersOf(box);
    const rest = box.dataset.object + (only.length ? ` (only ${only.join(", ")})` : "");
    verbs.set(rest, [...(verbs.get(rest) ?? []), box.dataset.verb]);
  }
  if (!verbs.size) return `${subject} can do nothing yet. Choose what it may do.`;
  const parts = [...verbs].map(([rest, found]) => `${joined(found)} ${rest}`);
  return `${subject} can ${parts.join(", ")}, and nothing else.`;
}

function identifiersOf(box) {
  const typed = document.getElementById(`o-${box.value}`)?.value ?? "";
  const found = [...new Set(typed.split(SEPARATORS).filter(Boolean))];
  return found.includes("*") ? [] : found;
}

const joined = (words) => [words.slice(0, -1).join(", "), words.at(-1)].filter(Boolean).join(" and ");
