// The page Interferograms: small maps of all, the network with its noise, and what dropping some means.

import { post } from "./api.js";
import { h, put, say, table } from "./elements.js";
import { typedCommand } from "./format.js";
import { colourBar, said } from "./legend.js";
import { network } from "./network.js";
import { shown } from "./numbers.js";
import { left, picture, query, ready } from "./results.js";

const KINDS = { wrapped: "Wrapped phase", unwrapped: "Unwrapped phase", residual: "Residual" };
const kept = new Map(); // dataset -> what was chosen

export async function show(place, dataset, signal) {
  const base = `/datasets/${dataset.number}`;
  put(place, h("h1", {}, "Interferograms"), h("p", { class: "quiet", role: "status" }, "Reading the network …"));
  const found = await ready(`${base}/ifgs`, { signal });
  const before = kept.get(dataset.number);
  const state = before ?? { kind: "wrapped", dropped: new Set(found.dropped) };
  kept.set(dataset.number, state);
  new Page(place, base, dataset, found, state, signal).open();
}

class Page {
  constructor(place, base, dataset, found, state, signal) {
    Object.assign(this, { place, base, dataset, found, state, signal });
    this.maps = h("div", {});
    this.network = h("div", { class: "drawing network" });
    this.outcome = h("div", { class: "below", role: "status", "aria-live": "polite" });
    this.list = h("div", {});
  }

  open() {
    const { found, state } = this;
    const worth = found.worth_dropping.map((each) => `${each.number} (${each.why.join("; ")})`).join(", ");
    put(this.place, h("h1", {}, "Interferograms"),
      h("p", {}, said([`${found.interferograms} interferograms of ${found.images} images`, found.mode, `master ${found.master}`,
        `${found.dropped.length || "none"} dropped`])),
      worth ? h("p", {}, `Worth dropping: ${worth}.`) : null,
      h("section", { "aria-labelledby": "net" }, h("h2", { id: "net" }, "Network"),
        h("p", { class: "quiet" }, `Thick: noise beyond the limit of ${shown(found.noise_limit_deg, 0)} degrees. Dashed: dropped. Diamond: master.`), this.network),
      h("section", { "aria-labelledby": "panel" }, h("h2", { id: "panel" }, "Maps"),
        h("label", { class: "field", for: "kind" }, "Show", h("select", {
          id: "kind", onchange: (event) => { state.kind = event.target.value; this.panel(); },
        }, Object.entries(KINDS).map(([name, text]) => h("option", { value: name, selected: name === state.kind }, text)))),
        this.maps),
      h("section", { "aria-labelledby": "list" }, h("h2", { id: "list" }, "List"), this.list),
      this.outcome);
    this.rows();
    network(this.network, found, state.dropped, this.signal);
    this.panel();
    this.consequences();
  }

  rows() {
    const { found, state } = this;
    put(this.list, table("Interferograms", [
      { name: "Drop", of: (each) => this.choice(each.number, `Drop interferogram ${each.number}`, "list") },
      { name: "Number", numeric: true, of: (each) => each.number },
      { name: "First image", of: (each) => each.first }, { name: "Second image", of: (each) => each.second },
      { name: "Days", numeric: true, of: (each) => shown(each.days, 0) },
      { name: "Bperp [m]", numeric: true, of: (each) => shown(each.bperp_m, 1) },
      { name: "Noise [deg]", numeric: true, of: (each) => (each.noise_deg > found.noise_limit_deg ? `▲ ${shown(each.noise_deg, 1)}` : shown(each.noise_deg, 1)) },
      { name: "Noise of arcs [deg]", numeric: true, of: (each) => shown(each.arc_noise_deg, 1) },
      { name: "Residual [rad]", numeric: true, of: (each) => shown(each.residual_rad, 2) },
      { name: "State", of: (each) => h("span", { "data-state": each.number }, state.dropped.has(each.number) ? "dropped" : "used") },
    ], found.pairs));
  }

  choice(number, text, where) {
    return h("input", {
      type: "checkbox", id: `drop-${where}-${number}`, "aria-label": text, checked: this.state.dropped.has(number), "data-ifg": number,
      onchange: (event) => this.drop(number, event.target.checked),
    });
  }

  drop(number, now) {
    const { dropped } = this.state;
    if (now) dropped.add(number); else dropped.delete(number);
    for (const each of this.place.querySelectorAll(`[data-ifg="${number}"]`)) each.checked = now;
    for (const each of this.place.querySelectorAll(`[data-map="${number}"]`)) each.classList.toggle("dropped", now);
    put(this.list.querySelector(`[data-state="${number}"]`), now ? "dropped" : "used");
    network(this.network, this.found, dropped, this.signal);
    this.consequences();
  }

