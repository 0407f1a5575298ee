// One's own account: credits, keys, invitations, what is kept, and the way out.

import { html, useEffect, useState, use, when, Field, Number_, Table } from "./parts.js";
import { attempt, call, get, me, send } from "./api.js";
import { logout } from "./door.js";
import { t } from "./words.js";

/** A list of the server, and a way to look again. */
export function useList(path) {
  const [list, found] = useState([]);
  const look = () => get(path).then((answer) => found(answer.data ?? answer), () => found([]));
  useEffect(() => {
    look();
  }, [path]);
  return [list, look];
}

function Credits() {
  const [now, told] = useState(null);
  const [entries] = useList("/v1/credits/entries?limit=50");
  useEffect(() => {
    get("/v1/credits").then(told, () => {});
  }, []);
  return html`<section aria-label=${t("credits")}>
    <h3>${t("credits")}</h3>
    ${now && html`<p>${t("balance", now.balance, now.held)}</p>`}
    <${Table} heads=${[t("made_at"), t("entry"), t("amount"), t("after"), t("note")]} empty=${t("none_found")}
      rows=${entries.map((entry) => [when(entry.created_at), entry.kind, entry.amount, entry.balance, entry.note])} />
  </section>`;
}

/** What can be made, is shown once, and can be taken back: keys and invitations. */
function Secrets({ what, label, make, heads, row, fields, body }) {
  const [list, look] = useList(`/v1/accounts/${what}`);
  const [fresh, show] = useState(null);
  async function add(event) {
    event.preventDefault();
    const made = await attempt(() => send(`/v1/accounts/${what}`, body));
    if (made) {
      show(made.key ?? made.code ?? made.secret);
      look();
    }
  }
  const back = (one) => async () => (await attempt(() => call(`/v1/accounts/${what}/${one.id}`, { method: "DELETE" }))) !== undefined && look();
  return html`<section aria-label=${label}>
    <h3>${label}</h3>
    <form class="row fields plain" onSubmit=${add}>${fields}<button type="submit">${make}</button></form>
    ${fresh && html`<p role="status"><code>${fresh}</code> ${t("shown_once")}</p>`}
    <${Table} heads=${[...heads, ""]} empty=${t("none_found")}
      rows=${list.map((one) => [...row(one), html`<button type="button" onClick=${back(one)}>${t("revoke")}</button>`])} />
  </section>`;
}

function Invitations() {
  const [uses, count] = useState("1");
  const [days, last] = useState("14");
  const fields = html`<${Number_} id="uses" label=${t("uses")} value=${uses} change=${count} min="1" max="1000" />
    <${Number_} id="days" label=${t("days")} value=${days} change=${last} min="1" max="365" />`;
  return html`<${Secrets} what="invitations" label=${t("invitations")} make=${t("new_invitation")} fields=${fields}
    body=${{ uses: Number(uses), expires_in_days: Number(days) }} heads=${["id", t("uses"), t("note")]}
    row=${(one) => [one.id, `${one.used} / ${one.uses}`, one.came.join(", ") || one.note]} />`;
}

function Leaving() {
  const [password, guard] = useState("");
  async function save() {
    const text = await attempt(async () => (await call("/v1/accounts/export")).text());
    if (!text) return;
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: address, download: "praxino-export.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
  async function leave(event) {
    event.preventDefault();
    if ((await attempt(() => send("/v1/accounts/me", { password }, "DELETE"))) !== undefined) me.set(null);
  }
  return html`<section aria-label=${t("export")}>
    <div class="row"><button type="button" onClick=${save}>${t("export")}</button><button type="button" onClick=${logout}>${t("logout")}</button></div>
    <details><summary>${t("leave")}</summary>
      <form class="row fields plain" onSubmit=${leave}>
        <${Field} id="leave" label=${t("leave_sure")} wide><input id="leave" type="password" required value=${password} autocomplete="current-password" onInput=${(event) => guard(event.target.value)} /><//>
        <button type="submit">${t("leave")}</button>
      </form>
    </details>
  </section>`;
}

export function Account() {
  const who = use(me);
  return html`<section aria-label=${t("account")}>
    <h2>${who.name}</h2>
    ${who.credits && html`<${Credits} />`}
    <${Secrets} what="keys" label=${t("keys")} make=${t("new_key")} heads=${["id", t("made_at")]} row=${(one) => [one.id, when(one.created_at)]} />
    <${Invitations} />
    <${Leaving} />
  </section>`;
}
