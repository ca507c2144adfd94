// The network of interferograms: images by date and baseline, pairs by their noise.

import { around, chart, mark, responsive } from "./chart.js";
import { h, tip } from "./elements.js";
import { dayOf, shown } from "./numbers.js";

const drawn = new WeakMap(); // element -> what ends the drawing that is in it

/** Draw it into an element until `signal` is aborted. */
export function network(element, found, dropped, signal) {
  drawn.get(element)?.abort();
  const mine = new AbortController();
  drawn.set(element, mine);
  signal.addEventListener("abort", () => mine.abort(), { once: true });
  const days = new Map(found.places.map((each) => [each.date, [dayOf(each.date), each.bperp_m]]));
  const label = `${found.interferograms} interferograms of ${found.images} images, ${dropped.size} dropped`;
  responsive(element, (width) => chart({
    width, height: 340, label, zero: false,
    x: { ...around([...days.values()].map(([day]) => day), 0.04), dates: true, label: "date" },
    y: { ...around([...days.values()].map(([, bperp]) => bperp), 0.1), label: "baseline to the master [m]" },
    layers: [
      (at) => found.pairs.map((pair) => edge(pair, days, at, found.noise_limit_deg, dropped.has(pair.number))),
      (at) => found.places.map((each) => image(each, at, each.date === found.master)),
    ],
  }), mine.signal);
}

function edge(pair, days, at, limit, dropped) {
  const [[x1, y1], [x2, y2]] = [days.get(pair.first), days.get(pair.second)];
  const noisy = pair.noise_deg !== null && pair.noise_deg > limit;
  return h("path", {
    d: `M${at.x(x1).toFixed(1)} ${at.y(y1).toFixed(1)}L${at.x(x2).toFixed(1)} ${at.y(y2).toFixed(1)}`,
    class: `edge${noisy ? " noisy" : ""}${dropped ? " dropped" : ""}`,
  }, tip(`${pair.number}: ${pair.first} to ${pair.second}, ${shown(pair.bperp_m, 0)} m, noise ${shown(pair.noise_deg, 1)}°${dropped ? ", dropped" : ""}`));
}

function image(each, at, master) {
  const x = at.x(dayOf(each.date)), y = at.y(each.bperp_m);
  return h("g", {}, tip(`${each.date}${master ? ", master" : ""}, ${shown(each.bperp_m, 0)} m`),
    master ? mark(3, x, y, { size: 1.4 }) : h("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 3.2, class: "image" }));
}
