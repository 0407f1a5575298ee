// Figures: of what this person made, and, for the operator, of the service.

import { html, useEffect, useState, use, Table } from "./parts.js";
import { get, me } from "./api.js";
import { t } from "./words.js";

/** A number as people read it; a share as percent where its name says so. */
function shown(name, value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (/rate|share/.test(name)) return `${Math.round(100 * value)} %`;
  return Number.isInteger(value) ? value.toLocaleString() : value.toFixed(2);
}

/** Plain figures as one table, and each list of records as a table of its own. */
function Figures({ name, figures }) {
  const entries = Object.entries(figures ?? {});
  const plain = entries.filter(([, value]) => value === null || typeof value !== "object");
  const lists = entries.filter(([, value]) => Array.isArray(value) && value.length && typeof value[0] === "object");
  const groups = entries.filter(([, value]) => value && typeof value === "object" && !Array.isArray(value));
  const spelt = (key) => key.replaceAll("_", " ");
  return html`<div>
    <h3>${name}</h3>
    ${plain.length > 0 && html`<${Table} heads=${[t("figure"), t("value")]} rows=${plain.map(([key, value]) => [spelt(key), shown(key, value)])} />`}
    ${groups.map(([key, value]) => html`<${Figures} key=${key} name=${spelt(key)} figures=${value} />`)}
    ${lists.map(([key, rows]) => html`<h4>${spelt(key)}</h4><${Table} heads=${Object.keys(rows[0]).map(spelt)}
      rows=${rows.map((row) => Object.entries(row).map(([name, value]) => shown(name, value)))} />`)}
  </div>`;
}

export function Insight() {
  const who = use(me);
  const [mine, found] = useState(null);
  const [service, told] = useState(null);
  useEffect(() => {
    get("/v1/insight").then(found, () => found({}));
    if (who?.role === "operator") get("/v1/insight/service").then(told, () => {});
  }, [who?.role]);
  return html`<section aria-label=${t("insight")}>
    <h2>${t("insight")}</h2>
    ${mine && html`<${Figures} name=${t("insight_mine")} figures=${mine} />`}
    ${service && html`<${Figures} name=${t("insight_service")} figures=${service} />`}
  </section>`;
}
