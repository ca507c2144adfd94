// What colours mean: a bar with its ends, unit and sign.

import { h } from "./elements.js";
import { capital, decimalsOf, shown, stepOf, ticks } from "./numbers.js";

const WIDTH = 360, HIGH = 12;

/** The bar of a layer or a panel: {palette, meaning, label, unit}, between two values. */
export function colourBar(layer, low, high) {
  const each = WIDTH / layer.palette.length;
  const step = stepOf(high - low, 5);
  const cycle = layer.colours === "cycle";
  const inside = cycle ? [[-Math.PI, "−π"], [-Math.PI / 2, "−π/2"], [0, "0"], [Math.PI / 2, "π/2"], [Math.PI, "π"]]
    : ticks(low, high, 5).map((value) => [value, shown(value, decimalsOf(step))]);
  const at = (value) => ((value - low) / (high - low)) * WIDTH;
  const text = `${layer.meaning}${layer.label ? ` [${layer.label}]` : ""}`;
  return h("figure", { class: "colourbar" },
    h("figcaption", {}, h("strong", {}, capital(layer.meaning)), layer.label ? h("span", { class: "quiet" }, ` ${layer.label}`) : null),
    h("svg", { viewBox: `-14 0 ${WIDTH + 28} 32`, role: "img", "aria-label": `Colours of ${text}, from ${shown(low, 2)} to ${shown(high, 2)}` },
      layer.palette.map((colour, k) => h("rect", { x: k * each, y: 0, width: each + 0.5, height: HIGH, fill: colour })),
      inside.map(([value, written]) => [
        h("path", { d: `M${at(value).toFixed(1)} ${HIGH}v4`, class: "tick" }),
        h("text", { x: at(value), y: HIGH + 17, "text-anchor": "middle", class: "label" }, written)])));
}

/** Parts of a line of text, those that there are. */
export function said(parts) {
  return parts.filter(Boolean).join(" · ");
}
