// Where the pages' list is one row that scrolls, as on a phone, the page one is on is brought into sight.
export function currentPlace() {
  const side = document.querySelector(".side");
  const here = side?.querySelector("[aria-current]");
  if (here) side.scrollLeft = here.offsetLeft - (side.clientWidth - here.offsetWidth) / 2;
}
