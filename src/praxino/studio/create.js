// What to make: words, pictures, storyboard, and what it will cost.

import { html, useEffect, useRef, useState, use, spell, say, Field, Number_, Choice } from "./parts.js";
import { attempt, get, me, send } from "./api.js";
import { BLANK, RATES, SHAPES, SIZES, body, change, form, fromRecipe, worded } from "./settings.js";
import { CAMERAS, helped } from "./helper.js";
import { Making } from "./films.js";
import { language, t } from "./words.js";

/** The models of the server, with the words that each was taught. */
function useModels() {
  const [models, found] = useState([]);
  useEffect(() => {
    get("/v1/models").then((answer) => found(answer.data), () => {});
  }, []);
  return models;
}

/** What the server says that it would cost, asked again a moment after the last change. */
function useQuote(asked) {
  const [quote, found] = useState(null);
  const key = worded(asked) ? JSON.stringify(body(asked)) : "";
  useEffect(() => {
    if (!key) {
      found(null);
      return undefined;
    }
    let stale = false;
    const later = setTimeout(async () => {
      try {
        const cost = await send("/v1/videos/quote", JSON.parse(key));
        if (!stale) found({ cost });
      } catch (error) {
        if (!stale) found({ wrong: error.message, code: error.code });
      }
    }, 350);
    return () => {
      stale = true;
      clearTimeout(later);
    };
  }, [key]);
  return quote;
}

function Quote({ quote, prompt }) {
  if (!quote) return html`<output class="quote" for="prompt">${t("quote_empty")}</output>`;
  if (quote.wrong) {
    const appeal = async () => (await attempt(() => send("/v1/moderation/appeals", { prompt, note: "" }))) !== undefined && say(t("appealed"));
    return html`<output class="quote wrong" for="prompt">${quote.wrong}
      ${quote.code === "prompt_denied" && html` <button type="button" onClick=${appeal}>${t("appeal")}</button>`}</output>`;
  }
  const { cost } = quote;
  const parts = [t("quote", cost.tokens.toLocaleString(), spell(cost.seconds_p50), spell(cost.seconds_p90))];
  if (cost.queue_seconds > 1) parts.push(t("quote_queue", spell(cost.queue_seconds)));
  if (cost.credits != null && me.get()?.accounts) parts.push(t("quote_credits", cost.credits));
  return html`<output class="quote" for="prompt">${parts.join(language.get() === "zh" ? "，" : ", ")}
    ${cost.warnings.map((warning) => html`<span class="warning">${warning}</span>`)}</output>`;
}

/** A place for a file: chosen, dropped or pasted; or a film of this server. */
function Media({ id, label, held, take, accept }) {
  const [over, hover] = useState(false);
  const [address, show] = useState(null);
  useEffect(() => {
    if (!(held instanceof File) || !held.type.startsWith("image/")) return show(null);
    const fresh = URL.createObjectURL(held);
    show(fresh);
    return () => URL.revokeObjectURL(fresh);
  }, [held]);
  const drop = (event) => {
    event.preventDefault();
    hover(false);
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  };
  return html`<div class=${over ? "drop over" : "drop"} onDragOver=${(event) => { event.preventDefault(); hover(true); }}
      onDragLeave=${() => hover(false)} onDrop=${drop}>
    <label for=${id}>${label}</label>
    <input id=${id} type="file" accept=${accept} onChange=${(event) => event.target.files[0] && take(event.target.files[0])} />
    ${address && html`<img src=${address} alt="" />`}
    ${held && html`<p>${held instanceof File ? held.name : t("continues", held.id.slice(-6))}
      <button type="button" onClick=${() => { take(null); document.getElementById(id).value = ""; }}>${t("remove")}</button></p>`}
  </div>`;
}

