// The doors: log in, apply, wait; or, on a server without accounts, a key.

import { html, useEffect, useState, use, say, when, Field } from "./parts.js";
import { attempt, get, greet, me, send } from "./api.js";
import { language, t } from "./words.js";

function Text({ id, label, kind = "text", value, change, ...rest }) {
  return html`<${Field} id=${id} label=${label} wide><input id=${id} type=${kind} value=${value} onInput=${(event) => change(event.target.value)} ...${rest} /><//>`;
}

function Key() {
  const [key, write] = useState("");
  function enter(event) {
    event.preventDefault();
    localStorage.setItem("key", key.trim());
    greet();
  }
  return html`<form class="door" onSubmit=${enter}>
    <p>${t("need_key")}</p>
    <${Text} id="key" label=${t("key")} kind="password" value=${key} change=${write} required autocomplete="off" />
    <button type="submit">${t("enter")}</button>
  </form>`;
}

function Login({ other }) {
  const [name, call] = useState("");
  const [password, guard] = useState("");
  async function enter(event) {
    event.preventDefault();
    const who = await attempt(() => send("/v1/accounts/login", { name, password }));
    if (who !== undefined) greet();
  }
  return html`<form class="door" onSubmit=${enter} aria-label=${t("login")}>
    <h2>${t("login")}</h2>
    <${Text} id="name" label=${t("name")} value=${name} change=${call} required autocomplete="username" />
    <${Text} id="password" label=${t("password")} kind="password" value=${password} change=${guard} required autocomplete="current-password" />
    <div class="row"><button type="submit">${t("login")}</button><button type="button" class="quiet" onClick=${other}>${t("no_account")}</button></div>
  </form>`;
}

function Apply({ other }) {
  const [asked, fill] = useState({ name: "", password: "", email: "", reason: "", code: new URLSearchParams(location.search).get("code") ?? "" });
  const set = (field) => (value) => fill({ ...asked, [field]: value });
  async function apply(event) {
    event.preventDefault();
    const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value.trim()));
    const state = await attempt(() => send("/v1/accounts/apply", { ...given, language: language.get() }));
    if (state === undefined) return;
    if ((await attempt(() => send("/v1/accounts/login", { name: asked.name, password: asked.password }))) !== undefined) greet();
  }
  return html`<form class="door" onSubmit=${apply} aria-label=${t("apply")}>
    <h2>${t("apply")}</h2>
    <${Text} id="name" label=${t("name")} value=${asked.name} change=${set("name")} required maxlength="64" autocomplete="username" />
    <${Text} id="password" label=${t("password")} kind="password" value=${asked.password} change=${set("password")} required minlength="10" autocomplete="new-password" />
    <${Text} id="email" label=${t("email")} kind="email" value=${asked.email} change=${set("email")} autocomplete="email" />
    <${Text} id="reason" label=${t("reason")} value=${asked.reason} change=${set("reason")} maxlength="500" />
    <${Text} id="code" label=${t("code")} value=${asked.code} change=${set("code")} autocomplete="off" />
    <div class="row"><button type="submit">${t("apply")}</button><button type="button" class="quiet" onClick=${other}>${t("have_account")}</button></div>
  </form>`;
}

/** For a person who has applied and waits: where they stand, and when it may be their turn. */
export function Waiting() {
  const [state, found] = useState(null);
  async function look() {
    const now = await attempt(() => get("/v1/accounts/application"));
    if (now?.state === "admitted") greet();
    else if (now) found(now);
  }
  useEffect(() => {
    look();
    const timer = setInterval(look, 15_000);
    return () => clearInterval(timer);
  }, []);
  return html`<section class="door" role="status" aria-label=${t("waiting_title")}>
    <h2>${t("waiting_title")}</h2>
    ${state?.state === "suspended" && html`<p>${t("suspended")}</p>`}
    ${state?.state === "waiting" && html`<p>${t("waiting_position", state.position)}</p>
      <p>${state.estimate_at ? t("waiting_estimate", when(state.estimate_at)) : t("waiting_unknown")}</p>`}
    <div class="row"><button type="button" onClick=${look}>${t("look_again")}</button><button type="button" class="quiet" onClick=${logout}>${t("logout")}</button></div>
  </section>`;
}

export async function logout() {
  localStorage.removeItem("key");
  await attempt(() => send("/v1/accounts/logout"));
  me.set(null);
}

export function Door() {
  const [doors, look] = useState(undefined);
  const [applying, go] = useState(new URLSearchParams(location.search).has("code"));
  use(language);
  useEffect(() => {
    say("");
    // A server without accounts says so to whoever tries its doors.
    send("/v1/accounts/login", { name: "", password: "" }).then(() => look(true), (error) => look(error.code !== "accounts_off" && error.status !== 404));
  }, []);
  if (doors === undefined) return html`<section aria-busy="true"></section>`;
  if (!doors) return html`<${Key} />`;
  return html`<p class="welcome">${t("welcome")}</p>
    ${applying ? html`<${Apply} other=${() => go(false)} />` : html`<${Login} other=${() => go(true)} />`}`;
}
