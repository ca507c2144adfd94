// The page Selection.

import { h, put } from "./elements.js";

export async function show(place, dataset, signal) {
  put(place, h("h1", {}, "Selection"));
}
