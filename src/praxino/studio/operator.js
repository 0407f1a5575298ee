// For those who keep the house: who comes in, and what is shown.

import { html, useEffect, useState, use, when, useMedia, Video, Field, Number_, Table } from "./parts.js";
import { attempt, get, send } from "./api.js";
import { useList } from "./account.js";
import { language, t } from "./words.js";

function Gate({ admitted }) {
  const [gate, found] = useState(null);
  const [count, so_many] = useState("1");
  useEffect(() => {
    get("/v1/accounts/gate").then(found, () => {});
  }, []);
  if (!gate) return null;
  const put = async (values) => {
    const now = await attempt(() => send("/v1/accounts/gate", values, "PUT"));
    if (now) found(now);
  };
  const admit = async (event) => {
    event.preventDefault();
    if ((await attempt(() => send("/v1/accounts/admit", { count: Number(count) }))) !== undefined) admitted();
  };
  return html`<form class="row fields plain" onSubmit=${admit}>
    <div class="field"><label class="tick"><input type="checkbox" checked=${gate.open} onChange=${(event) => put({ open: event.target.checked })} /> ${t("gate_open")}</label></div>
    <${Number_} id="per_day" label=${t("per_day")} value=${gate.per_day ?? 0} min="0" max="100000" change=${(value) => value !== "" && put({ per_day: Number(value) })} />
    <${Number_} id="invitations" label=${t("each_invites")} value=${gate.invitations} min="0" max="1000000" change=${(value) => value !== "" && put({ invitations: Number(value) })} />
    <${Number_} id="count" label=${t("admit")} value=${count} min="1" max="10000" change=${so_many} />
    <button type="submit">${t("admit_one")}</button>
  </form>`;
}

export function People() {
  use(language);
  const [people, look] = useList("/v1/accounts/people");
  const change = (person, values) => async () => (await attempt(() => send(`/v1/accounts/people/${person.id}`, values))) !== undefined && look();
  const verb = (person) => (person.state === "admitted"
    ? html`<button type="button" onClick=${change(person, { state: "suspended" })}>${t("suspend")}</button>`
    : html`<button type="button" onClick=${change(person, { state: "admitted" })}>${t("admit_one")}</button>`);
  const roles = (person) => html`<select aria-label=${`${t("role")}: ${person.name}`} value=${person.role} onChange=${(event) => change(person, { role: event.target.value })()}>
    ${["maker", "moderator", "operator"].map((role) => html`<option value=${role} selected=${role === person.role}>${role}</option>`)}</select>`;
  return html`<section aria-label=${t("people")}>
    <h2>${t("people")}</h2>
    <h3>${t("gate")}</h3>
    <${Gate} admitted=${look} />
    <${Table} heads=${[t("name"), t("state"), t("role"), t("made_at"), t("reason"), ""]} empty=${t("none_found")}
      rows=${people.map((person) => [person.name, person.state, roles(person), when(person.applied_at), person.reason ?? "", verb(person)])} />
  </section>`;
}

function Case({ item, done }) {
  const [note, write] = useState("");
  const { work } = item;
  const film = useMedia(work && item.work_state === "published" ? `/v1/explore/${work.id}/content` : null);
  const decide = (verdict) => async () => (await attempt(() => send(`/v1/moderation/${item.id}`, { verdict, note }))) !== undefined && done();
  const verbs = work ? [["keep", "keep"], ["remove", "take_down"]] : [["allow", "allow"], ["deny", "deny"]];
  return html`<article class="card tell">
    ${film && html`<div class="show"><${Video} src=${film} controls muted name=${work.title} /></div>`}
    <p class="prompt">${work ? work.title : item.prompt}</p>
    ${work && html`<p class="state">${work.prompt}</p>`}
    ${item.reports.map((report) => html`<p class="state">${report.reason}</p>`)}
    ${[item.reason, item.note].filter(Boolean).map((text) => html`<p class="state">${text}</p>`)}
    <div class="row fields"><${Field} id=${`note-${item.id}`} label=${t("note")} wide><input id=${`note-${item.id}`} value=${note} onInput=${(event) => write(event.target.value)} /><//>
      ${verbs.map(([verdict, key]) => html`<button type="button" onClick=${decide(verdict)}>${t(key)}</button>`)}</div>
  </article>`;
}

export function Moderation() {
  use(language);
  const [cases, look] = useList("/v1/moderation");
  const items = cases.filter((one) => one.state === "open");
  return html`<section aria-label=${t("moderation")}>
    <h2>${t("moderation")}</h2>
    <h3>${t("mod_queue")}</h3>
    ${!items.length && html`<p class="hint">${t("mod_none")}</p>`}
    <div class="grid">${items.map((item) => html`<${Case} key=${item.id} item=${item} done=${look} />`)}</div>
  </section>`;
}
