// The map itself: a picture that is moved with mouse, fingers and keys, and what lies over it.

import { h, put } from "./elements.js";
import { listen } from "./mapinput.js";
import { decimalsOf, degrees, metres, roundBelow, stepOf, ticks } from "./numbers.js";

const WAIT = 140; // ms without a change, then a new picture is asked for
const METRES = 111_320; // of a degree northwards

/**
 * A map of an extent {west, south, east, north}. `fetchPicture(box, width, height, signal)` returns a
 * blob; `picked({lon, lat, reach})` is told of clicks; `overlay(project, metre)` returns what lies over
 * the picture; `busy(now)` is told of drawing, `failed(error)` of what went wrong; `start` is an earlier
 * `view`. It ends with `signal`.
 */
export class MapView {
  constructor({ label, start, signal, ...more }) {
    Object.assign(this, more, { signal, width: 0, height: 0, pictured: null, asking: null, timer: 0 });
    const { extent } = this;
    this.squeeze = Math.cos(((extent.south + extent.north) / 2) * (Math.PI / 180));
    this.view = { lon: 0, lat: 0, scale: 0, ...start }; // middle [deg], degrees of longitude of a pixel
    this.image = h("img", { class: "picture", alt: "", draggable: "false" });
    this.over = h("svg", { class: "over", "aria-hidden": "true" });
    this.element = h("div", { class: "map", tabindex: "0", role: "application", "aria-roledescription": "map", "aria-label": label },
      this.image, this.over, h("div", { class: "cross", "aria-hidden": "true" }));
    listen(this, signal);
    const watch = new ResizeObserver(() => this.resized());
    watch.observe(this.element);
    signal.addEventListener("abort", () => {
      watch.disconnect();
      this.asking?.abort();
      clearTimeout(this.timer);
    }, { once: true });
  }

  /** Degrees of latitude of a pixel. */
  get up() { return this.view.scale * this.squeeze; }

  /** Pixels of a metre. */
  get metre() { return 1 / (this.up * METRES); }

  /** What is seen. */
  box() {
    const { view, width, height, up } = this;
    return {
      west: view.lon - (width / 2) * view.scale, east: view.lon + (width / 2) * view.scale,
      south: view.lat - (height / 2) * up, north: view.lat + (height / 2) * up,
    };
  }

  project(lon, lat) {
    return [(lon - this.view.lon) / this.view.scale + this.width / 2, (this.view.lat - lat) / this.up + this.height / 2];
  }

  placeOf(x, y) {
    return { lon: this.view.lon + (x - this.width / 2) * this.view.scale, lat: this.view.lat - (y - this.height / 2) * this.up };
  }

  /** Show all there is. */
  whole() {
    const { extent, view, width, height, squeeze } = this;
    view.lon = (extent.west + extent.east) / 2;
    view.lat = (extent.south + extent.north) / 2;
    view.scale = 1.08 * Math.max((extent.east - extent.west) / width, (extent.north - extent.south) / squeeze / height);
    this.moved();
  }

  /** Zoom by a factor; the place under a pixel stays there. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.placeOf(x, y);
    this.view.scale = Math.min(Math.max(this.view.scale / factor, 1e-9), 360 / this.width);
    const after = this.placeOf(x, y);
    this.view.lon += before.lon - after.lon;
    this.view.lat += before.lat - after.lat;
    this.moved();
  }

  /** Move by pixels. */
  pan(right, down) {
    this.view.lon += right * this.view.scale;
    this.view.lat -= down * this.up;
    this.moved();
  }

  /** Take what is at a pixel, within some pixels. */
  pick(x, y, pixels) {
    this.picked({ ...this.placeOf(x, y), reach: pixels / this.metre });
  }

  resized() {
    const first = !this.width && !this.view.scale;
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (!this.width) return;
    if (first) this.whole(); else this.moved();
  }

  moved() {
    const { extent, view } = this;
    view.lat = Math.min(Math.max(view.lat, extent.south - 1), extent.north + 1);
    view.lon = Math.min(Math.max(view.lon, extent.west - 1), extent.east + 1);
    this.stretch();
    this.cover();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), WAIT);
  }

  /** Lay the old picture where it belongs, until the new one is there. */
  stretch() {
    if (!this.pictured) return;
    const [left, top] = this.project(this.pictured.west, this.pictured.north);
    const [right, lower] = this.project(this.pictured.east, this.pictured.south);
    this.image.style.setProperty("width", `${right - left}px`);
    this.image.style.setProperty("height", `${lower - top}px`);
    this.image.style.setProperty("transform", `translate(${left}px, ${top}px)`);
  }

  /** Ask for a picture of what is seen. */
  async refresh() {
    this.asking?.abort();
    if (!this.width || this.signal.aborted) return;
    const mine = new AbortController();
    this.asking = mine;
    const wanted = this.box();
    this.busy(true);
    try {
      const url = URL.createObjectURL(await this.fetchPicture(wanted, Math.round(this.width), Math.round(this.height), mine.signal));
      await loaded(url);
      if (mine.signal.aborted) { URL.revokeObjectURL(url); return; }
      this.exchange(url, wanted);
    } catch (error) {
      if (!mine.signal.aborted) this.failed(error);
    } finally {
      if (this.asking === mine) this.busy(false);
    }
  }

  exchange(url, box) {
    const old = this.image.src;
    this.image.src = url;
    this.pictured = box;
    this.stretch();
    if (old) URL.revokeObjectURL(old);
    this.element.dataset.drawn = String(Number(this.element.dataset.drawn ?? 0) + 1);
  }

  /** Draw anew what lies over the picture. */
  cover() {
    if (!this.width) return;
    this.over.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    put(this.over, this.meridians(), this.parallels(), this.overlay((lon, lat) => this.project(lon, lat), this.metre), this.scaleBar());
  }

  meridians() {
    const { width, height } = this, { west, east } = this.box(), most = Math.max(width / 130, 1);
    const decimals = decimalsOf(stepOf(east - west, most));
    return ticks(west, east, most).map((lon) => {
      const [x] = this.project(lon, 0);
      return [h("path", { d: `M${x.toFixed(1)} 0V${height}`, class: "graticule" }),
        x > 40 && x < width - 40 ? h("text", { x, y: height - 6, "text-anchor": "middle", class: "label" }, degrees(lon, "EW", decimals)) : null];
    });
  }

  parallels() {
    const { width, height } = this, { south, north } = this.box(), most = Math.max(height / 100, 1);
    const decimals = decimalsOf(stepOf(north - south, most));
    return ticks(south, north, most).map((lat) => {
      const [, y] = this.project(0, lat);
      return [h("path", { d: `M0 ${y.toFixed(1)}H${width}`, class: "graticule" }),
        y > 20 && y < height - 40 ? h("text", { x: 6, y: y - 4, class: "label" }, degrees(lat, "NS", decimals)) : null];
    });
  }

  scaleBar() {
    const length = roundBelow(Math.min(this.width / 3, 160) / this.metre);
    const pixels = length * this.metre, x = this.width - 16 - pixels, y = this.height - 30;
    return h("g", { class: "scalebar" },
      h("path", { d: `M${x} ${y - 5}v5h${pixels}v-5` }),
      h("text", { x: x + pixels / 2, y: y - 8, "text-anchor": "middle", class: "label" }, metres(length)));
  }
}

function loaded(url) {
  const probe = new Image();
  probe.src = url;
  return probe.decode();
}
