// The page of runs: how far the dataset is, what runs, what has run, and one run in detail.

import { get, pause, post, repeat } from "./api.js";
import { h, put, redraw, say, table } from "./elements.js";
import { badge, count, duration, moment, plural, typedCommand, word } from "./format.js";
import { matrix } from "./matrix.js";
import { runDetail } from "./rundetail.js";

const EVERY = 2000; // milliseconds
const SELDOM = 10_000; // the matrix without a run
const SOON = 500; // while it comes in pieces
const LAST_STAGE = 8;

/** Fill the page and keep it up to date until `signal` is aborted. */
export async function show(place, dataset, signal) {
  const base = `/datasets/${dataset.number}`;
  const parts = {
    now: h("div", { class: "now" }), problem: h("div", { "aria-live": "assertive" }),
    control: h("div", {}), matrix: h("div", { class: "stack" }), runs: h("div", {}), detail: h("section", {
      "aria-labelledby": "run" }),
  };
  const view = { list: null, matrix: "", lines: false, chosen: null, detail: null, said: "", problem: "", running: false };
  put(place, h("h1", {}, "Runs"), parts.now, parts.problem, parts.control,
    h("h2", {}, "Stages"), parts.matrix, h("h2", {}, "All runs"), parts.runs, parts.detail);
  put(parts.control, control(dataset, act, signal));

  async function act(path, body) {
    try {
      await post(`${base}/${path}`, body);
      problem("");
      await update();
    } catch (error) {
      problem(error.message);
    }
  }

  function problem(text) {
    if (text === view.problem) return; // or it would be read out again and again
    view.problem = text;
    put(parts.problem, text && h("p", { class: "problem" }, text));
  }

  function drawMatrix(answer) {
    view.matrix = JSON.stringify(answer);
    redraw(parts.matrix, matrix(answer, view.lines, () => { view.lines = true; drawMatrix(answer); }));
  }

  async function updateMatrix() {
    const answer = await get(`${base}/matrix`, { signal });
    if (JSON.stringify(answer) !== view.matrix) drawMatrix(answer);
    return answer.pending > 0;
  }

  function choose(run) {
    if (view.detail?.run === run.run_id) return;
    put(parts.detail);
    view.detail = { run: run.run_id, ...runDetail(parts.detail, dataset, run, signal) };
  }

  function drawRuns(list) {
    redraw(parts.runs, list.runs.length === 0
      ? h("p", { class: "quiet" }, "Nothing has run here yet.")
      : table("Runs", columns(view, (run) => {
        view.chosen = run.run_id;
        choose(run);
        update().catch((error) => problem(error.message));
        parts.detail.scrollIntoView({ behavior: "smooth" });
      }), list.runs),
    list.more > 0 && h("p", { class: "quiet" }, `${plural(list.more, "older run")} not shown.`));
  }

  let work = Promise.resolve(); // one at a time: each goes on where the last has stopped reading
  function update() {
    work = work.catch(() => {}).then(look);
    return work;
  }

  async function look() {
    const list = await get(`${base}/runs`, { signal });
    const running = list.runs.find((run) => run.state === "running");
    if (JSON.stringify(list) !== JSON.stringify(view.list)) {
      view.list = list;
      redraw(parts.now, now(list, running, dataset, act));
      drawRuns(list);
      tell(list.runs[0]);
    }
    const run = list.runs.find((each) => each.run_id === view.chosen) ?? list.runs[0];
    if (run) {
      choose(run);
      await view.detail.update(run);
    }
    view.running = Boolean(running);
  }

  /** Say when a run has changed its state, to who does not see it. */
  function tell(run) {
    const said = run ? `${run.run_id}: ${run.state}` : "";
    if (view.said && said !== view.said) {
      say(said);
      updateMatrix().catch((error) => problem(error.message));
    }
    view.said = said;
  }

  let lost = false;
  async function told(action) {
    try {
      await action();
      if (lost) problem("");
      lost = false;
    } catch (error) {
      if (signal.aborted) return;
      lost = true;
      problem(error.message);
    }
  }

  async function keepMatrix() { // by itself: of very many patches it comes in pieces
    while (!signal.aborted) {
      let pending = false;
      if (!document.hidden) await told(async () => { pending = await updateMatrix(); });
      const until = Date.now() + (pending ? 0 : SELDOM);
      do await pause(pending ? SOON : EVERY, signal); // a run that begins is not waited for
      while (!signal.aborted && !view.running && Date.now() < until);
    }
  }
  await Promise.all([repeat(() => told(update), EVERY, signal), keepMatrix()]);
}

