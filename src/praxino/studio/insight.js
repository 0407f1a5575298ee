// Figures: of what this person made, and, for the operator, of the service.

import { html, useEffect, useState, use, Table } from "./parts.js";
import { get, me } from "./api.js";
import { language, t } from "./words.js";

// prettier-ignore
const NAMES = {
  made: ["films made", "已完成"], kept: ["kept", "保留"], published: ["published", "已发布"], remixed: ["remixed by others", "被再创作"], hit_rate: ["kept or published", "保留或发布率"], seconds: ["seconds of film", "视频秒数"], credits: ["credits", "点数"], week: ["week", "周"], weeks: ["by week", "按周"],
  days: ["days looked at", "统计天数"], load: ["Load", "负载"], queued: ["waiting", "排队"], in_progress: ["in the making", "制作中"], paused: ["held", "暂停"], workers: ["workers", "工作进程"], queue_seconds: ["seconds until all is made", "全部完成还需秒数"],
  promises: ["Promises kept", "承诺与实际"], films: ["films", "视频数"], within_p90_share: ["within the 90 % bound", "在 90% 上限内"], median_error: ["median error of the estimate", "估计的中位误差"], waits: ["waits foretold", "已预告的等待"], wait_promised_s: ["wait foretold, s", "预告等待（秒）"], wait_actual_s: ["wait in fact, s", "实际等待（秒）"], wait_median_error_s: ["median error of waits, s", "等待的中位误差（秒）"],
  cost: ["Cost", "成本"], failed: ["failed", "失败"], minutes: ["minutes of film", "视频分钟数"], device_seconds_per_minute: ["device seconds for a minute of film", "每分钟视频的设备秒数"], model: ["model", "模型"], models: ["Models", "模型"],
};
const spelt = (key) => NAMES[key]?.[language.get() === "zh" ? 1 : 0] ?? key.replaceAll("_", " ");
const FIRST = ["week", "model"]; // what a record is of goes before its figures

/** A number as people read it; a share as percent where its name says so. */
function shown(name, value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (/rate|share|median_error$/.test(name)) return `${Math.round(100 * value)} %`;
  return Number.isInteger(value) ? value.toLocaleString() : value.toFixed(2);
}

/** Plain figures as one table, and each list of records as a table of its own. */
function Figures({ name, figures }) {
  const entries = Object.entries(figures ?? {});
  const plain = entries.filter(([, value]) => value === null || typeof value !== "object");
  const lists = entries.filter(([, value]) => Array.isArray(value) && value.length && typeof value[0] === "object");
  const groups = entries.filter(([, value]) => value && typeof value === "object" && !Array.isArray(value));
  const ordered = (row) => Object.entries(row).sort(([a], [b]) => FIRST.includes(b) - FIRST.includes(a));
  return html`<div>
    <h3>${name}</h3>
    ${plain.length > 0 && html`<${Table} heads=${[t("figure"), t("value")]} rows=${plain.map(([key, value]) => [spelt(key), shown(key, value)])} />`}
    ${groups.map(([key, value]) => html`<${Figures} key=${key} name=${spelt(key)} figures=${value} />`)}
    ${lists.map(([key, rows]) => html`<h4>${spelt(key)}</h4><${Table} heads=${ordered(rows[0]).map(([key]) => spelt(key))}
      rows=${rows.map((row) => ordered(row).map(([key, value]) => shown(key, value)))} />`)}
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
