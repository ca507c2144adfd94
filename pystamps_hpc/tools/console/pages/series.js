// How chosen points move: a chart, one against another, and the numbers as a table.

import { around, band, chart, line, marks, MOST, NAMES, responsive, sample } from "./chart.js";
import { h, put, say, table } from "./elements.js";
import { capital, dayOf, degrees, shown } from "./numbers.js";
import { left, query, ready } from "./results.js";

export function seriesPanel({ base, signal, state, changed, reference }) {
  const element = h("section", { class: "series", "aria-labelledby": "series-title" });
  const body = h("div", {});
  let answer = null, drawing = null, questions = 0;

  function empty() {
    put(body, h("p", { class: "quiet" }, "Choose a point on the map: click it, or move it into the middle of the map and press Enter."));
  }

  async function refresh() {
    changed();
    if (!state.chosen.length) { answer = null; empty(); return; }
    if (!answer) put(body, h("p", { class: "quiet", role: "status" }, "The displacements are being read …"));
    questions += 1;
    const mine = questions; // an answer that comes late is not shown
    try {
      const asked = { ps: state.chosen.map((each) => each.ps), radius: state.radius, minus: state.minus, ref: reference() };
      const found = await ready(`${base}/series${query(asked)}`, { signal });
      if (mine !== questions) return;
      answer = found;
      write();
    } catch (error) {
      if (left(error) || mine !== questions) return;
      put(body, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)), list([]));
    }
  }

  async function add(found) {
    if (!state.chosen.some((each) => each.ps === found.ps)) {
      if (state.chosen.length === MOST) state.chosen.shift();
      state.chosen.push({ ps: found.ps, longitude: found.longitude, latitude: found.latitude });
    }
    say(`PS ${found.ps}, ${shown(found.velocity, 1, true)} millimetres per year`);
    await refresh();
  }

  function drop(ps) {
    state.chosen = state.chosen.filter((each) => each.ps !== ps);
    if (state.minus === ps) state.minus = null;
    refresh();
  }

  function options() {
    const minus = h("select", {
      id: "minus", onchange: (event) => { state.minus = event.target.value ? Number(event.target.value) : null; refresh(); },
    }, h("option", { value: "" }, "nothing"), state.chosen.map((each) =>
      h("option", { value: each.ps, selected: each.ps === state.minus }, `PS ${each.ps}`)));
    const radius = h("input", {
      id: "around", type: "number", min: 1, step: "any", value: state.radius, placeholder: "one point",
      onchange: (event) => { state.radius = Number(event.target.value) > 0 ? Number(event.target.value) : null; refresh(); },
    });
    const wave = h("input", { id: "wave", type: "checkbox", checked: state.wave,
      onchange: (event) => { state.wave = event.target.checked; write(); } });
    return h("div", { class: "options" },
      h("label", { class: "field", for: "minus" }, "Minus", minus),
      h("label", { class: "field", for: "around" }, "Mean within [m]", radius),
      h("label", { class: "field", for: "wave" }, wave, "Acceleration and yearly wave"),
      h("button", { type: "button", onclick: () => { state.chosen = []; state.minus = null; refresh(); } }, "Remove all"));
  }

  function list(found) {
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
      { name: "", of: ([each]) => h("button", { type: "button", "aria-label": `Remove PS ${each.ps}`, onclick: () => drop(each.ps) }, "Remove") },
    ], state.chosen.map((each, k) => [each, k]));
  }

  function write() {
    const place = h("div", { class: "drawing" });
    const many = h("details", {}, h("summary", {}, "The numbers as a table"), numbers());
    const lines = answer.series.filter((each) => !(each.ps === answer.minus));
    put(body,
      h("p", { class: "quiet" }, `${capital(answer.meaning)}. In ${answer.unit}, ${answer.sign}; relative to ${answer.reference} and to ${answer.master}. `
        + "Line: weighted straight line; band: velocity ± one deviation; hollow: outlier."),
      options(), place, list(answer.series), many);
    drawing?.abort();
    drawing = new AbortController();
    signal.addEventListener("abort", () => drawing.abort(), { once: true });
    responsive(place, (width) => draw(width, lines), drawing.signal);
  }

  function draw(width, lines) {
    const days = answer.dates.map(dayOf);
    const number = (each) => state.chosen.findIndex((one) => one.ps === each.ps);
    const values = lines.flatMap((each) => [...each.displacement, ...each.line]);
    const x = around(days, 0.03), master = dayOf(answer.master);
    return chart({
      width, x: { ...x, dates: true, label: "date" }, y: { ...around(values), label: "displacement [mm]" },
      label: `Displacement of ${lines.length} points from ${answer.dates[0]} to ${answer.dates.at(-1)}`,
      layers: [
        (at) => h("path", { d: `M${at.x(master).toFixed(1)} ${at.top}V${at.lower}`, class: "master" }),
        ...lines.map((each) => band(days.map((day, k) => [day, each.line[k] - each.band[k], each.line[k] + each.band[k]]), number(each))),
        ...lines.map((each) => line(days.map((day, k) => [day, each.line[k]]), number(each))),
        ...(state.wave ? lines.filter((each) => each.wave).map((each) =>
          line(each.wave.days.map((day, k) => [master + day, each.wave.displacement[k]]), number(each), { class: "thin" })) : []),
        ...lines.map((each) => marks(days.map((day, k) => ({
          x: day, y: each.displacement[k], error: each.spread?.[k], far: each.outliers[k],
          text: `PS ${each.ps}, ${answer.dates[k]}: ${shown(each.displacement[k], 2)} mm`,
        })), number(each), days.length > 120 ? 0.7 : 1)),
      ],
    });
  }

  function numbers() {
    return table("Displacements in mm", [
      { name: "Date", of: (k) => answer.dates[k] },
      ...answer.series.map((each) => ({ name: `PS ${each.ps}`, numeric: true, of: (k) => shown(each.displacement[k], 2) })),
    ], answer.dates.map((_, k) => k), { id: "series-table" });
  }

  empty();
  put(element, h("h2", { id: "series-title" }, "Time series"), body);
  return { element, add, refresh };
}

