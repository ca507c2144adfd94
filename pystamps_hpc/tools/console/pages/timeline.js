// The tasks of a run over time, a row for each rank; merged stages go over all of them.

import { h, tip } from "./elements.js";
import { duration } from "./format.js";

const MOST_RANKS = 64;
const LEFT = 62;
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

function begins(task) {
  return task.started_sec ?? (task.started_utc ? Date.parse(task.started_utc) / 1000 : null);
}

/** Tasks that have begun, with where they lie: `from` and `to` in seconds, `now` for running ones. */
export function bars(tasks, now) {
  return tasks.filter((task) => begins(task) !== null).map((task) => {
    const from = begins(task);
    const to = task.state === "running" ? Math.max(now, from) : from + (task.seconds ?? 0);
    return { task, from, to, rank: task.rank ?? 0 };
  });
}

/** The drawing, as wide as asked, or nothing before a task has begun. */
export function timeline(tasks, width, now) {
  const found = bars(tasks, now);
  if (found.length === 0) return h("p", { class: "quiet" }, "No task has begun.");
  const first = Math.min(...extent(found, "from", Math.min));
  const last = Math.max(...extent(found, "to", Math.max), first + 1e-3);
  const ranks = Math.min(1 + found.reduce((most, bar) => Math.max(most, bar.rank), 0), MOST_RANKS);
  const height = ranks > 16 ? 14 : 26;
  const room = Math.max(width - LEFT - 12, 100);
  const x = (seconds) => LEFT + ((seconds - first) / (last - first)) * room;
  const bottom = ranks * (height + 4) + 6;
  const text = `${found.length} tasks of ${ranks} ${ranks === 1 ? "rank" : "ranks"} in `
    + `${duration(last - first)}; the table below has the same figures`;
  return h("svg", { class: "timeline", role: "img", "aria-label": text, width, height: bottom + 22 },
    ticks(last - first, (seconds) => x(first + seconds), bottom),
    Array.from({ length: ranks }, (_, rank) => h("text", {
      class: "label", x: 0, y: rank * (height + 4) + height / 2 + 8,
    }, `rank ${rank}`)),
    found.filter((bar) => bar.rank < ranks).map((bar) => drawn(bar, x, height, ranks)));
}

function extent(found, key, pick) {
  return [found.reduce((most, bar) => pick(most, bar[key]), found[0][key])];
}

function drawn({ task, from, to, rank }, x, height, ranks) {
  const merged = task.scope === "merged";
  const top = (merged ? 0 : rank) * (height + 4) + 4;
  const tall = merged ? ranks * (height + 4) - 4 : height;
  const wide = Math.max(x(to) - x(from), 1.5);
  const label = `stage ${task.stage}, ${task.target}: ${task.state}, ${duration(to - from)}`;
  return h("g", { class: `bar stage-${task.stage} is-${task.state}` }, tip(label),
    h("rect", { x: x(from), y: top, width: Math.max(wide - 1, 1), height: tall, rx: 2 }),
    wide > 14 && h("text", { x: x(from) + wide / 2, y: top + Math.min(tall, 200) / 2 + 4,
      "text-anchor": "middle" }, task.stage));
}

function ticks(seconds, x, bottom) {
  const step = TICKS.find((each) => seconds / each <= 8) ?? 86400 * Math.ceil(seconds / 691200);
  const found = [];
  for (let at = 0; at <= seconds; at += step) {
    found.push(h("line", { class: "tick", x1: x(at), x2: x(at), y1: 0, y2: bottom }),
      h("text", { class: "label", x: x(at), y: bottom + 15, "text-anchor": at ? "middle" : "start" },
        tickText(at)));
  }
  return found;
}

function tickText(at) {
  if (at < 120) return `${at} s`;
  return at < 7200 ? `${+(at / 60).toFixed(1)} min` : `${+(at / 3600).toFixed(1)} h`;
}