  async panel() {
    const { base, signal, state } = this;
    const { kind } = state;
    put(this.maps, h("p", { class: "quiet", role: "status" }, "The maps are being computed …"));
    try {
      const facts = await ready(`${base}/ifgs/panel${query({ kind })}`, { signal });
      if (kind !== state.kind) return;
      put(this.maps, h("div", { class: "legend" }, colourBar(facts, facts.low, facts.high)),
        h("p", { class: "quiet small" }, said([`type ${facts.value_type}`, facts.reference && `relative to ${facts.reference}`])),
        h("ul", { class: "panel" }, facts.maps.map((each) => this.item(each, kind))));
      this.lazily();
    } catch (error) {
      if (!left(error)) put(this.maps, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)));
    }
  }

  item({ number, date }, kind) {
    const pair = this.found.pairs.find((each) => each.number === number);
    const about = pair ? said([`${shown(pair.bperp_m, 0)} m`, pair.noise_deg === null ? "" : `${shown(pair.noise_deg, 0)}°`]) : "master";
    return h("li", { "data-map": number, class: this.state.dropped.has(number) ? "dropped" : null },
      h("img", { class: "small-map", alt: `${KINDS[kind]} of ${date}`, "data-ask": `${this.base}/ifg.png${query({ kind, ifg: number, width: 220 })}` }),
      h("p", { class: "about" }, h("strong", {}, number), ` ${date}`, h("br"), h("span", { class: "quiet" }, about)),
      pair ? h("label", { for: `drop-map-${number}` }, this.choice(number, `Drop interferogram ${number}`, "map"), "drop") : null);
  }

  lazily() {
    const watch = new IntersectionObserver((seen) => {
      for (const each of seen.filter((one) => one.isIntersecting)) {
        watch.unobserve(each.target);
        this.load(each.target);
      }
    }, { rootMargin: "200px" });
    for (const each of this.maps.querySelectorAll("[data-ask]")) watch.observe(each);
    this.signal.addEventListener("abort", () => watch.disconnect(), { once: true });
  }

  async load(image) {
    try {
      const url = URL.createObjectURL(await picture(image.dataset.ask, { signal: this.signal }));
      image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
      image.src = url;
    } catch (error) {
      if (!left(error)) image.alt = error.message;
    }
  }

  async consequences() {
    const { found, state, base, dataset, signal } = this;
    const numbers = [...state.dropped].sort((a, b) => a - b);
    this.asked = numbers.join(); // an answer that comes late is not shown
    if (this.asked === found.dropped.join()) { put(this.outcome); return; }
    try {
      const told = await ready(`${base}/drop${query({ ifgs: numbers.join(",") || " " })}`, { signal });
      if (this.asked !== numbers.join()) return;
      const wanted = numbers.length ? numbers.join(", ") : "none";
      const stages = told.refused || (told.stages.length ? `stages ${told.stages.join(", ")}${told.products ? " and the products" : ""} would run again` : "nothing would run again");
      put(this.outcome, h("div", { class: "outcome" },
        h("p", {}, h("strong", {}, `Dropped would be ${wanted}: `), `${stages}.`),
        told.told.map((line) => h("p", { class: "small" }, line)),
        dataset.allowRun ? h("button", { type: "button", class: "main", id: "apply-drop", onclick: () => this.apply(numbers) }, "Change drop_ifg_index")
          : h("p", { class: "small mono" }, typedCommand(["pystamps-hpc", "parms", "set", "drop_ifg_index", numbers.join(" "), "--dataset", dataset.path])),
        h("button", { type: "button", onclick: () => this.undo() }, "Undo")));
      say(`${stages}`);
    } catch (error) {
      if (!left(error)) put(this.outcome, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)));
    }
  }

  undo() {
    this.state.dropped = new Set(this.found.dropped);
    this.open();
  }

  async apply(numbers) {
    try {
      await post(`${this.base}/parameters/drop_ifg_index`, { value: numbers.length ? numbers.join(" ") : null });
      this.found = await ready(`${this.base}/ifgs`, { signal: this.signal });
      this.state.dropped = new Set(this.found.dropped);
      this.open();
      say("drop_ifg_index was changed");
    } catch (error) {
      if (!left(error)) put(this.outcome, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)));
    }
  }
}
