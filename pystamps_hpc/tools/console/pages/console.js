// The frame of all pages: which dataset and page the address names, and the way between them.

import { get, keepToken } from "./api.js";
import { h, put, redraw, say } from "./elements.js";

const PAGES = {
  runs: { title: "Runs", of: () => import("./runs.js") },
  map: { title: "Map", of: () => import("./map.js") },
  ifgs: { title: "Interferograms", of: () => import("./ifgs.js") },
  selection: { title: "Selection", of: () => import("./selection.js") },
  parameters: { title: "Parameters", of: () => import("./parameters.js") },
  coverage: { title: "Coverage", of: () => import("./coverage.js") },
};
const THEMES = ["auto", "light", "dark"];
const THEME = "pystamps-hpc theme";

const main = document.getElementById("main");
let served = null;
let leaving = new AbortController();

/** The dataset and page of an address, `#/0/map`; what is not known is the first one. */
function place() {
  const [, number, page] = location.hash.split("/");
  const known = served.datasets.some((each) => String(each.number) === number);
  return { dataset: known ? Number(number) : 0, page: page in PAGES ? page : "runs" };
}

function head({ dataset, page }) {
  const choice = h("select", {
    id: "dataset", "data-key": "dataset", onchange: (event) => { location.hash = `#/${event.target.value}/${page}`; },
  }, served.datasets.map((each) => h("option",
    { value: each.number, selected: each.number === dataset, title: each.path }, each.name)));
  redraw(document.getElementById("head"),
    h("p", { class: "brand" }, h("img", { src: "icon.svg", alt: "", width: 18, height: 18 }), "pystamps-hpc"),
    h("label", { class: "field", for: "dataset" }, h("span", {}, "Dataset"), choice),
    h("nav", { "aria-label": "Pages" }, h("ul", {}, Object.entries(PAGES).map(([name, each]) =>
      h("li", {}, h("a", {
        href: `#/${dataset}/${name}`, "aria-current": name === page ? "page" : null,
      }, each.title))))),
    themes());
}

function themes() {
  const now = theme();
  const choice = h("select", { id: "theme", "data-key": "theme", onchange: (event) => setTheme(event.target.value) },
    THEMES.map((name) => h("option", { value: name, selected: name === now }, name)));
  return h("label", { class: "field", for: "theme" }, h("span", {}, "Theme"), choice);
}

function theme() {
  try { return localStorage.getItem(THEME) ?? "auto"; } catch { return "auto"; }
}

function setTheme(name) {
  try { localStorage.setItem(THEME, name); } catch { /* for this page alone */ }
  document.documentElement.dataset.theme = name;
}

async function go() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const here = place();
  head(here);
  const { title, of } = PAGES[here.page];
  const dataset = served.datasets[here.dataset];
  document.title = `${title} · ${dataset.name} · pystamps-hpc`;
  put(main, h("p", { class: "quiet" }, "Loading …"));
  try {
    const { show } = await of();
    if (!signal.aborted) await show(main, { ...dataset, allowRun: served.allow_run }, signal);
    say(title);
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
}

function showProblem(error) {
  put(main, h("div", { class: "problem", role: "alert" },
    h("p", {}, error.message),
    h("button", { type: "button", onclick: () => (served ? go() : start()) }, "Try again")));
}

async function start() {
  setTheme(theme());
  keepToken();
  try {
    served = await get("/datasets");
  } catch (error) {
    showProblem(error);
    return;
  }
  await go();
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the page
  main.focus();
});
addEventListener("hashchange", () => {
  if (!served) return;
  go();
  if (document.activeElement === document.body) main.focus(); // the link is not there any more
  scrollTo(0, 0);
});
start();
