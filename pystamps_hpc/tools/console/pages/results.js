// Questions whose answers take a while: asked again until they are there.

import { file, get, pause, Problem } from "./api.js";

const AGAIN = 700; // ms

/** Get a document that may have to be computed first; `waiting` is called while it is. */
export async function ready(path, { signal, waiting } = {}) {
  for (;;) {
    const found = await get(path, { signal });
    if (found.state !== "computing") return found;
    waiting?.();
    await pause(AGAIN, signal);
    if (signal?.aborted) throw new DOMException("left", "AbortError");
  }
}

/** Get a picture as a blob, likewise. */
export async function picture(path, { signal, waiting } = {}) {
  for (;;) {
    const { blob } = await file(path, { signal });
    if (blob.type.startsWith("image/")) return blob;
    waiting?.();
    await pause(AGAIN, signal);
    if (signal?.aborted) throw new DOMException("left", "AbortError");
  }
}

/** Save a file that may have to be computed first. */
export async function download(path, name, { signal, waiting } = {}) {
  for (;;) {
    const { blob, headers } = await file(path, { signal });
    if (!headers.has("content-disposition")) {
      const text = await blob.text();
      if (JSON.parse(text).state !== "computing") throw new Problem("The server sent no file.");
      waiting?.();
      await pause(AGAIN, signal);
      if (signal?.aborted) return;
      continue;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return;
  }
}

/** A query of what is set: null, undefined and "" are left out, lists are repeated. */
export function query(values) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") words.append(name, each);
    }
  }
  const text = words.toString();
  return text ? `?${text}` : "";
}

/** Whether an error only says that the page was left. */
export function left(error) {
  return error.name === "AbortError";
}
