// The public HTTP API, which is all that the studio knows.

/** A value that components watch (`use` in parts.js). */
export function store(value) {
  const watchers = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      watchers.forEach((watcher) => watcher(value));
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

/** Who is here: what GET /v1/me says; null: nobody yet. */
export const me = store(undefined);
/** What was last said to the person: { text, wrong }. */
export const said = store({ text: "", wrong: false });

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  localStorage.setItem("key", given);
  history.replaceState(null, "", `${location.pathname}#/create`); // a key in the address bar is soon in a screenshot
}

const keyed = () => Boolean(localStorage.getItem("key"));

function headers(method) {
  const key = localStorage.getItem("key");
  if (key) return { Authorization: `Bearer ${key}` };
  const token = /(?:^|; )praxino_csrf=([^;]+)/.exec(document.cookie)?.[1];
  return token && method !== "GET" ? { "X-Praxino-CSRF": decodeURIComponent(token) } : {};
}

/** The answer, or an Error with `status`, `code` and the message that the server gave. */
export async function call(path, options = {}) {
  const method = options.method ?? "GET";
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...headers(method), ...options.headers } });
  } catch {
    throw Object.assign(new Error("offline"), { status: 0, code: "offline" });
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const { message = `${answer.status}`, code } = told.error ?? {};
  throw Object.assign(new Error(message), { status: answer.status, code });
}

export const get = async (path) => (await call(path)).json();

export async function send(path, body, method = "POST") {
  const json = body !== undefined && !(body instanceof FormData);
  const answer = await call(path, {
    method,
    headers: json ? { "Content-Type": "application/json" } : {},
    body: json ? JSON.stringify(body) : body,
  });
  return answer.status === 204 ? null : answer.json();
}

/** What the action gives; undefined where it failed, and then the reason is said. */
export async function attempt(action) {
  try {
    const result = await action();
    said.set({ text: "", wrong: false });
    return result ?? null;
  } catch (error) {
    if (error.status === 401) me.set(null);
    said.set({ text: error.message, wrong: true, code: error.code });
    return undefined;
  }
}

/** A file of the server as an address that the page may show. */
export async function media(path) {
  return URL.createObjectURL(await (await call(path)).blob());
}

/** Ask who is here: with a key on a server without doors, an operator. */
export async function greet() {
  try {
    me.set(await get("/v1/me"));
  } catch (error) {
    me.set(error.status === 404 && keyed() ? { name: "studio", role: "operator", accounts: false, credits: null } : null);
  }
}
