// How chosen points move: a chart, one against another, and the numbers as a table.

import { around, band, chart, line, marks, MOST, NAMES, responsive, sample } from "./chart.js";
import { h, put, redraw, say, table } from "./elements.js";
import { capital, dayOf, degrees, shown } from "./numbers.js";
import { left, query, ready } from "./results.js";

/** The panel of series; `reference()` is the area that is asked for, `changed()` is told of the choice. */
export class SeriesPanel {
  constructor(more) {
    Object.assign(this, more, { answer: null, drawing: null, questions: 0, word: "" }); // base, signal, state
    this.body = h("div", {});
    this.element = h("section", { class: "series", "aria-labelledby": "series-title" },
      h("h2", { id: "series-title" }, "Time series"), this.body);
    this.empty();
  }

  empty() {
    this.answer = null;
    this.drawing?.abort(); // or it would be drawn without an answer
    put(this.body, this.word && h("p", { role: "status" }, this.word),
      h("p", { class: "quiet" }, "Choose a point on the map: click it, or move it into the middle of the map and press Enter."));
  }

  /** Compare a point, as `near` finds it, with those chosen before. */
  async add(found) {
    const { state } = this;
    if (!state.chosen.some((each) => each.ps === found.ps)) {
      if (state.chosen.length === MOST) this.without(state.chosen[0].ps);
      state.chosen.push({ ps: found.ps, longitude: found.longitude, latitude: found.latitude });
    }
    this.word = "";
    say(`PS ${found.ps}, ${shown(found.velocity, 1, true)} millimetres per year`);
    await this.refresh();
  }

  without(ps) {
    const { state } = this;
    state.chosen = state.chosen.filter((each) => each.ps !== ps);
    if (state.minus === ps) state.minus = null;
  }

  drop(ps) {
    this.without(ps);
    this.refresh();
  }

  /** Drop the points that are elsewhere now: a run has numbered the PS anew. */
  dropMoved(found) {
    const moved = found.series.filter((each) => this.state.chosen.some((one) => one.ps === each.ps
      && (one.longitude !== each.longitude || one.latitude !== each.latitude)));
    if (!moved.length) return false;
    for (const each of moved) this.without(each.ps);
    this.word = `No longer chosen: ${moved.map((each) => `PS ${each.ps}`).join(", ")}. A run has given the number to another point.`;
    say(this.word);
    return true;
  }

