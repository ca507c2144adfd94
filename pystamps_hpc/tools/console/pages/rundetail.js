// One run: its tasks and their times, log, events and report, kept up to date.

import { get, quoted } from "./api.js";
import { h, put, redraw, table } from "./elements.js";
import { badge, count, duration, moment, plural, typedCommand, word } from "./format.js";
import { report } from "./report.js";
import { timeline } from "./timeline.js";

const ROWS = 60;
const MOST_LOG = 400_000; // characters
const MOST_EVENTS = 300;
const FIRST = { running: 0, failed: 1 };

/** A view of one run in an element; `update(run)` brings it up to date. */
export function runDetail(place, dataset, run, signal) {
  const base = `/datasets/${dataset.number}/runs/${quoted(run.run_id)}`;
  const view = { tasks: new Map(), cursor: "", state: "", rows: ROWS, drawn: "" };
  const parts = {
    title: h("h2", { id: "run" }), line: h("p", {}), warning: h("div", {}), times: h("div", {}),
    choice: h("div", {}), tasks: h("div", {}), log: logPart(), events: eventPart(), report: h("div", {}),
  };
  put(place, parts.title, parts.line, parts.warning, h("h3", {}, "Time"), parts.times,
    h("h3", {}, "Tasks"), parts.choice, parts.tasks, h("h3", {}, "Log"), parts.log.element,
    h("details", { ontoggle: (event) => parts.events.open(event.target.open) },
      h("summary", {}, "Events"), parts.events.element),
    h("details", { ontoggle: (event) => event.target.open && showReport() },
      h("summary", {}, "Report"), parts.report));

  async function showReport() {
    try {
      put(parts.report, report(await get(base, { signal })));
    } catch (error) {
      if (!signal.aborted) put(parts.report, h("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  function drawTasks() {
    const all = [...view.tasks.values()];
    const shown = all.filter((task) => !view.state || task.state === view.state)
      .sort((a, b) => (FIRST[a.state] ?? 2) - (FIRST[b.state] ?? 2));
    const states = [...new Set(all.map((task) => task.state))];
    if (!parts.choice.contains(document.activeElement)) { // or its open list would close
      put(parts.choice, h("p", { class: "field" }, h("label", { for: "of-state" }, "Show"), h("select", {
        id: "of-state", onchange: (event) => { view.state = event.target.value; drawTasks(); },
      }, h("option", { value: "" }, `all ${count(all.length)}`), states.map((state) => h("option",
        { value: state, selected: state === view.state },
        `${word(state)} (${count(all.filter((task) => task.state === state).length)})`)))));
    }
    redraw(parts.tasks,
      shown.length > 0 && table("Tasks of the run", COLUMNS, shown.slice(0, view.rows)),
      shown.length > view.rows && h("p", {}, h("button", {
        type: "button", "data-key": "more-rows",
        onclick: () => { view.rows *= 4; drawTasks(); },
      }, `Show more of ${plural(shown.length, "task")}`)));
    put(parts.times, timeline(all, parts.times.clientWidth || 900, Date.now() / 1000));
  }

  async function update(now) {
    const drawn = JSON.stringify(now);
    if (drawn !== view.drawn) {
      view.drawn = drawn;
      put(parts.title, "Run ", h("span", { class: "mono" }, now.run_id), " ", badge(now.state));
      put(parts.line, sentence(now));
    }
    const { tasks, next } = await get(`${base}/tasks?after=${view.cursor}`, { signal });
    for (const task of tasks) view.tasks.set(`${task.stage} ${task.scope} ${task.target}`, task);
    const live = now.state === "running";
    if (tasks.length || view.cursor === "" || live) drawTasks();
    view.cursor = next;
    await parts.log.update(base, signal);
    await parts.events.update(base, signal);
  }
  return { update };
}

const COLUMNS = [
  { name: "Stage", numeric: true, of: (task) => task.stage || "prep" },
  { name: "Where", of: (task) => task.target },
  { name: "State", of: (task) => badge(task.state) },
  { name: "Rank", numeric: true, of: (task) => task.rank ?? "" },
  { name: "Time", numeric: true, of: (task) => duration(task.seconds) },
  { name: "What it says", of: told },
];

function told(task) {
  if (task.state !== "running" || task.fraction === null) {
    return task.text || (task.state === "completed" ? "" : h("span", { class: "quiet" }, task.reason));
  }
  const share = Math.round(100 * task.fraction);
  return [h("progress", { max: 100, value: share, "aria-label": task.text }), ` ${share} % ${task.text}`];
}

function sentence(run) {
  const counts = Object.entries(run.counts).filter(([, number]) => number > 0)
    .map(([state, number]) => `${count(number)} ${word(state)}`).join(", ");
  return [
    run.started_utc ? ["Begun ", moment(run.started_utc)] : "Not begun",
    run.wall_sec !== null && `, ${duration(run.wall_sec)}`, `. Tasks: ${counts || "none yet"}. `,
    run.compiling && `Compiling kernels, once: ${run.compiling}. `,
    h("span", { class: "quiet" }, `${run.why}.`), h("br"), h("code", {},
      `pystamps-hpc ${typedCommand(run.command)}`),
  ];
}

function logPart() {
  const element = h("pre", { class: "log", tabindex: "0", role: "log", "aria-label": "Log of the run" });
  let cursor = null;
  async function update(base, signal) {
    const asked = cursor === null ? `${base}/log` : `${base}/log?after=${cursor}`;
    const { text, next } = await get(asked, { signal });
    cursor = next;
    if (!text) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 30;
    const whole = element.textContent + text;
    element.textContent = whole.length > MOST_LOG ? whole.slice(-MOST_LOG) : whole;
    if (atEnd) element.scrollTop = element.scrollHeight;
  }
  return { element, update };
}

function eventPart() {
  const element = h("div", { class: "scroll short", tabindex: "0", role: "region", "aria-label": "Events" });
  let cursor = "";
  let known = [];
  let looking = false;
  let ask = () => {};
  async function update(base, signal) {
    ask = () => update(base, signal);
    if (!looking) return;
    const { events, next } = await get(`${base}/events?after=${cursor}`, { signal });
    cursor = next;
    if (events.length === 0) return;
    known = [...known, ...events].slice(-MOST_EVENTS);
    const { scrollTop, scrollHeight } = element;
    put(element, h("ol", { class: "events" }, known.toReversed().map((event) => h("li", {},
      h("time", { datetime: event.t_utc, class: "quiet mono" }, event.t_utc.slice(11, 19)), " ",
      event.kind.replaceAll("_", " "), event.stage ? ` · stage ${event.stage} ${event.target}` : "",
      h("span", { class: "quiet" }, ` ${event.path ?? event.text ?? event.row?.status ?? ""}`)))));
    if (scrollTop) element.scrollTop = scrollTop + element.scrollHeight - scrollHeight; // new ones come above
  }
  function open(now) {
    looking = now;
    if (now) ask();
  }
  return { element, update, open };
}
