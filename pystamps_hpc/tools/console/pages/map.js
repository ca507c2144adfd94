// The page Map: any value of the points, and how chosen ones move.

import { h, put, say } from "./elements.js";
import { count } from "./format.js";
import { Controls, requestOf, usual } from "./mapcontrols.js";
import { MapView } from "./mapview.js";
import { colourBar, said } from "./legend.js";
import { metres } from "./numbers.js";
import { mark } from "./chart.js";
import { profilePanel } from "./profile.js";
import { left, picture, query, ready } from "./results.js";
import { SeriesPanel } from "./series.js";

const kept = new Map(); // dataset -> what was looked at, until the tab is closed

export async function show(place, dataset, signal) {
  const base = `/datasets/${dataset.number}`;
  put(place, h("h1", {}, "Map"), h("p", { class: "quiet", role: "status" }, "Reading the points …"));
  const facts = await ready(`${base}/map`, { signal });
  const state = kept.get(dataset.number) ?? usual(facts);
  kept.set(dataset.number, state);
  new Page(place, base, facts, state, signal).open();
}

class Page {
  constructor(place, base, facts, state, signal) {
    Object.assign(this, { place, base, facts, state, signal, layer: null, questions: 0 });
  }

  async open() {
    const { signal, facts, base, state } = this;
    this.status = h("p", { class: "mapstatus", role: "status", "aria-live": "polite" });
    this.legend = h("div", { class: "legend" });
    this.problem = h("div", { class: "problem", role: "alert", hidden: true });
    this.series = new SeriesPanel({ base, signal, state, changed: () => this.map?.cover(), reference: () => requestOf(state).ref });
    this.profile = profilePanel({ base, signal, state, request: () => requestOf(state) });
    this.controls = new Controls({ facts, state, base, signal, changed: (what) => this.changed(what), box: () => this.map.box(),
      problem: (error) => this.failed(error) });
    this.map = new MapView({
      extent: facts.extent, start: state.view, signal,
      label: "Map of the points. Arrows move, plus and minus zoom, 0 shows all, Enter takes the point in the middle.",
      fetchPicture: (box, width, height, abort) => picture(
        `${base}/map.png${query({ ...requestOf(state), ...box, width, height })}`,
        { signal: abort, waiting: () => this.waiting() }),
      picked: (where) => this.picked(where),
      overlay: (project, metre) => this.overlay(project, metre),
      failed: (error) => this.failed(error),
      busy: (now) => this.map?.element.classList.toggle("busy", now),
    });
    state.view = this.map.view;
    put(this.place, h("h1", {}, "Map"),
      h("div", { class: "mapgrid" },
        h("section", { class: "mapside", "aria-label": "Map" }, this.modes(), this.map.element, this.legend, this.status, this.problem),
        this.controls.element),
      this.series.element, this.profile.element);
    await this.changed("layer");
    await this.series.refresh();
    await this.profile.refresh();
  }

  modes() {
    const { state } = this;
    const choice = (mode, text, meaning) => h("button", {
      type: "button", class: "mode", "aria-pressed": String(state.mode === mode), title: meaning,
      onclick: (event) => {
        state.mode = mode;
        for (const each of event.target.parentNode.querySelectorAll(".mode")) each.setAttribute("aria-pressed", String(each === event.target));
        say(meaning);
      },
    }, text);
    const act = (text, meaning, action) => h("button", { type: "button", "aria-label": meaning, title: meaning, onclick: action }, text);
    return h("div", { class: "modes", role: "toolbar", "aria-label": "What a click on the map does" },
      choice("point", "Point", "A click shows how the nearest point moves"),
      choice("reference", "Reference", "A click makes the points around it the reference"),
      choice("profile", "Profile", "Two clicks draw a profile"),
      h("span", { class: "space" }),
      act("+", "Zoom in", () => this.map.zoom(1.6)), act("−", "Zoom out", () => this.map.zoom(1 / 1.6)),
      act("All", "Show all points", () => this.map.whole()));
  }

