// Was this film made here? Its label, its recipe and its signature, read by the server.

import { html, useState, say, Field } from "./parts.js";
import { attempt, send } from "./api.js";
import { fromRecipe } from "./settings.js";
import { t } from "./words.js";

export function Check() {
  const [found, tell] = useState(null);
  async function read(file) {
    if (!file) return;
    const parts = new FormData();
    parts.append("file", file);
    tell((await attempt(() => send("/v1/inspect", parts))) ?? null);
  }
  function reuse() {
    fromRecipe(found.recipe);
    say(t("seen_words"));
    location.hash = "#/create";
  }
  const { label, recipe, manifest } = found ?? {};
  const signed = manifest && `${manifest.valid ? t("manifest_valid", manifest.issuer) : t("manifest_invalid")}${manifest.ai_made ? ` · ${t("ai_made")}` : ""}`;
  const take = (event) => {
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  };
  return html`<section aria-label=${t("check")}>
    <h2>${t("check")}</h2>
    <p class="hint">${t("check_hint")}</p>
    <div class="drop" onDragOver=${(event) => event.preventDefault()} onDrop=${take}>
      <${Field} id="check" label=${t("check_file")}><input id="check" type="file" accept="video/mp4,.mp4" onChange=${(event) => read(event.target.files[0])} /><//>
    </div>
    ${found && html`<div class="card tell" role="status">
      <p class="prompt">${found.made_here ? t("made_here") : t("not_made_here")}</p>
      <dl>
        <dt>${t("label")}</dt><dd><code>${label ? JSON.stringify(label) : t("none")}</code></dd>
        <dt>${t("manifest")}</dt><dd>${signed || t("none")}</dd>
        <dt>${t("recipe")}</dt><dd>${recipe ? html`<pre tabindex="0">${JSON.stringify(recipe, null, 1)}</pre>` : t("none")}</dd>
      </dl>
      ${recipe && html`<div class="row"><button type="button" onClick=${reuse}>${t("reuse")}</button></div>`}
    </div>`}
  </section>`;
}
