// Small pieces that every view uses.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { media, said } from "./api.js";
import { language, t } from "./words.js";

export { html, useEffect, useRef, useState };

/** The value of a store, anew whenever it changes. */
export function use(store) {
  const [value, change] = useState(store.get());
  useEffect(() => {
    change(store.get());
    return store.watch((next) => change(() => next));
  }, [store]);
  return value;
}

export function spell(seconds) {
  if (seconds < 100) return t("seconds_of", Math.max(1, Math.round(seconds)));
  return t("minutes_of", (seconds / 60).toFixed(seconds < 600 ? 1 : 0));
}

export function when(seconds) {
  const format = new Intl.DateTimeFormat(language.get(), { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(seconds * 1000));
}

export const say = (text, wrong = false) => said.set({ text, wrong });

/** A labelled field. `hint` is read with it. */
export function Field({ label, hint, children, id, wide }) {
  return html`<div class=${wide ? "field wide" : "field"}>
    <label for=${id}>${label}</label>
    ${children}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

export function Number_({ id, label, value, change, ...rest }) {
  return html`<${Field} id=${id} label=${label}>
    <input id=${id} type="number" value=${value} onInput=${(event) => change(event.target.value)} ...${rest} />
  <//>`;
}

export function Choice({ id, label, value, change, options }) {
  return html`<${Field} id=${id} label=${label}>
    <select id=${id} value=${value} onChange=${(event) => change(event.target.value)}>
      ${options.map(([key, name]) => html`<option value=${key} selected=${key === value}>${name}</option>`)}
    </select>
  <//>`;
}

/** The address of a file of the server while the component is there; null until it has come. */
export function useMedia(path) {
  const [address, change] = useState(null);
  const held = useRef(null);
  useEffect(() => {
    if (!path) return undefined;
    let gone = false;
    media(path).then(
      (fresh) => {
        if (gone) return URL.revokeObjectURL(fresh);
        const old = held.current;
        held.current = fresh;
        change(fresh);
        if (old) setTimeout(() => URL.revokeObjectURL(old), 1000);
      },
      () => {}, // there is nothing yet, or no more
    );
    return () => {
      gone = true;
    };
  }, [path]);
  useEffect(() => () => held.current && URL.revokeObjectURL(held.current), []);
  return path ? address : null;
}

/** A film, out of sight until there is something of it to see. `holds` is a ref to its element. */
export function Video({ holds, name, ...rest }) {
  const [ready, is] = useState(false);
  return html`<video ref=${holds} class=${ready ? "" : "unready"} playsinline aria-label=${name} onLoadedData=${() => is(true)} ...${rest}></video>`;
}

/** A dialog over the page; Escape and a click beside it close it. */
export function Dialog({ label, close, children }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
  }, []);
  const beside = (event) => event.target === box.current && close();
  return html`<dialog ref=${box} aria-label=${label} onClose=${close} onClick=${beside}>
    <button class="close" type="button" aria-label=${t("close")} onClick=${close}>×</button>
    ${children}
  </dialog>`;
}

export function Table({ heads, rows, empty }) {
  if (!rows.length) return html`<p class="hint">${empty}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${heads[0]}><table>
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}
