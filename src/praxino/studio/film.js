// One film, large: played, looped, stepped through frame by frame, retaken, published.

import { html, useEffect, useRef, useState, say, useMedia, Video, Dialog, Field, Number_, when } from "./parts.js";
import { act, download, goOn, reuse, told } from "./films.js";
import { t } from "./words.js";

export function Film({ film, close }) {
  const address = useMedia(`/v1/videos/${film.id}/content`);
  const player = useRef(null);
  const [loop, again] = useState(true);
  const [now, tick] = useState(0);
  const [span, mark] = useState({ from: 0, to: Math.min(1, Number(film.seconds)) });
  const [words, write] = useState("");
  const [title, name] = useState((film.prompt ?? "").slice(0, 100));
  const fps = film.fps ?? 30, seconds = Number(film.seconds), frames = Math.round(seconds * fps);

  function step(by) {
    const video = player.current;
    if (!video) return;
    video.pause();
    const at = Math.round(video.currentTime * fps) + by;
    video.currentTime = (Math.min(frames - 1, Math.max(0, at)) + 0.5) / fps; // the middle of a frame, so that none is missed
  }
  useEffect(() => {
    const keys = (event) => {
      if (["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName)) return;
      if (event.key === ",") step(-1);
      if (event.key === ".") step(1);
    };
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  });
  async function retake(event) {
    event.preventDefault();
    const body = { from: Number(span.from), to: Number(span.to), ...(words.trim() ? { prompt: words } : {}) };
    if (await act("retake", film, body)) {
      say(t("retake_sent"));
      close();
    }
  }
  const leave = (action) => () => {
    action(film);
    close();
  };
  const share = (at) => `${(100 * at) / seconds}%`;
  const band = (bar) => bar && Object.assign(bar.style, { left: share(span.from), width: share(Math.max(0, span.to - span.from)) });
  const facts = [["model", film.model], ["seed", film.seed], ["fps", film.fps], ["length", film.seconds], ["resolution", film.size],
    ["made_at", film.completed_at && when(film.completed_at)]];
  return html`<${Dialog} label=${film.prompt} close=${close}>
    <div class="show big">${address && html`<${Video} holds=${player} src=${address} controls autoplay muted loop=${loop} name=${film.prompt}
      onTimeUpdate=${(event) => tick(event.target.currentTime)} onSeeked=${(event) => tick(event.target.currentTime)} />`}</div>
    <div class="row">
      <button type="button" title="," onClick=${() => step(-1)}>◂ ${t("frame_back")}</button>
      <span class="state" role="status">${t("frame_at", Math.min(frames, 1 + Math.floor(now * fps)), frames)}</span>
      <button type="button" title="." onClick=${() => step(1)}>${t("frame_on")} ▸</button>
      <label class="tick"><input type="checkbox" checked=${loop} onChange=${(event) => again(event.target.checked)} /> ${t("loop")}</label>
    </div>
    <p class="prompt">${film.prompt}</p>
    <p class="state">${told(film)}</p>
    <div class="row actions">
      <button type="button" onClick=${() => download(film)}>${t("download")}</button>
      <button type="button" onClick=${leave(goOn)}>${t("extend")}</button>
      <button type="button" onClick=${leave(reuse)}>${t("reuse")}</button>
      ${film.draft && html`<button type="button" onClick=${leave((one) => act("finish", one))}>${t("finish")}</button>`}
    </div>
    <details>
      <summary>${t("retake")}</summary>
      <form class="plain" onSubmit=${retake}>
        <p class="hint">${t("retake_hint")}</p>
        <div class="span" aria-hidden="true"><span ref=${band}></span></div>
        <div class="row fields">
          <${Number_} id="from" label=${t("retake_from")} value=${span.from} min="0" max=${seconds} step="0.1" change=${(from) => mark({ ...span, from })} />
          <button type="button" onClick=${() => mark({ ...span, from: now.toFixed(1) })}>↤</button>
          <${Number_} id="to" label=${t("retake_to")} value=${span.to} min="0.1" max=${seconds} step="0.1" change=${(to) => mark({ ...span, to })} />
          <button type="button" onClick=${() => mark({ ...span, to: now.toFixed(1) })}>↦</button>
        </div>
        <${Field} id="words" label=${t("retake_words")} wide><input id="words" value=${words} onInput=${(event) => write(event.target.value)} /><//>
        <button type="submit">${t("retake")}</button>
      </form>
    </details>
    <details>
      <summary>${t("publish")}</summary>
      <div class="row fields">
        <${Field} id="title" label=${t("title")} wide><input id="title" maxlength="100" value=${title} onInput=${(event) => name(event.target.value)} /><//>
        <button type="button" onClick=${async () => (await act("publish", film, { title })) && say(t("published"))}>${t("publish")}</button>
        <button type="button" onClick=${async () => (await act("unpublish", film)) && say(t("unpublished"))}>${t("unpublish")}</button>
      </div>
    </details>
    <details>
      <summary>${t("recipe")}</summary>
      <dl>${facts.filter(([, value]) => value != null).map(([key, value]) => html`<dt>${t(key)}</dt><dd>${value}</dd>`)}</dl>
    </details>
  <//>`;
}
