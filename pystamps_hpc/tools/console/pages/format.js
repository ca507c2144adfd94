// Times, durations, numbers and states as text.

import { h } from "./elements.js";

const SIGNS = {
  running: "▶", waiting: "…", completed: "✓", finished: "✓", done: "✓", skipped_existing: "=",
  skipped: "∅", planned: "○", failed: "✕", dead: "†", silent: "?", stopped: "■",
};
const WORDS = { skipped_existing: "kept", completed: "done" };

/** A state in one word for people. */
export function word(state) {
  return WORDS[state] ?? state.replaceAll("_", " ");
}

/** A state as sign and word, in a colour that says the same. */
export function badge(state) {
  return h("span", { class: `badge is-${state}` },
    h("span", { "aria-hidden": "true" }, SIGNS[state] ?? "·"), " ", word(state));
}

/** Seconds as text: 0.24 s, 41.4 s, 12 min 3 s, 3 h 20 min. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds - 60 * minutes)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time of the server, UTC, on the clock of who reads it: 2026-11-29 21:04. */
export function moment(utc) {
  if (!utc) return "";
  const time = new Date(utc);
  if (Number.isNaN(time.getTime())) return String(utc);
  const two = (number) => String(number).padStart(2, "0");
  return h("time", { datetime: utc, title: utc },
    `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} `
    + `${two(time.getHours())}:${two(time.getMinutes())}`);
}

/** A whole number with its thousands apart. */
export function count(number) {
  return number === null || number === undefined ? "" : number.toLocaleString("en");
}

/** One thing, or several: `plural(3, "patch", "patches")`. */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Words of a command line as they are typed in a shell. */
export function typedCommand(words) {
  return words.map((each) => (/^[\w@%+=:,./-]+$/.test(each) ? each
    : `'${each.replaceAll("'", "'\\''")}'`)).join(" ");
}