function columns(view, onChoose) {
  return [
    { name: "State", of: (run) => badge(run.state) },
    { name: "Run", of: (run) => h("button", {
      type: "button", class: "link mono", "data-key": run.run_id, onclick: () => onChoose(run),
      title: "Show this run" }, run.run_id) },
    { name: "Begun", of: (run) => moment(run.started_utc) },
    { name: "Time", numeric: true, of: (run) => duration(run.wall_sec) },
    { name: "Tasks", of: (run) => Object.entries(run.counts).filter(([, number]) => number > 0)
      .map(([state, number]) => `${count(number)} ${word(state)}`).join(", ") },
    { name: "Command", of: (run) => h("code", { class: "cut", title: typedCommand(run.command) },
      typedCommand(run.command)) },
  ];
}

function now(list, running, dataset, act) {
  const { job } = list;
  const refused = job && job.exit_code !== null && ![0, 6, 75, 130, 143].includes(job.exit_code);
  const other = list.locked_by.find((owner) => owner.alive && owner.run_id !== running?.run_id);
  const begins = job && job.exit_code === null && !(list.runs[0]?.started_utc >= job.started_utc);
  const total = running ? Object.values(running.counts).reduce((sum, each) => sum + each, 0) : 0;
  const left = running ? (running.counts.waiting ?? 0) + (running.counts.running ?? 0) : 0;
  return [
    running && h("p", { class: "banner" }, badge("running"), ` ${running.why}, since `,
      moment(running.started_utc), `: ${count(total - left)} of ${plural(total, "task")} done. `,
      dataset.allowRun && job && job.exit_code === null && h("button", {
        type: "button", "data-key": "stop", disabled: job.stopping, onclick: () => act("stop", {}) },
      job.stopping ? "Stopping at the next safe point" : "Stop")),
    !running && h("p", { class: "banner" }, begins ? "A run is starting …" : "No run goes on."),
    other && h("p", { class: "quiet" }, `Held by ${other.run_id} of ${other.user} on ${other.host}`
      + ` since ${other.started_utc}.`),
    refused && job.last_words && h("details", { class: "problem", "data-key": "refused", open: true },
      h("summary", {}, `The run that was started here ended with ${job.exit_code}`),
      h("pre", { "data-key": "last-words" }, job.last_words.trim())),
  ];
}

/** The form: a window of stages, its plan, and with --allow-run its start. */
function control(dataset, act, signal) {
  const plan = h("div", { "aria-live": "polite" });
  const choice = (id, chosen) => h("select", { id }, Array.from({ length: LAST_STAGE }, (_, k) =>
    h("option", { value: k + 1, selected: k + 1 === chosen }, k + 1)));
  const start = choice("start", 1);
  const end = choice("end", LAST_STAGE);
  const force = h("input", { type: "checkbox", id: "force" });
  async function showPlan() {
    put(plan, h("p", { class: "quiet" }, "Planning …"));
    try {
      const path = `/datasets/${dataset.number}/plan?start=${start.value}&end=${end.value}`;
      put(plan, planned(await get(path, { signal })));
    } catch (error) {
      if (!signal.aborted) put(plan, h("p", { class: "problem" }, error.message));
    }
  }
  return h("form", {
    class: "control", "aria-label": "Run stages",
    onsubmit: (event) => {
      event.preventDefault();
      act("runs", { start: Number(start.value), end: Number(end.value), force: force.checked });
    },
  },
  h("label", { class: "field", for: "start" }, "From stage", start),
  h("label", { class: "field", for: "end" }, "to", end),
  h("button", { type: "button", onclick: showPlan }, "What would run?"),
  dataset.allowRun && [
    h("label", { class: "field", for: "force" }, force, "also what is finished"),
    h("button", { type: "submit", class: "main" }, "Start")],
  plan);
}

function planned(document) {
  const groups = new Map();
  for (const row of document.results) {
    const key = `${row.stage} ${row.scope} ${row.status}`;
    const group = groups.get(key) ?? { ...row, number: 0 };
    group.number += 1;
    groups.set(key, group);
  }
  return [
    table("What a run would do", [
      { name: "Stage", numeric: true, of: (row) => row.stage },
      { name: "Scope", of: (row) => row.scope },
      { name: "Tasks", numeric: true, of: (row) => count(row.number) },
      { name: "Plan", of: (row) => badge(row.status) },
      { name: "", of: (row) => row.details },
    ], [...groups.values()]),
    document.would_make?.length > 0 && h("p", {}, `Would make ${document.would_make.join(", ")}.`),
  ];
}
