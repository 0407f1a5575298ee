// From a short prompt to a whole one in the words that the model was taught. Same prompt, same help; nothing is asked of anyone.

import { language } from "./words.js";

// prettier-ignore
const COLOURS = [["red", "红色的", "红"], ["orange", "橙色的", "橙"], ["yellow", "黄色的", "黄"], ["green", "绿色的", "绿"], ["cyan", "青色的", "青"], ["blue", "蓝色的", "蓝"], ["purple", "紫色的", "紫"], ["pink", "粉色的", "粉"]];
// prettier-ignore
const SHAPES = [["ball", "球", "球"], ["cube", "立方体", "立方|方块|盒"], ["cylinder", "圆柱体", "圆柱|罐|瓶"], ["cone", "圆锥体", "圆锥|锥"]];
// prettier-ignore
const FLOORS = [["plain grey floor", "灰色地面", "灰"], ["checker floor", "棋盘格地板", "棋盘"], ["wooden floor", "木地板", "木"], ["grass", "草地", "草"], ["sand", "沙地", "沙"]];
// Things of the day, as the nearest shape that the model knows.
// prettier-ignore
const LIKE = { ball: "ball|sphere|orb|planet|apple|orange fruit|balloon|marble|globe", cube: "cube|box|block|dice|die|package|parcel|brick|phone|book", cylinder: "cylinder|can|bottle|tube|barrel|cup|candle|battery|pillar", cone: "cone|hat|tree|pyramid|mountain|rocket" };
// prettier-ignore
const ACTIONS = [
  ["rolls to the right", "向右滚动", /\broll|滚/i, ["ball", "cylinder"]], ["slides to the left", "向左滑动", /\bslid|\bglid|\bpush|滑|推/i, ["cube", "cone", "cylinder", "ball"]],
  ["bounces", "上下弹跳", /\bbounc|\bjump|\bhop|弹|跳/i, ["ball"]], ["falls", "落下", /\bfall|\bdrop|落|掉/i, ["cube", "cone", "cylinder", "ball"]],
  ["spins", "原地旋转", /\bspin|\bturn|\brotat|旋|转/i, ["cube", "cone", "cylinder"]], ["is thrown to the right", "被向右抛出", /\bthrow|\btoss|\bfl(y|ies)|抛|扔|飞/i, ["ball", "cube"]],
  ["rests", "静止不动", /\brest|\bstand|\blie|\bstill|静|停/i, ["cube", "cone", "cylinder", "ball"]],
];

function number(text) {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619) >>> 0;
  return hash;
}

/** A whole prompt that keeps what the short one says: colour, shape, what it does, where it goes, on which floor. */
export function helped(prompt, spoken = language.get()) {
  const chinese = /[㐀-鿿]/.test(prompt) || (spoken === "zh" && !/[a-z]/i.test(prompt));
  const draw = number(prompt.trim().toLowerCase());
  const said = (english, pattern) => new RegExp(`\\b(?:${english})s?\\b`, "i").test(prompt) || (pattern && new RegExp(pattern).test(prompt));
  const shape = SHAPES.find(([name, , zh]) => said(LIKE[name], zh)) ?? SHAPES[draw % SHAPES.length];
  const wood = /\b(wooden|wood)\b|木/i.test(prompt);
  const colour = COLOURS.find(([name, , zh]) => said(name, zh)) ?? COLOURS[(draw >>> 4) % COLOURS.length];
  const floor = FLOORS.find(([name, , zh]) => said(name.split(" ")[0], zh)) ?? (wood ? FLOORS[2] : FLOORS[(draw >>> 8) % FLOORS.length]);
  const way = /\bleft|左/i.test(prompt) ? "left" : /\bright|右/i.test(prompt) ? "right" : null;
  const able = ACTIONS.slice(0, -1).filter(([words, , , shapes]) => shapes.includes(shape[0]) && (!way || /left|right/.test(words)));
  const action = ACTIONS.find(([, , pattern]) => pattern.test(prompt)) ?? able[(draw >>> 12) % able.length];
  const size = /\b(big|large|huge|giant)\b|大/i.test(prompt) ? ["large ", "大"] : /\b(small|tiny|little)\b|小/i.test(prompt) ? ["small ", "小"] : ["", ""];
  const turned = (words) => (way ? words.replace(/left|right/, way).replace(/[左右]/, way === "left" ? "左" : "右") : words);
  if (chinese) return `一个${size[1]}${colour[1]}${shape[1]}在${floor[1]}上${turned(action[1])}`;
  const article = size[0] === "" && colour[0] === "orange" ? "an" : "a";
  return `${article} ${size[0]}${colour[0]} ${shape[0]} ${turned(action[0])} on ${floor[0] === "grass" || floor[0] === "sand" ? "" : "a "}${floor[0]}`;
}

/** Moves of the camera in the words of training; `word` must be known to the model. */
// prettier-ignore
export const CAMERAS = [
  { word: "pans", en: ["the camera pans to the right", "Pan right"], zh: ["镜头向右摇", "右摇"] }, { word: "pans", en: ["the camera pans to the left", "Pan left"], zh: ["镜头向左摇", "左摇"] },
  { word: "tilts", en: ["the camera tilts up", "Tilt up"], zh: ["镜头上仰", "上仰"] }, { word: "tilts", en: ["the camera tilts down", "Tilt down"], zh: ["镜头下俯", "下俯"] },
  { word: "orbits", en: ["the camera orbits to the right", "Orbit right"], zh: ["镜头向右环绕", "右环绕"] }, { word: "orbits", en: ["the camera orbits to the left", "Orbit left"], zh: ["镜头向左环绕", "左环绕"] },
  { word: "closer", en: ["the camera moves closer", "Move closer"], zh: ["镜头推近", "推近"] }, { word: "zooms", en: ["the camera zooms in", "Zoom in"], zh: ["镜头变焦放大", "变焦放大"] },
  { word: "follows", en: ["the camera follows it", "Follow"], zh: ["镜头跟随", "跟随"] },
];
