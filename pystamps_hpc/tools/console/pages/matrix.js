// The matrix of stages and patches. Patches in a row whose stages are alike share one line, so that
// a thousand of them are a few lines as long as little differs.

import { h } from "./elements.js";
import { count, plural } from "./format.js";

const SIGNS = { d: "✓", o: "!", m: "·", g: "✕", n: "∅", r: "▶", w: "…", f: "✕", "?": "?" };
const MOST_LINES = 60;

/** Lines of the matrix: first and last patch, how many, and their letters. */
export function lines(patches, cells) {
  const found = [];
  patches.forEach((name, k) => {
    const last = found.at(-1);
    if (last && last.letters === cells[k]) {
      last.last = name;
      last.number += 1;
    } else found.push({ first: name, last: name, number: 1, letters: cells[k] });
  });
  return found;
}

/** The matrix; `more` is whether all lines are shown, `onMore` is called to show them. */
export function matrix(answer, more, onMore) {
  const { stages, merged_stages: merged, legend, patches, cells } = answer;
  const all = lines(patches, cells);
  const shown = more ? all : all.slice(0, MOST_LINES);
  const used = new Set([...cells.join(""), ...answer.merged]);
  return [
    patches.length > 0 && grid("Stages of the patches", "Patch", stages, shown.map((line) => ({
      name: line.number === 1 ? line.first : [line.first, " – ", line.last,
        h("span", { class: "quiet" }, ` ${plural(line.number, "patch", "patches")}`)],
      letters: line.letters,
    })), legend),
    all.length > shown.length && h("p", {}, h("button",
      { type: "button", onclick: onMore, "data-key": "more-lines" },
      `Show ${plural(all.length - shown.length, "more line")}`)),
    grid("Merged stages", "", merged, [{ name: "All patches together", letters: answer.merged }],
      legend),
    h("p", { class: "legend" }, Object.entries(legend).filter(([letter]) => used.has(letter)).map(
      ([letter, text]) => h("span", { class: `cell is-${letter}` }, sign(letter), " ", text))),
    answer.pending > 0 && h("p", { class: "quiet" },
      `${count(answer.pending)} of them are not looked at yet.`),
  ];
}

function grid(caption, corner, stages, rows, legend) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, "data-key": caption },
    h("table", { class: "matrix" },
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, corner || h("span",
        { class: "unseen" }, "Target")), stages.map(({ stage, title }) =>
        h("th", { scope: "col", title }, h("span", { class: "step" }, stage),
          h("span", { class: "wide" }, ` ${title}`))))),
      h("tbody", {}, rows.map(({ name, letters }) => h("tr", {},
        h("th", { scope: "row" }, name), [...letters].map((letter) =>
          h("td", { class: `cell is-${letter}` }, sign(letter), h("span",
            { class: "wide" }, ` ${legend[letter]}`))))))));
}

function sign(letter) {
  return h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[letter] ?? letter);
}