  async refresh() {
    const { state, body, base, signal } = this;
    this.changed();
    this.questions += 1;
    const mine = this.questions; // an answer that comes late is not shown
    if (!state.chosen.length) { this.empty(); return; }
    if (!this.answer) put(body, h("p", { class: "quiet", role: "status" }, "The displacements are being read …"));
    try {
      const asked = { ps: state.chosen.map((each) => each.ps), radius: state.radius, minus: state.minus, ref: this.reference() };
      const found = await ready(`${base}/series${query(asked)}`, { signal });
      if (mine !== this.questions) return;
      if (this.dropMoved(found)) { await this.refresh(); return; }
      this.answer = found;
      this.write();
    } catch (error) {
      if (left(error) || mine !== this.questions) return;
      put(body, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)), this.options(), this.list([]));
    }
  }

  options() {
    const { state } = this;
    const minus = h("select", {
      id: "minus", "data-key": "minus", onchange: (event) => { state.minus = event.target.value ? Number(event.target.value) : null; this.refresh(); },
    }, h("option", { value: "" }, "nothing"), state.chosen.map((each) =>
      h("option", { value: each.ps, selected: each.ps === state.minus }, `PS ${each.ps}`)));
    const radius = h("input", {
      id: "around", "data-key": "around", type: "number", min: 1, step: "any", value: state.radius, placeholder: "one point",
      onchange: (event) => { state.radius = Number(event.target.value) > 0 ? Number(event.target.value) : null; this.refresh(); },
    });
    const wave = h("input", { id: "wave", "data-key": "wave", type: "checkbox", checked: state.wave,
      onchange: (event) => { state.wave = event.target.checked; if (this.answer) this.write(); } });
    return h("div", { class: "options" },
      h("label", { class: "field", for: "minus" }, "Minus", minus),
      h("label", { class: "field", for: "around" }, "Mean within [m]", radius),
      h("label", { class: "field", for: "wave" }, wave, "Acceleration and yearly wave"),
      h("button", { type: "button", onclick: () => { state.chosen = []; state.minus = null; this.refresh(); } }, "Remove all"));
  }

  list(found) {
    const of = (each) => found.find((one) => one.ps === each.ps);
    return table("Chosen points", [
      { name: "Mark", of: ([, k]) => h("span", { class: "together" }, sample(k), h("span", { class: "unseen" }, NAMES[k])) },
      { name: "PS", numeric: true, of: ([each]) => each.ps },
      { name: "Position", of: ([each]) => `${degrees(each.latitude, "NS", 5)}, ${degrees(each.longitude, "EW", 5)}` },
      { name: "Velocity [mm/yr]", numeric: true, of: ([each]) => `${shown(of(each)?.velocity, 2, true)} ± ${shown(of(each)?.velocity_deviation, 2)}` },
      { name: "Rmse [mm]", numeric: true, of: ([each]) => shown(of(each)?.rmse, 2) },
      { name: "Coherence", numeric: true, of: ([each]) => shown(of(each)?.coherence, 2) },
      { name: "Height [m]", numeric: true, of: ([each]) => shown(of(each)?.height, 1) },
      { name: "Points", numeric: true, of: ([each]) => of(each)?.points ?? "–" },
      { name: "", of: ([each]) => h("button", { type: "button", "aria-label": `Remove PS ${each.ps}`, onclick: () => this.drop(each.ps) }, "Remove") },
    ], this.state.chosen.map((each, k) => [each, k]));
  }

  write() {
    const { answer, signal } = this;
    const place = h("div", { class: "drawing" });
    redraw(this.body, this.word && h("p", { role: "status" }, this.word),
      h("p", { class: "quiet" }, `${capital(answer.meaning)}. In ${answer.unit}, ${answer.sign}; relative to ${answer.reference} and to ${answer.master}. `
        + "Line: weighted straight line; band: velocity ± one deviation; hollow: outlier."),
      this.options(), place, this.list(answer.series),
      h("details", { "data-key": "numbers" }, h("summary", { "data-key": "numbers-title" }, "The numbers as a table"), numbers(answer)));
    this.drawing?.abort();
    this.drawing = new AbortController();
    signal.addEventListener("abort", () => this.drawing.abort(), { once: true });
    responsive(place, (width) => this.draw(width), this.drawing.signal);
  }

  draw(width) {
    const { answer, state } = this;
    const days = answer.dates.map(dayOf), master = dayOf(answer.master);
    const number = (each) => state.chosen.findIndex((one) => one.ps === each.ps);
    const series = answer.series.filter((each) => each.ps !== answer.minus);
    const waves = state.wave ? series.filter((each) => each.wave) : [];
    return chart({
      width, x: { ...around(days, 0.03), dates: true, label: "date" },
      y: { ...around(series.flatMap((each) => [...each.displacement, ...each.line])), label: "displacement [mm]" },
      label: `Displacement of ${series.length} points from ${answer.dates[0]} to ${answer.dates.at(-1)}`,
      layers: [
        (at) => h("path", { d: `M${at.x(master).toFixed(1)} ${at.top}V${at.lower}`, class: "master" }),
        ...series.map((each) => band(days.map((day, k) => [day, each.line[k] - each.band[k], each.line[k] + each.band[k]]), number(each))),
        ...series.map((each) => line(days.map((day, k) => [day, each.line[k]]), number(each))),
        ...waves.map((each) => line(each.wave.days.map((day, k) => [master + day, each.wave.displacement[k]]), number(each), { class: "thin" })),
        ...series.map((each) => marks(pointsOf(each, days, answer.dates), number(each), days.length > 120 ? 0.7 : 1)),
      ],
    });
  }
}

function pointsOf(each, days, dates) {
  return days.map((day, k) => ({
    x: day, y: each.displacement[k], error: each.spread?.[k], far: each.outliers[k],
    text: `PS ${each.ps}, ${dates[k]}: ${shown(each.displacement[k], 2)} mm`,
  }));
}

function numbers(answer) {
  return table("Displacements in mm", [
    { name: "Date", of: (k) => answer.dates[k] },
    ...answer.series.map((each) => ({ name: `PS ${each.ps}`, numeric: true, of: (k) => shown(each.displacement[k], 2) })),
  ], answer.dates.map((_, k) => k), { id: "series-table" });
}
