// Values along a line that was drawn on the map.

import { around, chart, line, marks, responsive } from "./chart.js";
import { h, put, redraw, table } from "./elements.js";
import { count } from "./format.js";
import { capital, metres, shown } from "./numbers.js";
import { left, query, ready } from "./results.js";

export function profilePanel({ base, signal, state, request }) {
  const element = h("section", { class: "profile", "aria-labelledby": "profile-title", hidden: true });
  const body = h("div", {});
  put(element, h("h2", { id: "profile-title" }, "Profile"), body);
  let drawing = null;
  let questions = 0;

  async function refresh() {
    questions += 1;
    const mine = questions; // an answer that comes late is not shown
    element.hidden = state.profile.length < 2;
    if (element.hidden) return;
    const [from, to] = state.profile;
    const { low, high, ...asked } = request();
    try {
      const found = await ready(`${base}/profile${query({
        ...asked, lon: from.lon, lat: from.lat, lon2: to.lon, lat2: to.lat, width: state.width,
      })}`, { signal });
      if (mine === questions) write(found);
    } catch (error) {
      if (!left(error) && mine === questions) put(body, width(), h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)));
    }
  }

  function width() {
    return h("div", { class: "options" }, h("label", { class: "field", for: "stripe" }, "Width [m]", h("input", {
      id: "stripe", "data-key": "stripe", type: "number", min: 1, step: "any", value: state.width,
      onchange: (event) => { if (Number(event.target.value) > 0) { state.width = Number(event.target.value); refresh(); } },
    })));
  }

  function write(answer) {
    const place = h("div", { class: "drawing" });
    redraw(body, h("p", { class: "quiet" }, `${capital(answer.meaning)}; ${count(answer.points)} points within ${metres(answer.width_m / 2)} `
      + `of the line from A to B, ${metres(answer.length_m)} long${answer.reference ? `; relative to ${answer.reference}` : ""}. Line: mean of each part.`),
    width(), place, h("details", { "data-key": "means" }, h("summary", { "data-key": "means-title" }, "The means as a table"), table("Means along the profile", [
      { name: "Distance [m]", numeric: true, of: (each) => count(each.distance_m) },
      { name: `Mean${answer.unit ? ` [${answer.unit}]` : ""}`, numeric: true, of: (each) => shown(each.mean, 2) },
      { name: "Deviation", numeric: true, of: (each) => shown(each.deviation, 2) },
      { name: "Points", numeric: true, of: (each) => each.points },
    ], answer.means)));
    drawing?.abort();
    drawing = new AbortController();
    signal.addEventListener("abort", () => drawing.abort(), { once: true });
    responsive(place, (pixels) => chart({
      width: pixels, height: 260, label: `Profile of ${answer.meaning}`,
      x: { low: 0, high: answer.length_m, label: "distance from A [m]" },
      y: { ...around(answer.values), label: answer.unit ? `[${answer.unit}]` : "value" },
      layers: [
        marks(answer.distance_m.map((x, k) => ({ x, y: answer.values[k], text: `PS ${answer.ps[k]}: ${shown(answer.values[k], 2)}` })), 0, 0.4),
        line(answer.means.map((each) => [each.distance_m, each.mean]), 1, { dash: "none", class: "thick" }),
      ],
    }), drawing.signal);
  }

  return { element, refresh };
}
