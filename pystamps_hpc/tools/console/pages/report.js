// The report of a run: what came of it, stage by stage.

import { h, table } from "./elements.js";
import { count, duration } from "./format.js";

const PARTS = ["candidates", "selected", "weeded", "merged"];

/** The report as elements; one that is not whole yet says so. */
export function report(document) {
  const { stages = [], funnel = [], warnings = [], products = {}, mpi } = document;
  return [
    document.partial && h("p", { class: "quiet" }, "The run has no end yet: this is known by now."),
    facts({
      "exit code": document.exit_code, version: document.version,
      ranks: mpi?.size, library: mpi?.library, wall: duration(document.wall_sec),
      products: Object.values(products).join(", "),
    }),
    warnings.length > 0 && h("ul", { class: "warnings" }, warnings.map((text) => h("li", {}, text))),
    stages.length > 0 && table("Times of the stages", [
      { name: "Stage", numeric: true, of: (row) => row.stage },
      { name: "Scope", of: (row) => row.scope },
      { name: "Wall", numeric: true, of: (row) => duration(row.wall_sec) },
      { name: "Sum", numeric: true, of: (row) => duration(row.sum_sec) },
      { name: "Ranks used", numeric: true, of: (row) => share(row.efficiency) },
    ], stages, { class: "narrow" }),
    funnel.length > 0 && table("Points", PARTS.map((name) => (
      { name, numeric: true, of: (sums) => count(sums[name]) })), [sums(funnel)], { class: "narrow" }),
    (document.dropped_patches ?? []).length > 0 && h("p", {},
      `Without PS and left out: ${document.dropped_patches.slice(0, 12).join(", ")}.`),
  ];
}

function sums(funnel) {
  return Object.fromEntries(PARTS.map((name) => [name, funnel.some((row) => row[name] !== null)
    ? funnel.reduce((sum, row) => sum + (row[name] ?? 0), 0) : null]));
}

function share(value) {
  return value === null || value === undefined ? "" : `${Math.round(100 * value)} %`;
}

/** Names and values in two columns; what has no value is left out. */
export function facts(values) {
  return h("dl", { class: "facts" }, Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
