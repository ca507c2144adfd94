// Elements of the page. Text goes in as text: what a file or a name holds is never read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const OF_SVG = new Set(
  ["svg", "g", "path", "line", "polyline", "polygon", "rect", "circle", "text", "tspan", "title",
    "desc", "defs", "clipPath", "pattern", "use"]);

/**
 * Make an element. Attributes: `class`, `id`, `aria-...` as in HTML; `onclick` and other functions
 * listen; `style` is an object of properties; true stands alone, false, null and undefined are left
 * out. Children: elements, texts, numbers, lists of these; null and false are left out.
 */
export function h(tag, attributes, ...children) {
  const inside = OF_SVG.has(tag) && tag !== "title";
  const element = inside ? document.createElementNS(SVG, tag) : document.createElement(tag);
  return filled(element, attributes, children);
}

/** The same for the short explanation of an element of SVG, which browsers show as a tip. */
export function tip(text) {
  const element = document.createElementNS(SVG, "title");
  element.textContent = text;
  return element;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "style") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined
    && child !== false).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Put new children into an element instead of its old ones. */
export function put(element, ...children) {
  element.replaceChildren();
  return filled(element, {}, children);
}

/**
 * The same for what is drawn again and again: on elements of the same data-key the focus stays, what
 * is open stays open, and what was scrolled stays where it was.
 */
export function redraw(element, ...children) {
  const focus = element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const before = new Map(keyed(element).map((each) => [each.dataset.key, {
    open: each.open, left: each.scrollLeft, top: each.scrollTop }]));
  put(element, ...children);
  for (const each of keyed(element)) {
    const was = before.get(each.dataset.key);
    if (!was) continue;
    if (each instanceof HTMLDetailsElement) each.open = was.open;
    if (was.left || was.top) each.scrollTo(was.left, was.top);
    if (each.dataset.key === focus) each.focus({ preventScroll: true });
  }
  return element;
}

function keyed(element) {
  return [...element.querySelectorAll("[data-key]")];
}

/** A table: `columns` are {name, numeric?, of(row)}; what `of` returns is a child of the cell. */
export function table(caption, columns, rows, attributes = {}) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, "data-key": caption },
    h("table", attributes,
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map((column) =>
        h("th", { scope: "col", class: column.numeric ? "number" : null }, column.name)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((column) =>
        h("td", { class: column.numeric ? "number" : null }, column.of(row))))))));
}

/** Say something to who does not see the page. */
export function say(text) {
  document.getElementById("said").textContent = text;
}
