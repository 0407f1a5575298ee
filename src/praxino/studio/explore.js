// Films that their makers chose to show: looked at, remixed with credit, reported. And films compared, blind.

import { html, useEffect, useState, use, say, useMedia, Video, Dialog, Field, Table } from "./parts.js";
import { attempt, get, send } from "./api.js";
import { language, t } from "./words.js";

function Work({ work, open }) {
  const picture = useMedia(`/v1/explore/${work.id}/thumbnail`);
  return html`<article class="card" aria-label=${work.title}>
    <div class="show"><button class="cover" type="button" aria-label=${`${t("open")}: ${work.title}`} onClick=${() => open(work)}>
      ${picture && html`<img src=${picture} alt="" />`}</button></div>
    <div class="tell"><h3>${work.title}</h3><p class="state">${t("by", work.by)}</p><${Credit} work=${work} /></div>
  </article>`;
}

function Credit({ work }) {
  return html`${work.of && html`<p class="state">${t("remixed_from", work.of.title ?? work.of, work.of.by ?? "")}</p>`}
    ${work.remixes > 0 && html`<p class="state">${t("remixes", work.remixes)}</p>`}`;
}

function Shown({ work, close }) {
  const film = useMedia(`/v1/explore/${work.id}/content`);
  const [words, write] = useState("");
  const [why, tell] = useState("");
  async function remix(event) {
    event.preventDefault();
    if ((await attempt(() => send(`/v1/explore/${work.id}/remix`, words.trim() ? { prompt: words } : {}))) === undefined) return;
    say(t("remix_sent"));
    location.hash = "#/create";
  }
  async function report(event) {
    event.preventDefault();
    if ((await attempt(() => send(`/v1/explore/${work.id}/report`, { reason: why }))) !== undefined) {
      say(t("reported"));
      close();
    }
  }
  return html`<${Dialog} label=${work.title} close=${close}>
    <div class="show big">${film && html`<${Video} src=${film} controls autoplay muted loop name=${work.title} />`}</div>
    <h3>${work.title}</h3>
    <p class="state">${t("by", work.by)}</p><${Credit} work=${work} />
    <p class="prompt">${work.prompt}</p>
    <form class="row fields plain" onSubmit=${remix}>
      <${Field} id="remix" label=${t("remix_words")} wide><input id="remix" value=${words} onInput=${(event) => write(event.target.value)} /><//>
      <button type="submit">${t("remix")}</button>
    </form>
    <details><summary>${t("report")}</summary>
      <form class="row fields plain" onSubmit=${report}>
        <${Field} id="why" label=${t("report_why")} wide><input id="why" required maxlength="500" value=${why} onInput=${(event) => tell(event.target.value)} /><//>
        <button type="submit">${t("report")}</button>
      </form>
    </details>
  <//>`;
}

export function Explore() {
  const [works, found] = useState(null);
  const [more, left] = useState(false);
  const [wanted, search] = useState("");
  const [opened, open] = useState(null);
  async function look(after) {
    const query = new URLSearchParams({ limit: "24", ...(wanted.trim() && { search: wanted.trim() }), ...(after && { after }) });
    const page = await attempt(() => get(`/v1/explore?${query}`));
    if (!page) return found(works ?? []);
    found(after ? [...works, ...page.data] : page.data);
    return left(page.has_more);
  }
  useEffect(() => {
    const later = setTimeout(() => look(), wanted ? 300 : 0);
    return () => clearTimeout(later);
  }, [wanted]);
  return html`<section aria-label=${t("explore")}>
    <h2>${t("explore")}</h2>
    <p class="hint">${t("explore_hint")}</p>
    <${Field} id="search" label=${t("search")}><input id="search" type="search" value=${wanted} onInput=${(event) => search(event.target.value)} /><//>
    ${works && !works.length && html`<p class="hint">${t("none_found")}</p>`}
    <div class="grid">${(works ?? []).map((work) => html`<${Work} key=${work.id} work=${work} open=${open} />`)}</div>
    ${more && html`<div class="row"><button type="button" onClick=${() => look(works.at(-1).id)}>${t("load_more")}</button></div>`}
    ${opened && html`<${Shown} work=${opened} close=${() => open(null)} />`}
  </section>`;
}

function Candidate({ address, name }) {
  const film = useMedia(address);
  return html`<figure><div class="show">${film && html`<${Video} src=${film} controls autoplay muted loop name=${name} />`}</div>
    <figcaption>${name}</figcaption></figure>`;
}

export function Votes() {
  use(language);
  const [pair, found] = useState(undefined);
  const [table, told] = useState([]);
  async function next() {
    get("/v1/votes/next").then(found, () => found(null));
    get("/v1/preferences").then((answer) => told(answer.data ?? []), () => {});
  }
  useEffect(() => {
    next();
  }, []);
  const vote = (choice) => async () => (await attempt(() => send(`/v1/votes/${pair.id}`, { choice }))) !== undefined && next();
  const round = (value) => (value == null ? "" : Number(value).toFixed(2));
  return html`<section aria-label=${t("votes")}>
    <h2>${t("votes")}</h2>
    <p class="hint">${t("votes_hint")}</p>
    ${pair === null && html`<p class="hint">${t("votes_none")}</p>`}
    ${pair && html`<p class="prompt">${pair.prompt}</p>
      <div class="pair"><${Candidate} key=${pair.a} address=${pair.a} name=${t("vote_a")} /><${Candidate} key=${pair.b} address=${pair.b} name=${t("vote_b")} /></div>
      <div class="row">${[["a", "vote_a"], ["same", "vote_same"], ["b", "vote_b"]].map(([choice, key]) => html`<button type="button" onClick=${vote(choice)}>${t(key)}</button>`)}</div>`}
    <h3>${t("preferences")}</h3>
    <${Table} heads=${[t("model"), t("value"), "95 %", "n"]} empty=${t("none_found")}
      rows=${table.map((row) => [row.model, round(row.score), `${round(row.low)} – ${round(row.high)}`, row.votes])} />
  </section>`;
}
