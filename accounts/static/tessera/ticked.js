// The bar above the table says how many rows are ticked; CSS shows it as soon as one is.
export function tickedRows() {
  const words = document.querySelector("[data-count]");
  if (!words) return;
  const count = () => {
    const ticked = document.querySelectorAll("input[form=bulk]:checked").length;
    words.textContent = ticked === 1 ? "1 token ticked" : `${ticked} tokens ticked`;
  };
  document.addEventListener("change", count);
  count();
}
