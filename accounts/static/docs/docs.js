"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// What Swagger UI lacks for assistive technology: landmarks and headings without a gap, a name for each choice
// of an example, and no link inside a button (opening an operation still changes the address).
const accessible = ({ React: { createElement: element } }) => ({
  wrapComponents: {
    InfoContainer: Original => props => element("section", { "aria-label": "About" }, element(Original, props)),
    operations: Original => props =>
      element("div", null, element("h2", { className: "hush" }, "Operations"), element(Original, props)),
    ExamplesSelect: Original => props =>
      element("label", null, element("span", { className: "hush" }, "Example"), element(Original, props)),
    DeepLink: () => ({ text }) => element("span", null, text),
  },
});

const place = document.getElementById("documentation");
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [accessible],
  layout: "BaseLayout",
  deepLinking: true,
  // A pasted credential is forgotten with the page.
  persistAuthorization: false,
  // The badge would send the document's address to another host.
  validatorUrl: null,
});
