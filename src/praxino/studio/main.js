// The page: who is here, where they are in it, in which language and light.

import { render } from "./vendor/preact.js";
import { html, useEffect, useState, use } from "./parts.js";
import { greet, me, said } from "./api.js";
import { language, speak, t } from "./words.js";
import { Create } from "./create.js";
import { Films } from "./films.js";
import { Explore, Votes } from "./explore.js";
import { Templates } from "./templates.js";
import { Check } from "./check.js";
import { Insight } from "./insight.js";
import { Door, Waiting } from "./door.js";
import { Account } from "./account.js";
import { Moderation, People } from "./operator.js";

const VIEWS = { create: Create, films: Films, explore: Explore, templates: Templates, votes: Votes, check: Check, insight: Insight,
  account: Account, moderation: Moderation, people: People };

function open(who) {
  const all = ["create", "films", "explore", "templates", "votes", "check", "insight"];
  if (who.accounts) all.push("account");
  if (who.role !== "maker") all.push("moderation");
  if (who.role === "operator" && who.accounts) all.push("people");
  return all;
}

const here = () => /^#\/(\w+)/.exec(location.hash)?.[1] ?? "create";

function useTheme() {
  const [theme, choose] = useState(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, (next) => {
    localStorage.setItem("theme", next);
    choose(next);
  }];
}

function App() {
  const who = use(me), now = use(said), spoken = use(language);
  const [place, go] = useState(here());
  const [theme, light] = useTheme();
  useEffect(() => {
    const moved = () => {
      go(here());
      if (said.get().wrong) said.set({ text: "", wrong: false });
      document.getElementById("main")?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => {
    document.title = `${t(place)} · Praxino`;
  }, [place, spoken]);
  const inside = who && (who.state ?? "admitted") === "admitted";
  const views = inside ? open(who) : [];
  const View = VIEWS[views.includes(place) ? place : "create"];
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>${t("skip")}</a>
    <header>
      <h1>Praxino</h1>
      ${inside && html`<nav aria-label=${t("main_menu")}>${views.map((view) => html`<a href=${`#/${view}`} aria-current=${view === place ? "page" : undefined}>${t(view)}</a>`)}</nav>`}
      <div class="tools">
        ${who?.credits && html`<span class="state">${t("balance", who.credits.balance, who.credits.held)}</span>`}
        <button type="button" class="quiet" lang=${spoken === "zh" ? "en" : "zh-CN"} onClick=${() => speak(spoken === "zh" ? "en" : "zh")}>${t("other_language")}</button>
        <button type="button" class="quiet" onClick=${() => light(theme === "dark" ? "light" : "dark")}>${t(theme === "dark" ? "light" : "dark")}</button>
      </div>
    </header>
    <p id="said" role="status" class=${now.wrong ? "wrong" : ""}>${now.text}</p>
    <main id="main" tabindex="-1" key=${spoken}>
      ${who === undefined ? html`<section aria-busy="true"></section>` : who === null ? html`<${Door} />` : inside ? html`<${View} />` : html`<${Waiting} />`}
    </main>`;
}

speak(language.get());
render(html`<${App} />`, document.getElementById("app"));
greet();
