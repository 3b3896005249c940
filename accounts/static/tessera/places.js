// Where the pages' list or the tabs are one row that scrolls, as on a phone, the current one is brought into sight.
export function currentPlace() {
  for (const row of document.querySelectorAll(".side, .tabs")) {
    const here = row.querySelector("[aria-current]");
    if (here) row.scrollLeft += here.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - here.offsetWidth) / 2;
  }
}