function Storyboard({ shots }) {
  const total = shots.reduce((sum, shot) => sum + (Number(shot.seconds) || 0), 0);
  const put = (place, values) => change({ shots: shots.map((shot, k) => (k === place ? { ...shot, ...values } : shot)) });
  const swap = (a, b) => {
    const next = [...shots];
    [next[a], next[b]] = [next[b], next[a]];
    change({ shots: next });
  };
  const without = (place) => {
    const rest = shots.filter((_, k) => k !== place);
    change(rest.length ? { shots: rest } : { shots: [], prompt: shots[0].prompt });
  };
  return html`<fieldset class="storyboard">
    <legend>${t("storyboard")}</legend>
    <div class="timeline" role="img" aria-label=${t("timeline", shots.length, total)}>
      ${shots.map((shot, k) => html`<span ref=${(bar) => bar && (bar.style.flexGrow = Number(shot.seconds) || 0.1)}>${k + 1}</span>`)}
    </div>
    <ol class="shots">${shots.map((shot, k) => html`<li key=${k}>
      <input class="short" type="number" min="0.5" max="120" step="0.5" aria-label=${t("shot_seconds", k + 1)} value=${shot.seconds}
        onInput=${(event) => put(k, { seconds: event.target.value })} />
      <input class="long" aria-label=${t("shot_words", k + 1)} value=${shot.prompt} placeholder=${t("prompt_example")}
        onInput=${(event) => put(k, { prompt: event.target.value })} />
      <button type="button" aria-label=${`${t("earlier")}: ${t("shot", k + 1)}`} disabled=${k === 0} onClick=${() => swap(k, k - 1)}>↑</button>
      <button type="button" aria-label=${`${t("later")}: ${t("shot", k + 1)}`} disabled=${k === shots.length - 1} onClick=${() => swap(k, k + 1)}>↓</button>
      <button type="button" aria-label=${`${t("remove")}: ${t("shot", k + 1)}`} onClick=${() => without(k)}>×</button>
    </li>`)}</ol>
    <button type="button" onClick=${() => change({ shots: [...shots, { seconds: "3", prompt: "" }] })}>${t("add_shot")}</button>
  </fieldset>`;
}

async function submit(asked) {
  if (asked.extends) {
    const prompt = asked.shots.length ? asked.shots[0].prompt : asked.prompt;
    const seed = asked.seed === "" ? {} : { seed: Number(asked.seed) };
    return send("/v1/videos/extensions", { prompt, seconds: Number(asked.seconds), video: { id: asked.extends.id }, ...seed });
  }
  const parts = new FormData();
  for (const [name, value] of Object.entries(body(asked))) parts.append(name, typeof value === "object" ? JSON.stringify(value) : value);
  for (const [name, held] of [["input_reference", asked.start], ["end_reference", asked.end]]) {
    if (held instanceof File) parts.append(name, held);
    else if (held) parts.append(name, JSON.stringify({ id: held.id }));
  }
  return send("/v1/videos", parts);
}

/** A film that Praxino made fills in the form; whatever else is dropped, the film begins with it. */
async function dropped(file) {
  if (file.type === "video/mp4") {
    const parts = new FormData();
    parts.append("file", file);
    try {
      const { recipe } = await send("/v1/inspect", parts);
      if (recipe) {
        fromRecipe(recipe);
        return say(t("seen_words"));
      }
    } catch {
      // a film of someone else's: it is what to begin with
    }
  }
  return change({ start: file, extends: null });
}

