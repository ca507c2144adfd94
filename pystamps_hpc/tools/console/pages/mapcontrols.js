// What the map shows: value, colours, filters, reference area, and what is seen as a file.

import { h, put } from "./elements.js";
import { download, left, query } from "./results.js";
import { shown } from "./numbers.js";

/** What is looked at first. */
export function usual(facts) {
  return {
    type: facts.first, ifg: 1, columns: "one", low: null, high: null, coherence: 0, maxDeviation: null,
    minHeight: null, maxHeight: null, reference: null, mode: "point", chosen: [], radius: null,
    minus: null, wave: false, profile: [], width: 200, view: {},
  };
}

/** The part of a question that says what the map shows. */
export function requestOf(state) {
  const { reference } = state;
  return {
    type: state.type, ifg: state.columns === "one" ? null : state.ifg, low: state.low, high: state.high,
    min_coherence: state.coherence || null, max_deviation: state.maxDeviation,
    min_height: state.minHeight, max_height: state.maxHeight,
    ref: reference ? `${reference.lon.toFixed(6)},${reference.lat.toFixed(6)},${reference.radius}` : null,
  };
}

const USUAL = ["velocity", "coherence", "height"];

/** The controls; `changed(what)` is told of `layer`, `picture`, `colours` or `reference`. */
export class Controls {
  constructor(more) {
    Object.assign(this, more, { usualEnds: null }); // facts, state, base, signal, changed, box, problem
    this.column = h("div", { class: "row", hidden: true });
    this.ends = { low: this.number("low", "low", "colours"), high: this.number("high", "high", "colours") };
    this.area = h("div", {});
    const coherence = h("output", { for: "coherence" });
    this.element = h("aside", { class: "controls", "aria-label": "What the map shows" },
      h("div", { class: "row wide" }, h("label", { for: "type" }, "Value"), this.types()), this.column,
      part("Colours", field("low", "From", this.ends.low), field("high", "To", this.ends.high),
        h("button", { type: "button", onclick: () => this.usualColours() }, "Usual ends")),
      part("Points", field("coherence", "Coherence ≥", this.slider(coherence), coherence),
        h("details", {}, h("summary", {}, "More filters"),
          field("maxdev", "Deviation to [mm/yr]", this.number("maxdev", "maxDeviation", "picture", { min: 0 })),
          field("minh", "Height from [m]", this.number("minh", "minHeight", "picture")),
          field("maxh", "Height to [m]", this.number("maxh", "maxHeight", "picture")))),
      part("Reference area", this.area), part("Download", this.files()));
    this.columns();
    this.reference();
  }

  /** Take over what a layer says of its colours. */
  layer(found) {
    this.usualEnds = found;
    for (const end of ["low", "high"]) {
      this.ends[end].value = this.state[end] ?? "";
      this.ends[end].placeholder = shown(found[end], 2);
      this.ends[end].disabled = found.colours === "cycle";
    }
  }

  usualColours() {
    this.state.low = this.state.high = null;
    if (this.usualEnds) this.layer(this.usualEnds);
    this.changed("colours");
  }

  number(id, key, what, more = {}) {
    return h("input", {
      id, type: "number", step: "any", inputmode: "decimal", value: this.state[key], ...more,
      onchange: (event) => {
        const value = event.target.value === "" ? null : Number(event.target.value);
        if (value !== null && !Number.isFinite(value)) return;
        this.state[key] = value;
        this.changed(what);
      },
    });
  }

  types() {
    const group = (label, names) => h("optgroup", { label }, names.map((each) => h("option",
      { value: each.name, selected: each.name === this.state.type, title: each.meaning }, `${each.name}: ${each.meaning}`)));
    const known = this.facts.types.filter((each) => each.columns !== "none");
    const first = USUAL.map((name) => known.find((each) => each.name === name)).filter(Boolean);
    const rest = known.filter((each) => !first.includes(each));
    return h("select", { id: "type", onchange: (event) => this.choose(event.target.value) }, group("Usual", first),
      group("Of every point", rest.filter((each) => each.group === "points")),
      group("Value types", rest.filter((each) => each.group === "types")));
  }

