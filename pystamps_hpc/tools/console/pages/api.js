// Questions to the server. The token of the address is kept for this tab alone; it allows what the
// cookie does not: to change things, and to be shown in a frame of a notebook.

const KEY = "pystamps-hpc token";

/** What the server has refused, or that it cannot be reached. */
export class Problem extends Error {
  constructor(text, status = 0) {
    super(text);
    this.status = status;
  }
}

/** Take the token out of the address of the page, where it could be seen or copied. */
export function keepToken() {
  const here = new URL(location.href);
  const token = here.searchParams.get("token");
  if (token === null) return;
  remember(token);
  here.searchParams.delete("token");
  history.replaceState(null, "", here);
}

let known = null; // where a frame may keep nothing

function remember(token) {
  known = token;
  try { sessionStorage.setItem(KEY, token); } catch { /* kept until the page is left */ }
}

function token() {
  try { return known ?? sessionStorage.getItem(KEY); } catch { return known; }
}

function headers() {
  return token() ? { Authorization: `Bearer ${token()}` } : {};
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(`api/v1${path}`, { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The console does not answer: has it been stopped, or the tunnel closed?");
  }
  if (response.ok) return response;
  let text = `The server answers ${response.status}.`;
  try { text = (await response.json()).error ?? text; } catch { /* no JSON */ }
  throw new Problem(text, response.status);
}

/** Get a document, `get("/datasets", { signal })`. Throws Problem, or AbortError. */
export async function get(path, { signal } = {}) {
  return (await answer(path, { signal })).json();
}

/** Change something, `post("/datasets/0/stop", {})`. Throws Problem. */
export async function post(path, body = {}) {
  const options = {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  };
  return (await answer(path, options)).json();
}

/** Get a file with its headers, `{ blob, headers }`: a picture, or what is to be saved. */
export async function file(path, { signal } = {}) {
  const response = await answer(path, { signal });
  return { blob: await response.blob(), headers: response.headers };
}

/** Text as a part of a path or a query. */
export const quoted = encodeURIComponent;

/** Do something again and again until `signal` is aborted; not while nobody looks at the page. */
export async function repeat(action, milliseconds, signal) {
  while (!signal.aborted) {
    if (!document.hidden) await action();
    await pause(milliseconds, signal);
  }
}

/** Wait; at once over when `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
