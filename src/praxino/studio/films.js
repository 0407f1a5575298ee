// Films of this person: those in the making, live, and those that are made.

import { html, useEffect, useRef, useState, use, spell, say, useMedia, Video, Field } from "./parts.js";
import { attempt, call, get, me, send, store } from "./api.js";
import { change, fromVideo } from "./settings.js";
import { Film } from "./film.js";
import { t } from "./words.js";

const ACTIVE = ["queued", "in_progress", "paused"];
const BUSY = 700, IDLE = 4000; // milliseconds between looks

/** The newest films, as the server has them: whatever any browser does, all of them see. */
const films = store(null);
let timer, watchers = 0;

async function look() {
  clearTimeout(timer);
  try {
    films.set((await get("/v1/videos?limit=30")).data);
  } catch (error) {
    if (error.status === 401) me.set(null);
    else if (error.code === "offline") say(t("offline"), true);
  }
  if (watchers) timer = setTimeout(look, films.get()?.some((film) => ["queued", "in_progress"].includes(film.status)) ? BUSY : IDLE);
}

/** The newest films, looked at again and again while anyone shows them. */
function useFilms(again) {
  const seen = use(films);
  useEffect(() => {
    watchers += 1;
    return () => {
      watchers -= 1;
    };
  }, []);
  useEffect(() => {
    look();
  }, [again]);
  return seen;
}

/** Do something to a film, and show what came of it. */
export async function act(verb, film, values) {
  const done = await attempt(() => {
    if (verb === "delete") return call(`/v1/videos/${film.id}`, { method: "DELETE" });
    if (verb === "unpublish") return call(`/v1/videos/${film.id}/publish`, { method: "DELETE" });
    if (verb === "edit") return send(`/v1/videos/${film.id}`, values, "PATCH");
    return send(`/v1/videos/${film.id}/${verb}`, values);
  });
  await look();
  return done !== undefined;
}

