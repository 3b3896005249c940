// What a page breaks: its policy, and what the eye would find, such as text too faint to read.
(() => {
  window.violated = [];
  addEventListener("securitypolicyviolation", (event) => {
    violated.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`.trim());
  });

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  const known = new Map();

  function rgba(color) {
    if (!known.has(color)) known.set(color, drawn(color));
    return known.get(color);
  }

  function drawn(color) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }

  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);

  function luminance(color) {
    const [r, g, b] = color.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function background(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  }

  function contrast(element) {
    const behind = background(element);
    const [one, two] = [luminance(over(rgba(getComputedStyle(element).color), behind)), luminance(behind)];
    return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  }

  const tag = (element) => `${element.outerHTML.split(">")[0]}>`.slice(0, 160);

  const shown = (element) => element.checkVisibility({ visibilityProperty: true })
    && !element.closest(".hush, .skip, :disabled");

  window.faint = () => {
    const found = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      if (!texts.currentNode.textContent.trim() || !shown(element)) continue;
      const ratio = contrast(element);
      if (ratio < 4.5) found.add(`${ratio.toFixed(2)} ${element.className || element.tagName}: ${element.textContent.trim().slice(0, 40)}`);
    }
    return [...found];
  };

  window.moving = () => [...document.querySelectorAll("*")]
    .filter((element) => getComputedStyle(element).transitionDuration !== "0s").map(tag);

  window.small = (least) => {
    const targets = document.querySelectorAll("button, select, input:not([type=hidden]), summary, nav a, a.button");
    // A box over the element, such as a summary's, takes its clicks.
    const overlaid = (element) => {
      const { position, height } = getComputedStyle(element, "::after");
      return position === "absolute" ? parseFloat(height) || 0 : 0;
    };
    return [...targets].filter(shown).map((element) => {
      // A check box or radio button is hit through the label around it or beside it.
      const label = ["checkbox", "radio"].includes(element.type) ? element.labels[0] ?? element : element;
      return [label.getBoundingClientRect(), element];
    }).filter(([box, element]) => Math.max(box.height, overlaid(element)) < least - 0.5 || box.width < 24)
      .map(([box, element]) => `${Math.round(box.width)}×${Math.round(box.height)} ${element.outerHTML.slice(0, 80)}`);
  };

  // A copy of the page in a frame is laid out at each width without being loaded again, and is never painted.
  window.narrow = async ([first, last, step], least) => {
    const copy = document.documentElement.cloneNode(true);
    const frame = document.createElement("iframe");
    frame.srcdoc = "<!doctype html>";
    document.documentElement.append(frame);
    await loaded(frame);
    const page = frame.contentDocument;
    page.documentElement.replaceWith(page.adoptNode(copy));
    await Promise.all([...page.querySelectorAll("link[rel=stylesheet]")].map(loaded));
    const wide = {};
    for (let width = last; width >= first; width -= step) {
      frame.style = `all: initial; position: fixed; width: ${width}px; height: 800px`;
      const found = wider(page, width);
      if (found.length) wide[width] = found;
    }
    const small = frame.contentWindow.small(least);
    frame.remove();
    return { wide, small };
  };

  const loaded = (element) => new Promise((done) => {
    element.addEventListener("load", done);
    element.addEventListener("error", done);
  });

  function wider({ documentElement, body, defaultView }, width) {
    if (defaultView.innerWidth !== width) throw new Error(`The frame is ${defaultView.innerWidth} px wide`);
    if (documentElement.scrollWidth <= width) return [];
    return [...body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width).map(tag).slice(-3);
  }
})();
