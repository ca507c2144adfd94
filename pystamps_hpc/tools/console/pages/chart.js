// Charts as SVG: points with marks and dashes of their own, bands, lines, bars.

import { h, tip } from "./elements.js";
import { dateTicks, decimalsOf, shown, stepOf, ticks } from "./numbers.js";

const ROOM = { left: 58, right: 14, top: 14, bottom: 44 };
const HEIGHT = 300;

const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.6 -3.6H3.6V3.6H-3.6Z", "M0 -4.8L4.6 3.6H-4.6Z",
  "M0 -5L5 0L0 5L-5 0Z", "M0 4.8L4.6 -3.6H-4.6Z", "M-5 -1.6H-1.6V-5H1.6V-1.6H5V1.6H1.6V5H-1.6V1.6H-5Z",
  "M0 -5L1.4 -1.5H5L2.2 0.9L3.2 4.6L0 2.4L-3.2 4.6L-2.2 0.9L-5 -1.5H-1.4Z", "M-4 -4L4 -4L0 0L4 4H-4L0 0Z",
];
const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2 1 2", "1 4", "14 3 3 3"];
export const NAMES = ["circle", "square", "triangle", "diamond", "triangle down", "plus", "star", "hourglass"];
export const MOST = SHAPES.length;

/** The mark of a series, at a place of a drawing. */
export function mark(number, x = 0, y = 0, { hollow = false, size = 1 } = {}) {
  return h("path", {
    d: SHAPES[number % MOST], class: `mark s${number % MOST}${hollow ? " hollow" : ""}`,
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${size})`,
  });
}

/** The mark of a series in a line of text. */
export function sample(number) {
  return h("svg", { width: 34, height: 14, viewBox: "-17 -7 34 14", class: "sample", "aria-hidden": "true" },
    h("path", { d: "M-17 0H17", class: `stroke s${number % MOST}`, "stroke-dasharray": DASHES[number % MOST] }),
    mark(number));
}

/**
 * Draw a chart of `width` pixels. `x` and `y` are {low, high, label, dates?, written?(value)}; `layers`
 * are functions of {x, y}, which turn values into pixels, and return elements. `label` says what it is.
 */
export function chart({ width, height = HEIGHT, x, y, layers, label, zero = true }) {
  const right = width - ROOM.right, lower = height - ROOM.bottom;
  const atX = (value) => ROOM.left + ((value - x.low) / (x.high - x.low)) * (right - ROOM.left);
  const atY = (value) => lower - ((value - y.low) / (y.high - y.low)) * (lower - ROOM.top);
  const place = { x: atX, y: atY, right, lower, left: ROOM.left, top: ROOM.top };
  return h("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": label },
    h("g", { class: "axis" }, across(x, place), upwards(y, place, zero),
      h("text", { x: (ROOM.left + right) / 2, y: height - 6, "text-anchor": "middle", class: "title" }, x.label),
      h("text", { transform: `translate(14 ${(ROOM.top + lower) / 2}) rotate(-90)`, "text-anchor": "middle", class: "title" }, y.label)),
    layers.map((layer) => layer(place)));
}

function across(x, place) {
  const most = Math.max(2, Math.floor((place.right - place.left) / 78));
  const decimals = x.dates ? 0 : decimalsOf(stepOf(x.high - x.low, most));
  const found = x.dates ? dateTicks(x.low, x.high, most)
    : ticks(x.low, x.high, most).map((value) => [value, shown(value, decimals)]);
  return found.map(([value, text]) => [
    h("path", { d: `M${place.x(value).toFixed(1)} ${place.lower}v5`, class: "tick" }),
    h("text", { x: place.x(value), y: place.lower + 18, "text-anchor": "middle" }, text)]);
}

function upwards(y, place, zero) {
  const most = Math.max(2, Math.floor((place.lower - place.top) / 34));
  const step = stepOf(y.high - y.low, most);
  const decimals = decimalsOf(step);
  return ticks(y.low, y.high, most).map((value) => [
    h("path", {
      d: `M${place.left} ${place.y(value).toFixed(1)}H${place.right}`,
      class: zero && Math.abs(value) < step / 1e6 ? "grid zero" : "grid",
    }),
    h("text", { x: place.left - 8, y: place.y(value) + 4, "text-anchor": "end" }, y.written?.(value) ?? shown(value, decimals))]);
}

/** A line through points, [[x, y], ...]; a gap where y is null. */
export function line(points, number, more = {}) {
  return (place) => h("path", {
    d: path(points, place), class: `stroke s${number % MOST} ${more.class ?? ""}`,
    "stroke-dasharray": more.dash ?? DASHES[number % MOST],
  });
}

/** A band between two heights, [[x, low, high], ...]. */
export function band(points, number) {
  const known = points.filter((point) => point.every(Number.isFinite));
  if (known.length < 2) return () => null;
  return (place) => {
    const upper = known.map(([x, , high]) => `${place.x(x).toFixed(1)} ${place.y(high).toFixed(1)}`);
    const lower = known.map(([x, low]) => `${place.x(x).toFixed(1)} ${place.y(low).toFixed(1)}`).reverse();
    return h("path", { d: `M${upper.join("L")}L${lower.join("L")}Z`, class: `band s${number % MOST}` });
  };
}

/** Marks of points, [{x, y, error?, far?, text}]; what is far is hollow. */
export function marks(points, number, size = 1) {
  return (place) => points.filter((point) => Number.isFinite(point.y)).map((point) => {
    const x = place.x(point.x), y = place.y(point.y);
    const bar = point.error ? h("path", {
      d: `M${x.toFixed(1)} ${place.y(point.y - point.error).toFixed(1)}V${place.y(point.y + point.error).toFixed(1)}`,
      class: `bar s${number % MOST}`,
    }) : null;
    return h("g", {}, point.text ? tip(point.text) : null, bar, mark(number, x, y, { hollow: point.far, size }));
  });
}

/** Bars between edges; `kind` is their class. */
export function bars(edges, counts, kind, least = 0) {
  return (place) => counts.map((count, k) => (count > least ? h("rect", {
    x: place.x(edges[k]).toFixed(1), y: place.y(count).toFixed(1), class: kind,
    width: Math.max(place.x(edges[k + 1]) - place.x(edges[k]) - 0.5, 0.5).toFixed(1),
    height: Math.max(place.lower - place.y(count), 0.5).toFixed(1),
  }) : null));
}

/** A vertical line with a text. */
export function upright(value, text, kind = "limit") {
  return (place) => [
    h("path", { d: `M${place.x(value).toFixed(1)} ${place.top}V${place.lower}`, class: kind }),
    h("text", { x: place.x(value) + 4, y: place.top + 10, class: "note" }, text)];
}

/** The ends of an axis that hold values, with a margin. */
export function around(values, margin = 0.06) {
  const known = values.filter(Number.isFinite);
  if (!known.length) return { low: -1, high: 1 };
  const low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
  const room = (high - low || Math.abs(high) || 1) * margin;
  return { low: low - room, high: high + room };
}

/** Draw into an element at its width, again when that changes, until `signal` is aborted. */
export function responsive(element, draw, signal) {
  let width = 0;
  const again = () => {
    const now = Math.max(Math.floor(element.clientWidth), 260);
    if (now !== width) { width = now; element.replaceChildren(draw(width)); }
  };
  const watch = new ResizeObserver(again);
  watch.observe(element);
  signal.addEventListener("abort", () => watch.disconnect(), { once: true });
  again();
}

function path(points, place) {
  let pen = "M", text = "";
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) { pen = "M"; continue; }
    text += `${pen}${place.x(x).toFixed(1)} ${place.y(y).toFixed(1)}`;
    pen = "L";
  }
  return text;
}

