// The page of coverage and backends: what runs natively here, and what is certified.

import { get } from "./api.js";
import { h, put, table } from "./elements.js";

/** Fill the page. */
export async function show(place, dataset, signal) {
  const [coverage, backends] = await Promise.all(
    [get("/coverage", { signal }), get("/backends", { signal })]);
  const { summary } = coverage;
  put(place, h("h1", {}, "Coverage and backends"),
    h("p", {}, `Of ${summary.scopes} stages of both modes ${summary.native_executable} run natively `
      + `by themselves on this machine; ${summary.parity_certified} are certified to equal StaMPS.`),
    table("Stages", [
      { name: "Mode", of: (row) => (row.mode === "sb" ? "small baselines" : "single master") },
      { name: "Stage", numeric: true, of: (row) => row.stage },
      { name: "What it does", of: (row) => row.name },
      { name: "Scope", of: (row) => row.scope },
      { name: "Native", of: (row) => verdict(row.native_executable) },
      { name: "GPU", of: (row) => verdict(row.cuda_executable) },
      { name: "MPI", of: (row) => verdict(row.mpi_parallel) },
      { name: "Certified", of: (row) => verdict(row.parity_certified) },
      { name: "What stands in the way", of: (row) => row.blockers.join("; ") },
    ], coverage.scopes),
    h("h2", {}, "Backends on this machine"),
    table("Backends", [
      { name: "Backend", of: ([name]) => name },
      { name: "Here", of: ([, each]) => verdict(each.available) },
      { name: "What it is", of: ([, each]) => [each.description, each.unavailable_reason
        && h("span", { class: "quiet" }, ` (${each.unavailable_reason})`)] },
    ], Object.entries(backends.providers)),
    h("h2", {}, "Programs"),
    table("Programs", [
      { name: "Program", of: ([name]) => name },
      { name: "Found", of: ([, path]) => path ?? h("span", { class: "quiet" }, "not found") },
    ], Object.entries(backends.external_tools)),
    h("h2", {}, "Kernels"),
    table("Kernels", [
      { name: "Kernel", of: ([name]) => h("code", {}, name) },
      { name: "What it does", of: ([, each]) => each.summary },
      { name: "Arithmetic", of: ([, each]) => each.forms.join(", ") },
      { name: "Runs here on", of: ([, each]) => each.available_backends.join(", ") },
    ], Object.entries(backends.kernels)));
}

function verdict(yes) {
  return h("span", { class: yes ? "yes" : "no" }, h("span", { "aria-hidden": "true" }, yes ? "✓ " : "✕ "),
    yes ? "yes" : "no");
}
