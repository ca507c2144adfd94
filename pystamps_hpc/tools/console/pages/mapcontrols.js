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

export function controls({ facts, state, base, signal, changed, box, problem }) {
  const field = (name, text, input, more) => h("div", { class: "row" }, h("label", { for: name }, text), input, more);
  const number = (name, key, what, more = {}) => h("input", {
    id: name, type: "number", step: "any", inputmode: "decimal", value: state[key], ...more,
    onchange: (event) => {
      const value = event.target.value === "" ? null : Number(event.target.value);
      if (value !== null && !Number.isFinite(value)) return;
      state[key] = value;
      changed(what);
    },
  });

  const column = h("div", { class: "row", hidden: true });
  const ends = { low: number("low", "low", "colours"), high: number("high", "high", "colours") };
  const coherence = h("output", { for: "coherence" });
  const area = h("div", {});

  function types() {
    const group = (label, names) => h("optgroup", { label }, names.map((each) => h("option",
      { value: each.name, selected: each.name === state.type, title: each.meaning }, `${each.name}: ${each.meaning}`)));
    const known = facts.types.filter((each) => each.columns !== "none");
    const first = known.filter((each) => USUAL.includes(each.name)).sort((a, b) => USUAL.indexOf(a.name) - USUAL.indexOf(b.name));
    const rest = known.filter((each) => !USUAL.includes(each.name));
    const ofTable = rest.filter((each) => each.group === "points");
    const ofPhase = rest.filter((each) => each.group === "types");
    return h("select", { id: "type", onchange: choose }, group("Usual", first), group("Of every point", ofTable), group("Value types", ofPhase));
  }

  function choose(event) {
    const found = facts.types.find((each) => each.name === event.target.value);
    Object.assign(state, { type: found.name, columns: found.columns, low: null, high: null });
    columns();
    changed("layer");
  }

  function columns() {
    const list = facts[state.columns] ?? [];
    column.hidden = !list.length;
    if (!list.length) return;
    if (!list.some((each) => each.number === state.ifg)) state.ifg = list[0].number;
    const choice = h("select", { id: "ifg", onchange: (event) => take(Number(event.target.value)) },
      list.map((each) => h("option", { value: each.number, selected: each.number === state.ifg }, `${each.number}  ${each.date}`)));
    const take = (value) => {
      Object.assign(state, { ifg: value, low: null, high: null });
      choice.value = String(value);
      changed("layer");
    };
    const beside = (step) => {
      const k = list.findIndex((each) => each.number === state.ifg) + step;
      if (list[k]) take(list[k].number);
    };
    put(column, h("label", { for: "ifg" }, state.columns === "images" ? "Image" : "Interferogram"), h("span", { class: "together" }, choice,
      h("button", { type: "button", "aria-label": "The one before", onclick: () => beside(-1) }, "‹"),
      h("button", { type: "button", "aria-label": "The next one", onclick: () => beside(1) }, "›")));
  }

  function slider() {
    const write = () => put(coherence, state.coherence ? shown(state.coherence, 2) : "all");
    write();
    return h("input", {
      id: "coherence", type: "range", min: 0, max: 1, step: 0.05, value: state.coherence,
      oninput: (event) => { state.coherence = Number(event.target.value); write(); },
      onchange: () => changed("picture"),
    });
  }

  function reference() {
    const { reference: here } = state;
    const radius = h("input", {
      id: "refradius", type: "number", min: 1, step: "any", value: here?.radius ?? "", disabled: !here,
      onchange: (event) => { if (Number(event.target.value) > 0) { here.radius = Number(event.target.value); changed("reference"); } },
    });
    put(area,
      h("p", { class: "quiet small" }, here
        ? `Around ${shown(here.lon, 5)}, ${shown(here.lat, 5)} (longitude, latitude)`
        : "That of the dataset. Choose another with Reference above the map."),
      field("refradius", "Radius [m]", radius, h("button", {
        type: "button", disabled: !here, onclick: () => { state.reference = null; reference(); changed("reference"); },
      }, "Undo")));
  }

  function files() {
    const told = h("p", { class: "quiet small", role: "status" });
    const button = (form, text, main) => h("button", {
      type: "button", class: main ? "main" : null, id: `download-${form}`,
      onclick: async (event) => {
        event.target.disabled = true;
        put(told, "The file is being made …");
        try {
          const { type, ifg, low, high, ...asked } = requestOf(state);
          await download(`${base}/download.${form}${query({ ...asked, ...box() })}`, `points.${form}`, { signal });
          put(told, `points.${form} has arrived.`);
        } catch (error) {
          put(told);
          if (!left(error)) problem(error);
        } finally { event.target.disabled = false; }
      },
    }, text);
    return [h("p", { class: "quiet small" }, "Velocities and displacements of the points that are seen."),
      h("div", { class: "together" }, button("gpkg", "GeoPackage", true), button("csv", "CSV")), told];
  }

  const element = h("aside", { class: "controls", "aria-label": "What the map shows" },
    h("div", { class: "row wide" }, h("label", { for: "type" }, "Value"), types()), column,
    h("fieldset", {}, h("legend", {}, "Colours"), field("low", "From", ends.low), field("high", "To", ends.high),
      h("button", { type: "button", onclick: () => { state.low = state.high = null; changed("colours"); fill(); } }, "Usual ends")),
    h("fieldset", {}, h("legend", {}, "Points"), field("coherence", "Coherence ≥", slider(), coherence),
      h("details", {}, h("summary", {}, "More filters"),
        field("maxdev", "Deviation to [mm/yr]", number("maxdev", "maxDeviation", "picture", { min: 0 })),
        field("minh", "Height from [m]", number("minh", "minHeight", "picture")),
        field("maxh", "Height to [m]", number("maxh", "maxHeight", "picture")))),
    h("fieldset", {}, h("legend", {}, "Reference area"), area),
    h("fieldset", {}, h("legend", {}, "Download"), files()));

  let usualEnds = null;
  function fill() {
    for (const end of ["low", "high"]) {
      ends[end].value = state[end] ?? "";
      ends[end].placeholder = usualEnds ? shown(usualEnds[end], 2) : "";
      ends[end].disabled = usualEnds?.colours === "cycle";
    }
  }

  columns();
  reference();
  return { element, reference, layer: (found) => { usualEnds = found; fill(); } };
}
