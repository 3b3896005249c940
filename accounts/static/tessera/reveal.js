// The page of a new token is left by copying it, or by saying that one won't.
export function reveal() {
  const page = document.querySelector("[data-reveal]");
  if (!page) return;
  const field = document.getElementById("secret");
  const close = page.querySelector("[data-close-reveal]");
  const help = document.getElementById("secret-help");
  const hold = (event) => event.preventDefault();
  const letGo = () => removeEventListener("beforeunload", hold);

  addEventListener("beforeunload", hold);
  page.querySelector("[data-copy=secret]").focus();
  const copied = () => {
    letGo();
    close.textContent = close.dataset.done;
    close.classList.add("primary");
    page.classList.add("copied");
    help.textContent = help.dataset.copied;
  };
  field.addEventListener("copied", copied);
  field.addEventListener("copy", copied);
  field.addEventListener("focus", () => field.select());
  close.addEventListener("click", letGo);
  // A page that the browser kept for its Back button would still hold the secret.
  addEventListener("pagehide", () => { field.value = ""; });
}