  /** What was changed: `layer` needs its facts anew, `picture` a picture, `reference` the series too. */
  async changed(what) {
    this.problem.hidden = true;
    let mine = this.questions; // an answer that comes late is not shown
    try {
      if (what === "layer") {
        this.waiting();
        this.questions += 1;
        mine = this.questions;
        const { type, ifg } = requestOf(this.state);
        const found = await ready(`${this.base}/layer${query({ type, ifg })}`,
          { signal: this.signal, waiting: () => mine === this.questions && this.waiting() });
        if (mine !== this.questions) return;
        this.layer = found;
        this.controls.layer(found);
      }
      this.write();
      this.map.refresh();
      this.map.cover();
      if (what === "reference") await this.series.refresh();
      if (what !== "colours") await this.profile.refresh();
    } catch (error) {
      if (mine === this.questions) this.failed(error);
    }
  }

  write() {
    const { layer, state } = this;
    if (!layer) return;
    put(this.legend, colourBar(layer, state.low ?? layer.low, state.high ?? layer.high));
    const away = state.reference && layer.takes_reference
      ? `relative to the points within ${metres(state.reference.radius)} of the chosen place`
      : layer.reference && `relative to ${layer.reference}`;
    put(this.status, said([`${count(layer.with_value)} points`, layer.dates, away]));
  }

  waiting() {
    put(this.status, "The values are being computed …");
  }

  failed(error) {
    if (left(error) || this.signal.aborted) return;
    this.problem.hidden = false;
    put(this.problem, h("p", {}, error.message));
    put(this.status);
  }

  async picked({ lon, lat, reach }) {
    const { state } = this;
    this.problem.hidden = true;
    if (state.mode === "reference") {
      state.reference = { lon, lat, radius: state.reference?.radius ?? Math.max(Math.round(reach * 4), 50) };
      this.controls.reference();
      await this.changed("reference");
      return;
    }
    if (state.mode === "profile") {
      state.profile = state.profile?.length === 1 ? [...state.profile, { lon, lat }] : [{ lon, lat }];
      say(state.profile.length === 1 ? "Choose the other end of the profile" : "Profile");
      this.map.cover();
      await this.profile.refresh();
      return;
    }
    try {
      const { type, ifg, ref } = requestOf(state);
      const found = await ready(`${this.base}/near${query({ lon, lat, within: Math.max(reach, 1), type, ifg, ref })}`, { signal: this.signal });
      if (found) await this.series.add(found);
      else put(this.status, `No point within ${metres(reach)} of there.`);
    } catch (error) {
      this.failed(error);
    }
  }

  overlay(project, metre) {
    const { state } = this;
    const { reference, profile } = state;
    const parts = [];
    if (reference) {
      const [x, y] = project(reference.lon, reference.lat);
      parts.push(h("circle", { cx: x, cy: y, r: Math.max(reference.radius * metre, 3), class: "area" }),
        h("text", { x, y: y - Math.max(reference.radius * metre, 3) - 4, "text-anchor": "middle", class: "label" }, "reference"));
    }
    if (profile?.length) {
      const ends = profile.map(({ lon, lat }) => project(lon, lat));
      parts.push(h("polyline", { points: ends.map((end) => end.join(",")).join(" "), class: "profile" }),
        ends.map(([x, y], k) => [h("circle", { cx: x, cy: y, r: 4, class: "end" }),
          h("text", { x: x + 7, y: y - 6, class: "label" }, "AB"[k])]));
    }
    for (const [k, chosen] of state.chosen.entries()) {
      const [x, y] = project(chosen.longitude, chosen.latitude);
      parts.push(h("g", { class: "chosen" }, h("circle", { cx: x, cy: y, r: 9, class: "halo" }), mark(k, x, y, { size: 1.2 }),
        h("text", { x: x + 11, y: y + 4, class: "label" }, String(chosen.ps))));
    }
    return parts;
  }
}
