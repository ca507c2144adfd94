// The page Selection: what the candidates were judged by, and how many every stage kept.

import { bars, chart, responsive, upright } from "./chart.js";
import { h, put, table } from "./elements.js";
import { count } from "./format.js";
import { shown } from "./numbers.js";
import { ready } from "./results.js";

export async function show(place, dataset, signal) {
  const base = `/datasets/${dataset.number}`;
  put(place, h("h1", {}, "Selection"), h("p", { class: "quiet", role: "status" }, "The candidates are being counted …"));
  const found = await ready(`${base}/selection`, { signal });
  const funnel = h("div", { class: "drawing funnel" });
  const parts = [
    histogram(found.coherence, "Coherence", "candidates", signal, "stage 2 has not run"),
    histogram(found.dispersion, "Amplitude dispersion", "candidates", signal, "stage 1 found no pscands.1.da"),
    histogram(found.noise, "Noise", "selected candidates", signal, "stage 4 has not weeded by noise"),
  ];
  put(place, h("h1", {}, "Selection"),
    h("section", { "aria-labelledby": "funnel" }, h("h2", { id: "funnel" }, "What each stage kept"),
      h("p", { class: "quiet" }, `${found.patches} patches; a pixel of several patches counts once. Stage 5 may average points.`),
      funnel, steps(found.funnel)),
    h("div", { class: "charts" }, parts.map((each) => each.element)));
  responsive(funnel, (width) => drawFunnel(width, found.funnel), signal);
  for (const each of parts) each.draw?.();
}

function steps(funnel) {
  const first = funnel[0].points;
  return table("What each stage kept", [
    { name: "Stage", of: ([each]) => each.name },
    { name: "Points", numeric: true, of: ([each]) => count(each.points) },
    { name: "Of the candidates", numeric: true, of: ([each]) => share(each.points, first) },
    { name: "Of the step before", numeric: true, of: ([each, k]) => (k ? share(each.points, funnel[k - 1].points) : "–") },
  ], funnel.map((each, k) => [each, k]));
}

function share(part, whole) {
  return whole ? `${shown((100 * part) / whole, 1)} %` : "–";
}

function drawFunnel(width, funnel) {
  const high = 40, most = Math.max(...funnel.map((each) => each.points), 1), name = Math.min(170, width * 0.5);
  const room = width - name - 90;
  return h("svg", { width, height: funnel.length * high + 8, class: "chart", role: "img",
    "aria-label": funnel.map((each) => `${each.name}: ${count(each.points)}`).join(", ") },
  funnel.map((each, k) => {
    const long = Math.max((each.points / most) * room, 1), y = k * high + 8;
    return [h("text", { x: name - 8, y: y + 20, "text-anchor": "end", class: "title" }, each.name),
      h("rect", { x: name, y, width: long, height: high - 10, rx: 2, class: "share" }),
      h("text", { x: name + long + 8, y: y + 20, class: "title" }, count(each.points))];
  }));
}

function power(value) {
  return Number.isInteger(value) ? count(10 ** value) : "";
}

function histogram(found, title, what, signal, missing) {
  const place = h("div", { class: "drawing" });
  if (!found) return { element: h("section", {}, h("h2", {}, title), h("p", { class: "quiet" }, missing)) };
  const parts = [`${what}: grey`, found.kept && "kept: blue in front", found.random && "random: outline"].filter(Boolean).join("; ");
  const limit = found.limit === null ? "" : ` ${found.parameter}: ${shown(found.limit, 2)}.`;
  const unit = found.unit ? ` [${found.unit}]` : "";
  const element = h("section", {}, h("h2", {}, title), h("p", { class: "quiet small" }, `${parts}.${limit}`), place,
    h("details", {}, h("summary", {}, "The numbers as a table"), table(title, [
      { name: `From${unit}`, numeric: true, of: (k) => shown(found.edges[k], 3) },
      { name: what, numeric: true, of: (k) => count(found.all[k]) },
      { name: "Kept", numeric: true, of: (k) => (found.kept ? count(found.kept[k]) : "–") },
      { name: "Random", numeric: true, of: (k) => (found.random ? count(Math.round(found.random[k])) : "–") },
    ], found.all.map((_, k) => k).filter((k) => found.all[k] || found.random?.[k] >= 1))));
  const log = Boolean(found.random);
  const high = log ? (value) => Math.log10(Math.max(value, 0.7)) : (value) => value;
  const top = Math.max(...found.all, 1);
  return {
    element,
    draw: () => responsive(place, (width) => chart({
      width, height: 250, label: `Histogram of ${found.meaning}, ${what}`,
      x: { low: Math.max(found.edges[0], 0), high: found.edges.at(-1), label: `${found.meaning}${unit}` },
      y: log ? { low: -0.155, high: Math.log10(top) + 0.3, label: what, written: power } : { low: 0, high: 1.06 * top, label: what },
      layers: [
        bars(found.edges, found.all.map(high), "all", log ? -0.15 : 0),
        ...(found.kept ? [bars(found.edges, found.kept.map(high), "kept", log ? -0.15 : 0)] : []),
        ...(found.random ? [(at) => h("polyline", { class: "random", points: found.random.map((value, k) =>
          `${at.x((found.edges[k] + found.edges[k + 1]) / 2).toFixed(1)},${at.y(high(value)).toFixed(1)}`).join(" ") })] : []),
        ...(found.limit === null ? [] : [upright(found.limit, shown(found.limit, 2))]),
      ],
    }), signal),
  };
}
