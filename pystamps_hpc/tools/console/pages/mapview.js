// The map itself: a picture that is moved with mouse, fingers and keys, and what lies over it.

import { h, put } from "./elements.js";
import { decimalsOf, degrees, metres, roundBelow, stepOf, ticks } from "./numbers.js";

const STEP = 80; // pixels of an arrow key
const FACTOR = 1.6; // of a zoom
const STILL = 4; // pixels that a click may move
const WAIT = 140; // ms without a change, then a new picture is asked for
const METRES = 111_320; // of a degree northwards

/**
 * Make a map of an extent {west, south, east, north}. `fetchPicture(box, width, height, signal)`
 * returns a blob; `picked({lon, lat, reach})` is told of clicks; `overlay(project)` returns what lies
 * over the picture; `failed(error)` is told what went wrong.
 */
export function mapView({ extent, label, fetchPicture, picked, overlay, failed, busy, signal, start }) {
  const squeeze = Math.cos(((extent.south + extent.north) / 2) * (Math.PI / 180));
  const image = h("img", { class: "picture", alt: "", draggable: "false" });
  const over = h("svg", { class: "over", "aria-hidden": "true" });
  const element = h("div", { class: "map", tabindex: "0", role: "application", "aria-roledescription": "map", "aria-label": label },
    image, over, h("div", { class: "cross", "aria-hidden": "true" }));
  const view = { lon: 0, lat: 0, scale: 0, ...start }; // middle [deg], degrees of longitude of a pixel
  let pictured = null; // box of the picture that is shown
  let asking = null, timer = 0, width = 0, height = 0;

  const up = () => view.scale * squeeze;
  const box = () => ({
    west: view.lon - (width / 2) * view.scale, east: view.lon + (width / 2) * view.scale,
    south: view.lat - (height / 2) * up(), north: view.lat + (height / 2) * up(),
  });
  const project = (lon, lat) => [(lon - view.lon) / view.scale + width / 2, (view.lat - lat) / up() + height / 2];
  const placeOf = (x, y) => ({ lon: view.lon + (x - width / 2) * view.scale, lat: view.lat - (y - height / 2) * up() });
  const metre = () => 1 / (up() * METRES); // pixels

  function whole() {
    view.lon = (extent.west + extent.east) / 2;
    view.lat = (extent.south + extent.north) / 2;
    view.scale = 1.08 * Math.max((extent.east - extent.west) / width, (extent.north - extent.south) / squeeze / height);
    moved();
  }

  function zoom(factor, x = width / 2, y = height / 2) {
    const before = placeOf(x, y);
    view.scale = Math.min(Math.max(view.scale / factor, 1e-9), 360 / width);
    const after = placeOf(x, y);
    view.lon += before.lon - after.lon;
    view.lat += before.lat - after.lat;
    moved();
  }

  function pan(right, down) {
    view.lon += right * view.scale;
    view.lat -= down * up();
    moved();
  }

  function moved() {
    view.lat = Math.min(Math.max(view.lat, extent.south - 1), extent.north + 1);
    view.lon = Math.min(Math.max(view.lon, extent.west - 1), extent.east + 1);
    stretch();
    cover();
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  }

  function stretch() {
    if (!pictured) return;
    const [left, top] = project(pictured.west, pictured.north);
    const [right, lower] = project(pictured.east, pictured.south);
    image.style.setProperty("width", `${right - left}px`);
    image.style.setProperty("height", `${lower - top}px`);
    image.style.setProperty("transform", `translate(${left}px, ${top}px)`);
  }

  async function refresh() {
    asking?.abort();
    if (!width || signal.aborted) return;
    asking = new AbortController();
    const mine = asking;
    const wanted = box();
    busy(true);
    try {
      const blob = await fetchPicture(wanted, Math.round(width), Math.round(height), mine.signal);
      const url = URL.createObjectURL(blob);
      await loaded(url);
      if (mine.signal.aborted) { URL.revokeObjectURL(url); return; }
      const old = image.src;
      image.src = url;
      pictured = wanted;
      stretch();
      if (old) URL.revokeObjectURL(old);
      element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
    } catch (error) {
      if (!mine.signal.aborted) failed(error);
    } finally {
      if (asking === mine) busy(false);
    }
  }

  function cover() {
    over.setAttribute("viewBox", `0 0 ${width} ${height}`);
    put(over, grid(), overlay(project, metre()), bar());
  }

  function grid() {
    const now = box();
    const acrossStep = stepOf(now.east - now.west, Math.max(width / 130, 1));
    const upStep = stepOf(now.north - now.south, Math.max(height / 100, 1));
    const meridians = ticks(now.west, now.east, Math.max(width / 130, 1)).map((lon) => {
      const [x] = project(lon, 0);
      return [h("path", { d: `M${x.toFixed(1)} 0V${height}`, class: "graticule" }),
        x > 40 && x < width - 40 ? h("text", { x, y: height - 6, "text-anchor": "middle", class: "label" },
          degrees(lon, "EW", decimalsOf(acrossStep))) : null];
    });
    const parallels = ticks(now.south, now.north, Math.max(height / 100, 1)).map((lat) => {
      const [, y] = project(0, lat);
      return [h("path", { d: `M0 ${y.toFixed(1)}H${width}`, class: "graticule" }),
        y > 20 && y < height - 40 ? h("text", { x: 6, y: y - 4, class: "label" }, degrees(lat, "NS", decimalsOf(upStep))) : null];
    });
    return h("g", {}, meridians, parallels);
  }

  function bar() {
    const length = roundBelow(Math.min(width / 3, 160) / metre());
    const pixels = length * metre();
    const x = width - 16 - pixels, y = height - 30;
    return h("g", { class: "scalebar" },
      h("path", { d: `M${x} ${y - 5}v5h${pixels}v-5` }),
      h("text", { x: x + pixels / 2, y: y - 8, "text-anchor": "middle", class: "label" }, metres(length)));
  }

  const pointers = new Map();
  let travelled = 0;
  const at = (event) => {
    const here = element.getBoundingClientRect();
    return [event.clientX - here.left - element.clientLeft, event.clientY - here.top - element.clientTop];
  };
  const on = (name, action, options = {}) => element.addEventListener(name, action, { signal, ...options });
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    travelled = pointers.size > 1 ? Infinity : 0;
  });
  on("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (other) {
      const span = (point) => Math.max(Math.hypot(point[0] - other[0], point[1] - other[1]), 10);
      zoom(span(now) / span(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (travelled > STILL) pan(before[0] - now[0], before[1] - now[1]);
    pointers.set(event.pointerId, now);
  });
  on("pointerup", (event) => {
    if (!pointers.delete(event.pointerId) || travelled > STILL) return;
    pick(...at(event), event.pointerType === "touch" ? 24 : 16);
  });
  on("pointercancel", (event) => pointers.delete(event.pointerId));
  on("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...at(event));
  }, { passive: false });
  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      ArrowLeft: () => pan(-STEP, 0), ArrowRight: () => pan(STEP, 0), ArrowUp: () => pan(0, -STEP),
      ArrowDown: () => pan(0, STEP), "+": () => zoom(FACTOR), "=": () => zoom(FACTOR),
      "-": () => zoom(1 / FACTOR), 0: whole, Enter: () => pick(width / 2, height / 2, 40), " ": () => pick(width / 2, height / 2, 40),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  function pick(x, y, pixels) {
    picked({ ...placeOf(x, y), reach: pixels / metre() });
  }

  const watch = new ResizeObserver(() => {
    const first = !width && !view.scale;
    width = element.clientWidth;
    height = element.clientHeight;
    if (!width) return;
    if (first) whole(); else moved();
  });
  watch.observe(element);
  signal.addEventListener("abort", () => { watch.disconnect(); asking?.abort(); clearTimeout(timer); }, { once: true });

  return { element, view, box, refresh, cover, whole, zoom };
}

function loaded(url) {
  const probe = new Image();
  probe.src = url;
  return probe.decode();
}