export function Create() {
  const asked = use(form);
  const [busy, wait] = useState(false);
  const [fresh, made] = useState(0);
  const models = useModels();
  const quote = useQuote(asked);
  const box = useRef(null);
  const model = models.find((one) => one.id === asked.model);
  const cameras = CAMERAS.filter((move) => model?.vocabulary?.includes(move.word));
  const side = language.get() === "zh" ? "zh" : "en";

  useEffect(() => {
    const paste = (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
      if (file) change({ start: file, extends: null });
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);

  async function make(event) {
    event.preventDefault();
    if (busy) return;
    wait(true);
    const video = await attempt(() => submit(asked));
    wait(false);
    if (video) made(fresh + 1);
  }
  const set = (name) => (value) => change({ [name]: value });
  const quick = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && box.current.requestSubmit();

  return html`<div class="two">
    <form ref=${box} onSubmit=${make} onKeyDown=${quick} aria-label=${t("create")} onDragOver=${(event) => event.preventDefault()}
        onDrop=${(event) => { event.preventDefault(); if (event.dataTransfer.files[0] && !event.target.closest(".drop")) dropped(event.dataTransfer.files[0]); }}>
      ${asked.shots.length
        ? html`<${Storyboard} shots=${asked.shots} />`
        : html`<${Field} id="prompt" label=${t("prompt")} wide>
            <textarea id="prompt" rows="3" maxlength="2000" required value=${asked.prompt} placeholder=${t("prompt_example")}
              onInput=${(event) => change({ prompt: event.target.value })}></textarea>
          <//>`}
      <div class="row">
        ${!asked.shots.length && html`<button type="button" onClick=${() => change({ prompt: helped(asked.prompt) })}>${t("help_prompt")}</button>`}
        ${!asked.shots.length && html`<button type="button" onClick=${() => change({ shots: [{ seconds: asked.seconds, prompt: asked.prompt }, { seconds: "3", prompt: "" }] })}>${t("storyboard_on")}</button>`}
      </div>
      <div class="row fields">
        ${!asked.shots.length && html`<${Number_} id="seconds" label=${t("length")} value=${asked.seconds} change=${set("seconds")} min="0.5" max="120" step="0.5" required />`}
        <${Choice} id="shape" label=${t("shape")} value=${asked.shape} change=${set("shape")} options=${SHAPES.map((one) => [one, one])} />
        <${Choice} id="resolution" label=${t("resolution")} value=${asked.resolution} change=${set("resolution")} options=${SIZES.map((one) => [one, one])} />
        <div class="field"><label class="tick"><input type="checkbox" checked=${asked.draft} onChange=${(event) => change({ draft: event.target.checked })} /> ${t("draft")}</label></div>
      </div>
      <div class="row fields">
        ${asked.extends
          ? html`<p class="drop">${t("continues", asked.extends.id.slice(-6))} <button type="button" onClick=${() => change({ extends: null })}>${t("remove")}</button></p>`
          : html`<${Media} id="start" label=${t("start")} held=${asked.start} take=${(file) => (file ? dropped(file) : change({ start: null }))} accept="image/*,video/mp4" />
                 <${Media} id="end" label=${t("end")} held=${asked.end} take=${(file) => change({ end: file })} accept="image/*" />`}
      </div>
      <p class="hint">${t("drop")}</p>
      <details>
        <summary>${t("more")}</summary>
        <div class="row fields">
          ${models.length > 1 && html`<${Choice} id="model" label=${t("model")} value=${asked.model} change=${set("model")} options=${models.map((one) => [one.id, one.id])} />`}
          <${Number_} id="seed" label=${t("seed")} value=${asked.seed} change=${set("seed")} min="0" step="1" placeholder=${t("any")} />
          <${Number_} id="guidance" label=${t("guidance")} value=${asked.guidance} change=${set("guidance")} min="0" max="20" step="0.5" placeholder=${t("model_own")} />
          <${Choice} id="fps" label=${t("fps")} value=${asked.fps} change=${set("fps")} options=${RATES.map((one) => [one, one])} />
          ${cameras.length
            ? html`<${Choice} id="camera" label=${t("camera")} value=${asked.camera} change=${set("camera")} options=${[["", t("camera_still")], ...cameras.map((move) => move[side])]} />`
            : model && html`<p class="hint">${t("camera_unknown")}</p>`}
        </div>
        <${Field} id="negative" label=${t("negative")} wide>
          <input id="negative" value=${asked.negative} placeholder=${t("negative_example")} onInput=${(event) => change({ negative: event.target.value })} />
        <//>
      </details>
      <${Quote} quote=${quote} prompt=${asked.prompt} />
      <div class="row">
        <button type="submit" title="Ctrl+Enter" disabled=${busy}>${busy ? t("sending") : t("generate")}</button>
        <button type="button" class="quiet" onClick=${() => form.set({ ...BLANK })}>${t("start_over")}</button>
      </div>
    </form>
    <${Making} fresh=${fresh} />
  </div>`;
}