  choose(name) {
    const found = this.facts.types.find((each) => each.name === name);
    Object.assign(this.state, { type: found.name, columns: found.columns, low: null, high: null });
    this.columns();
    this.changed("layer");
  }

  columns() {
    const { facts, state, column } = this;
    const list = facts[state.columns] ?? [];
    column.hidden = !list.length;
    if (!list.length) return;
    if (!list.some((each) => each.number === state.ifg)) state.ifg = list[0].number;
    const choice = h("select", { id: "ifg", onchange: (event) => take(Number(event.target.value)) },
      list.map((each) => h("option", { value: each.number, selected: each.number === state.ifg }, `${each.number}  ${each.date}`)));
    const take = (number) => {
      Object.assign(state, { ifg: number, low: null, high: null });
      choice.value = String(number);
      this.changed("layer");
    };
    const beside = (step) => {
      const next = list[list.findIndex((each) => each.number === state.ifg) + step];
      if (next) take(next.number);
    };
    put(column, h("label", { for: "ifg" }, state.columns === "images" ? "Image" : "Interferogram"), h("span", { class: "together" }, choice,
      h("button", { type: "button", "aria-label": "The one before", onclick: () => beside(-1) }, "‹"),
      h("button", { type: "button", "aria-label": "The next one", onclick: () => beside(1) }, "›")));
  }

  slider(output) {
    const { state } = this;
    const write = () => put(output, state.coherence ? shown(state.coherence, 2) : "all");
    write();
    return h("input", {
      id: "coherence", type: "range", min: 0, max: 1, step: 0.05, value: state.coherence,
      oninput: (event) => { state.coherence = Number(event.target.value); write(); },
      onchange: () => this.changed("picture"),
    });
  }

  /** Write anew which reference area is chosen. */
  reference() {
    const { reference: here } = this.state;
    const radius = h("input", {
      id: "refradius", type: "number", min: 1, step: "any", value: here?.radius ?? "", disabled: !here,
      onchange: (event) => { if (Number(event.target.value) > 0) { here.radius = Number(event.target.value); this.changed("reference"); } },
    });
    const undo = () => { this.state.reference = null; this.reference(); this.changed("reference"); };
    put(this.area,
      h("p", { class: "quiet small" }, here
        ? `Around ${shown(here.lon, 5)}, ${shown(here.lat, 5)} (longitude, latitude)`
        : "That of the dataset. Choose another with Reference above the map."),
      field("refradius", "Radius [m]", radius, h("button", { type: "button", disabled: !here, onclick: undo }, "Undo")));
  }

  files() {
    const told = h("p", { class: "quiet small", role: "status" });
    const button = (form, text, kind) => h("button", {
      type: "button", class: kind, id: `download-${form}`, onclick: (event) => this.fetch(form, event.target, told),
    }, text);
    return [h("p", { class: "quiet small" }, "Velocities and displacements of the points that are seen."),
      h("div", { class: "together" }, button("gpkg", "GeoPackage", "main"), button("csv", "CSV")), told];
  }

  async fetch(form, button, told) {
    button.disabled = true;
    put(told, "The file is being made …");
    try {
      const { type, ifg, low, high, ...asked } = requestOf(this.state);
      await download(`${this.base}/download.${form}${query({ ...asked, ...this.box() })}`, `points.${form}`, { signal: this.signal });
      put(told, `points.${form} has arrived.`);
    } catch (error) {
      put(told);
      if (!left(error)) this.problem(error);
    } finally {
      button.disabled = false;
    }
  }
}

function part(legend, ...children) {
  return h("fieldset", {}, h("legend", {}, legend), children);
}

function field(id, text, input, more) {
  return h("div", { class: "row" }, h("label", { for: id }, text), input, more);
}
