// How a map is moved: mouse, wheel, fingers, keys.

const STEP = 80; // pixels of an arrow key
const FACTOR = 1.6; // of a key that zooms
const STILL = 4; // pixels that a click may move
const REACH = { mouse: 16, touch: 24, key: 40 }; // pixels from a click to its point

/** Let a map listen until `signal` is aborted. */
export function listen(map, signal) {
  const { element } = map;
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    map.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...pixelOf(event, element));
  }, { signal, passive: false });
  element.addEventListener("keydown", (event) => {
    const action = keys(map)[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }, { signal });
  pointers(map, signal);
}

function keys(map) {
  const take = () => map.pick(map.width / 2, map.height / 2, REACH.key);
  return {
    ArrowLeft: () => map.pan(-STEP, 0), ArrowRight: () => map.pan(STEP, 0),
    ArrowUp: () => map.pan(0, -STEP), ArrowDown: () => map.pan(0, STEP),
    "+": () => map.zoom(FACTOR), "=": () => map.zoom(FACTOR), "-": () => map.zoom(1 / FACTOR),
    0: () => map.whole(), Enter: take, " ": take,
  };
}

function pointers(map, signal) {
  const { element } = map, down = new Map();
  let travelled = 0;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pixelOf(event, element));
    travelled = down.size > 1 ? Infinity : 0;
  }, { signal });
  element.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = pixelOf(event, element);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (other) map.zoom(span(now, other) / span(before, other), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    else if (travelled > STILL) map.pan(before[0] - now[0], before[1] - now[1]);
    down.set(event.pointerId, now);
  }, { signal });
  element.addEventListener("pointerup", (event) => {
    if (!down.delete(event.pointerId) || travelled > STILL) return;
    map.pick(...pixelOf(event, element), event.pointerType === "touch" ? REACH.touch : REACH.mouse);
  }, { signal });
  element.addEventListener("pointercancel", (event) => down.delete(event.pointerId), { signal });
}

function pixelOf(event, element) {
  const here = element.getBoundingClientRect();
  return [event.clientX - here.left - element.clientLeft, event.clientY - here.top - element.clientTop];
}

function span(one, other) {
  return Math.max(Math.hypot(one[0] - other[0], one[1] - other[1]), 10);
}