export async function download(film) {
  await attempt(async () => {
    const address = URL.createObjectURL(await (await call(`/v1/videos/${film.id}/content`)).blob());
    const link = Object.assign(document.createElement("a"), { href: address, download: `${film.id}.mp4` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  });
}

export function reuse(film) {
  fromVideo(film);
  say(t("seen_words"));
  location.hash = "#/create";
}

export function goOn(film) {
  fromVideo(film);
  change({ extends: { id: film.id }, start: null, seconds: "4", seed: "" });
  say(t("extended"));
  location.hash = "#/create";
}

export function told(film) {
  const eta = film.eta ? t("eta", spell(film.eta.p50_s), spell(film.eta.p90_s)) : "";
  const stage = film.stage && ["starting", "loading"].includes(film.stage) ? t(`stage_${film.stage}`) : t("made_percent", film.progress);
  const facts = {
    queued: [film.queue_position ? t("waits", film.queue_position) : t("waits_plain"), eta],
    in_progress: [film.wanted ? t("soon", t(film.wanted)) : stage, eta],
    paused: [t("held_at", film.progress)],
    completed: [t("seconds_of", film.seconds), film.size, t("seed_is", film.seed), film.draft && t("a_draft"), film.stopped && t("stopped_early")],
    failed: [t("failed_because", film.error?.message ?? "")],
    cancelled: [t("cancelled")],
  };
  return facts[film.status].filter(Boolean).join(" · ");
}

function Making_({ film, before }) {
  const [draft, edit] = useState(null);
  const shown = useRef(0);
  if (film.progress >= shown.current + 8 || film.progress < shown.current) shown.current = film.progress; // not a new file for each percent
  const preview = useMedia(film.progress > 0 ? `/v1/videos/${film.id}/preview#${shown.current}` : null);
  const verbs = { queued: ["pause", "cancel"], in_progress: ["stop", "pause", "cancel"], paused: ["resume", "cancel"] }[film.status];
  async function save(event) {
    event.preventDefault();
    if (await act("edit", film, { prompt: draft })) edit(null);
  }
  return html`<article class="card" aria-label=${film.prompt}>
    ${preview && html`<div class="show"><${Video} src=${preview} muted autoplay loop name=${film.prompt} /></div>`}
    <div class="tell">
      ${draft === null
        ? html`<p class="prompt">${film.prompt}</p>`
        : html`<form class="row plain" onSubmit=${save}><${Field} id=${`edit-${film.id}`} label=${t("edit")} wide>
            <input id=${`edit-${film.id}`} value=${draft} onInput=${(event) => edit(event.target.value)} /><//>
            <button type="submit">${t("save")}</button></form>`}
      <p class="state">${told(film)}</p>
      <progress max="100" value=${film.progress} aria-label=${t("progress_of", film.prompt)}></progress>
      ${film.warnings.map((warning) => html`<p class="warning">${warning}</p>`)}
      <div class="row actions">
        ${verbs.map((verb) => html`<button type="button" onClick=${() => act(verb, film)}>${t(verb)}</button>`)}
        ${film.status === "queued" && html`<button type="button" onClick=${() => edit(draft === null ? film.prompt : null)}>${t("edit")}</button>`}
        ${film.status === "queued" && before && html`<button type="button" onClick=${() => act("move", film, { before: before.id })}>${t("sooner")}</button>`}
      </div>
    </div>
  </article>`;
}

/** A film that has ended: its picture, or the film itself where `plays`. */
function Card({ film, plays, open }) {
  const made = film.status === "completed";
  const shown = useMedia(made ? `/v1/videos/${film.id}/content${plays ? "" : "?variant=thumbnail"}` : null);
  return html`<article class="card" aria-label=${film.prompt}>
    ${made && html`<div class="show">
      ${shown && (plays ? html`<${Video} src=${shown} controls loop name=${film.prompt} />`
        : html`<button class="cover" type="button" aria-label=${`${t("open")}: ${film.prompt}`} onClick=${() => open(film)}><img src=${shown} alt="" /></button>`)}
    </div>`}
    <div class="tell">
      <p class="prompt">${film.prompt}</p>
      <p class="state">${told(film)}</p>
      <div class="row actions">
        ${made && html`<button type="button" onClick=${() => open(film)}>${t("open")}</button>`}
        ${made && html`<button type="button" onClick=${() => download(film)}>${t("download")}</button>`}
        ${made && film.draft && html`<button type="button" onClick=${() => act("finish", film)}>${t("finish")}</button>`}
        ${!made && html`<button type="button" onClick=${() => act("retry", film)}>${t("retry")}</button>`}
        <button type="button" onClick=${() => reuse(film)}>${t("reuse")}</button>
        <button type="button" class="quiet" onClick=${() => confirm(t("delete_sure")) && act("delete", film)}>${t("delete")}</button>
      </div>
    </div>
  </article>`;
}

/** Beside the form: what is being made, and what has just been. */
export function Making({ fresh }) {
  const seen = useFilms(fresh);
  const [opened, open] = useState(null);
  if (seen === null) return html`<section aria-busy="true" aria-label=${t("now")}></section>`;
  const active = seen.filter((film) => ACTIVE.includes(film.status));
  const waiting = active.filter((film) => film.status === "queued").sort((a, b) => (a.queue_position ?? 0) - (b.queue_position ?? 0));
  const running = active.filter((film) => film.status !== "queued");
  const recent = seen.filter((film) => !ACTIVE.includes(film.status)).slice(0, 4);
  return html`<section aria-label=${t("now")} aria-live="off">
    ${running.length + waiting.length > 0 && html`<h2>${t("now")}</h2>`}
    ${running.map((film) => html`<${Making_} key=${film.id} film=${film} />`)}
    ${waiting.map((film, k) => html`<${Making_} key=${film.id} film=${film} before=${waiting[k - 1]} />`)}
    ${recent.length > 0 && html`<h2>${t("recent")}</h2>`}
    ${recent.map((film, k) => html`<${Card} key=${film.id} film=${film} plays=${k < 2} open=${open} />`)}
    ${!seen.length && html`<p class="hint">${t("nothing_yet")}</p>`}
    ${opened && html`<${Film} film=${opened} close=${() => open(null)} />`}
  </section>`;
}

/** Everything this person has made, newest first. */
export function Films() {
  const [list, grow] = useState([]);
  const [more, left] = useState(null);
  const [wanted, search] = useState("");
  const [opened, open] = useState(null);
  const newest = useFilms(0);
  async function older() {
    const page = await attempt(() => get(`/v1/videos?limit=30&after=${list.at(-1)?.id ?? newest.at(-1).id}`));
    if (page) {
      grow([...list, ...page.data]);
      left(page.has_more);
    }
  }
  if (newest === null) return html`<section aria-busy="true"></section>`;
  const known = new Set(newest.map((film) => film.id));
  const all = [...newest, ...list.filter((film) => !known.has(film.id))].filter((film) => !ACTIVE.includes(film.status));
  const found = all.filter((film) => (film.prompt ?? "").toLowerCase().includes(wanted.trim().toLowerCase()));
  return html`<section aria-label=${t("films")}>
    <h2>${t("films")}</h2>
    <${Field} id="search" label=${t("search_films")}><input id="search" type="search" value=${wanted} onInput=${(event) => search(event.target.value)} /><//>
    ${!found.length && html`<p class="hint">${wanted ? t("none_found") : t("nothing_yet")}</p>`}
    <div class="grid">${found.map((film) => html`<${Card} key=${film.id} film=${film} open=${open} />`)}</div>
    ${more !== false && newest.length >= 30 && html`<div class="row"><button type="button" onClick=${older}>${t("load_more")}</button></div>`}
    ${opened && html`<${Film} film=${opened} close=${() => open(null)} />`}
  </section>`;
}
