// The page of parameters: value, source and meaning, what a change would make again, the change.

import { get, post, quoted } from "./api.js";
import { h, put, redraw, say } from "./elements.js";
import { facts } from "./report.js";

/** Fill the page. */
export async function show(place, dataset, signal) {
  const base = `/datasets/${dataset.number}/parameters`;
  const view = { known: {}, text: "", changed: false, open: null };
  const list = h("div", { class: "parameters" });
  put(place, h("h1", {}, "Parameters"),
    h("div", { class: "control" },
      h("label", { class: "field", for: "find" }, "Find", h("input", {
        id: "find", type: "search", oninput: (event) => { view.text = event.target.value; draw(); } })),
      h("label", { class: "field", for: "changed" }, h("input", {
        id: "changed", type: "checkbox", onchange: (event) => { view.changed = event.target.checked; draw(); },
      }), "only what is not the default")),
    list);

  function draw() {
    const words = view.text.toLowerCase();
    const rows = Object.entries(view.known).filter(([name, row]) =>
      (!words || `${name} ${row.meaning}`.toLowerCase().includes(words))
      && (!view.changed || !isDefault(row)));
    redraw(list, rows.length === 0 ? h("p", { class: "quiet" }, "None.")
      : h("div", { class: "scroll" }, h("table", {},
        h("caption", { class: "unseen" }, "Parameters"),
        h("thead", {}, h("tr", {}, ["Parameter", "Value", "From", "Read by stages", "Meaning"].map(
          (title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, rows.map(([name, row]) => lineOf(name, row))))));
  }

  function lineOf(name, row) {
    const open = view.open === name;
    const line = h("tr", { class: isDefault(row) ? null : "set" },
      h("th", { scope: "row" }, h("button", {
        type: "button", class: "link mono", "data-key": name, "aria-expanded": String(open),
        onclick: () => { view.open = open ? null : name; draw(); },
      }, name)),
      h("td", {}, read(row.value), row.unit && h("span", { class: "quiet" }, ` ${row.unit}`),
        !isDefault(row) && h("span", { class: "quiet" }, ` (default ${read(row.default)})`)),
      h("td", { class: "quiet" }, row.source), h("td", { class: "quiet" }, row.stages.join(", ")),
      h("td", {}, row.meaning));
    if (!open) return line;
    return [line, h("tr", { class: "opened" }, h("td", { colspan: 5 }, detail(name, row)))];
  }

  function detail(name, row) {
    const follows = h("div", { "aria-live": "polite" });
    const field = h("input", { id: "value", type: "text", value: row.value === null ? "" : typed(row.value), size: 30,
      "aria-describedby": "allowed" });
    const where = `${base}/${quoted(name)}`;

    async function tellConsequences() {
      try {
        const answer = await get(`${where}/consequences?value=${quoted(field.value)}`, { signal });
        put(follows, told(answer.follows, `With ${name} = ${read(answer.value)}:`));
      } catch (error) {
        if (!signal.aborted) put(follows, h("p", { class: "problem" }, error.message));
      }
    }
    async function change(body) {
      try {
        const answer = await post(where, body);
        view.known[name] = { ...view.known[name], ...answer };
        say(`${name} is now ${read(answer.value)}`);
        draw();
        const now = list.querySelector(".opened [aria-live]");
        if (now) put(now, told(answer.notes, `${name} is now ${read(answer.value)}.`));
      } catch (error) {
        put(follows, h("p", { class: "problem" }, error.message));
      }
    }
    return h("form", { onsubmit: (event) => {
      event.preventDefault();
      if (dataset.allowRun) change({ value: field.value });
      else tellConsequences();
    } },
    facts({ allowed: h("span", { id: "allowed" }, row.allowed), default: read(row.default),
      "change it": row.change_it, "a change makes again": row.runs_again }),
    h("p", { class: "control" },
      h("label", { class: "field", for: "value" }, "Value", field),
      h("button", { type: "button", onclick: tellConsequences }, "What would follow?"),
      dataset.allowRun && [h("button", { type: "submit", class: "main" }, "Change"),
        h("button", { type: "button", onclick: () => change({}) }, "Back to the default")]),
    follows);
  }

  view.known = (await get(base, { signal })).parameters;
  draw();
}

function told(sentences, title) {
  return [h("p", {}, title), h("ul", {}, (sentences.length ? sentences
    : ["Nothing that is finished would be made again."]).map((text) => h("li", {}, text)))];
}

function isDefault(row) {
  return JSON.stringify(row.value) === JSON.stringify(row.default);
}

/** A value as it is read. */
function read(value) {
  return value === "nan" ? "not set" : typed(value);
}

/** A value as it is typed. */
function typed(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return `[${value.map(typed).join(" ")}]`;
  return { nan: "NaN", inf: "Inf", "-inf": "-Inf" }[value] ?? String(value);
}
