"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const { documentElement: root } = document;
const follow = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
dark.addEventListener("change", follow);
follow();

// The parts of Swagger UI inside the page's own <main>, which its own layout would nest a second one in.
const layout = ({ React: { createElement: element } }) => ({
  components: {
    PageLayout: ({ getComponent, specSelectors }) => {
      const part = (name, isConnected = true) => element(getComponent(name, isConnected), { key: name });
      const status = specSelectors.loadingStatus();
      if (status === "failed") return element("p", { className: "note note-error" }, "The OpenAPI document could not be loaded. Load the page again.");
      if (status !== "success") return element("p", { className: "aside" }, "Loading the operations…");
      return element(
        "div",
        { className: "swagger-ui" },
        part("SvgAssets", false),
        part("InfoContainer"),
        element("div", { className: "scheme-container" }, part("AuthorizeBtnContainer")),
        part("operations"),
        part("Models"),
      );
    },
  },
});

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
  plugins: [layout, accessible],
  layout: "PageLayout",
  deepLinking: true,
  // A pasted credential is forgotten with the page.
  persistAuthorization: false,
  // The badge would send the document's address to another host.
  validatorUrl: null,
});
