// Storyboards with blanks, for the uses that people come for.

import { html, useState, Field, Choice } from "./parts.js";
import { BLANK, change } from "./settings.js";
import { language, t } from "./words.js";

// prettier-ignore
const COLOURS = [["red", "红色"], ["orange", "橙色"], ["yellow", "黄色"], ["green", "绿色"], ["cyan", "青色"], ["blue", "蓝色"], ["purple", "紫色"], ["pink", "粉色"]];
const THINGS = [["ball", "球"], ["cube", "立方体"], ["cylinder", "圆柱体"], ["cone", "圆锥体"]];
const FLOORS = [["a plain grey floor", "灰色地面"], ["a checker floor", "棋盘格地板"], ["a wooden floor", "木地板"], ["grass", "草地"], ["sand", "沙地"]];
const BLANKS = {
  colour: { name: ["Colour", "颜色"], of: COLOURS }, thing: { name: ["Thing", "物体"], of: THINGS }, floor: { name: ["Ground", "地面"], of: FLOORS },
  other: { name: ["Second colour", "第二种颜色"], of: COLOURS },
};

// prettier-ignore
const TEMPLATES = [
  { id: "advert", name: ["Product advert", "产品广告"], about: ["The product by itself, turning, then arriving: eight seconds, upright.", "产品单独亮相、旋转、入场：八秒，竖屏。"], shape: "9:16", blanks: ["colour", "thing", "floor"],
    start: { colour: 5, thing: 2, floor: 0 },
    shots: [[3, "a {colour} {thing} rests on {floor}", "一个{colour}的{thing}在{floor}上静止不动"], [3, "a {colour} {thing} spins on {floor}", "一个{colour}的{thing}在{floor}上旋转"], [2, "a {colour} {thing} slides to the right on {floor}", "一个{colour}的{thing}在{floor}上向右滑动"]] },
  { id: "news", name: ["News explainer", "新闻解说"], about: ["Three calm shots to speak over: twelve seconds, wide.", "三个平稳的镜头，适合配解说：十二秒，横屏。"], shape: "16:9", blanks: ["colour", "other", "floor"],
    start: { colour: 0, other: 5, floor: 0 },
    shots: [[4, "a {colour} ball rolls to the right on {floor}", "一个{colour}的球在{floor}上向右滚动"], [4, "a {other} cube slides to the left on {floor}", "一个{other}的立方体在{floor}上向左滑动"], [4, "a {other} cube rests on {floor}", "一个{other}的立方体在{floor}上静止不动"]] },
  { id: "lesson", name: ["Physics lesson", "物理课"], about: ["The same thing falls, bounces and is thrown: nine seconds.", "同一个物体落下、弹跳、抛出：九秒。"], shape: "16:9", blanks: ["colour", "floor"],
    start: { colour: 2, floor: 1 },
    shots: [[3, "a {colour} ball falls on {floor}", "一个{colour}的球在{floor}上落下"], [3, "a {colour} ball bounces on {floor}", "一个{colour}的球在{floor}上弹跳"], [3, "a {colour} ball is thrown to the right on {floor}", "一个{colour}的球在{floor}上被向右抛出"]] },
  { id: "social", name: ["Social clip", "社交短片"], about: ["One thing, one surprise, square: five seconds that loop.", "一个物体，一个惊喜，方形：五秒循环。"], shape: "1:1", blanks: ["colour", "thing", "floor"],
    start: { colour: 7, thing: 1, floor: 4 },
    shots: [[3, "a {colour} {thing} slides to the left on {floor}", "一个{colour}的{thing}在{floor}上向左滑动"], [2, "a {colour} {thing} spins on {floor}", "一个{colour}的{thing}在{floor}上旋转"]] },
];

/** The storyboard of a template with its blanks filled in. */
function filled(template, values, side) {
  return template.shots.map(([seconds, ...words]) => ({
    seconds: String(seconds),
    prompt: words[side].replace(/\{(\w+)\}/g, (_, blank) => BLANKS[blank].of[values[blank]][side]).replace(/\ba orange/g, "an orange"),
  }));
}

function Template({ template }) {
  const side = language.get() === "zh" ? 1 : 0;
  const [values, fill] = useState(template.start);
  const shots = filled(template, values, side);
  function take() {
    change({ ...BLANK, shots, shape: template.shape });
    location.hash = "#/create";
  }
  return html`<article class="card tell" aria-label=${template.name[side]}>
    <h3>${template.name[side]}</h3>
    <p class="hint">${template.about[side]}</p>
    <div class="row">
      ${template.blanks.map((blank) => html`<${Choice} id=${`${template.id}-${blank}`} label=${BLANKS[blank].name[side]} value=${String(values[blank])}
        change=${(value) => fill({ ...values, [blank]: Number(value) })} options=${BLANKS[blank].of.map((words, place) => [String(place), words[side]])} />`)}
    </div>
    <ol class="shots">${shots.map((shot) => html`<li>${t("seconds_of", shot.seconds)}: ${shot.prompt}</li>`)}</ol>
    <div class="row"><button type="button" onClick=${take}>${t("use_template")}</button></div>
  </article>`;
}

export function Templates() {
  return html`<section aria-label=${t("templates")}>
    <h2>${t("templates")}</h2>
    <p class="hint">${t("templates_hint")}</p>
    <div class="grid">${TEMPLATES.map((template) => html`<${Template} key=${template.id} template=${template} />`)}</div>
  </section>`;
}
