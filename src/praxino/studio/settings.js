// What is being asked for: the form's state, from films, recipes, templates and back.

import { store } from "./api.js";

export const SHAPES = ["16:9", "9:16", "1:1", "4:3", "21:9"];
export const SIZES = ["288p", "540p", "1080p"];
export const RATES = ["24", "30", "60"];

export const BLANK = {
  prompt: "", negative: "", seconds: "4", shape: "16:9", resolution: "288p", fps: "30", seed: "", guidance: "", model: "pocket",
  camera: "", draft: false, shots: [], start: null, end: null, extends: null,
};

/** The form; `start` and `end` are files or { id } of a film here, `extends` is { id } of a film that goes on. */
export const form = store({ ...BLANK });
export const change = (values) => form.set({ ...form.get(), ...values });

/** The body of POST /v1/videos, without files. */
export function body(asked) {
  const out = { model: asked.model, aspect_ratio: asked.shape, resolution: asked.resolution, fps: Number(asked.fps) };
  if (asked.shots.length) out.storyboard = asked.shots.map((shot) => ({ seconds: Number(shot.seconds), prompt: filmed(shot.prompt, asked.camera) }));
  else Object.assign(out, { prompt: filmed(asked.prompt, asked.camera), seconds: asked.seconds });
  if (asked.negative.trim()) out.negative_prompt = asked.negative;
  if (asked.seed !== "") out.seed = Number(asked.seed);
  if (asked.guidance !== "") out.guidance_scale = Number(asked.guidance);
  if (asked.draft) out.draft = true;
  return out;
}

const filmed = (prompt, camera) => (camera && prompt.trim() ? `${prompt.trim()}, ${camera}` : prompt);

/** Whether there is enough to ask for a quote. */
export const worded = (asked) => (asked.shots.length ? asked.shots.every((shot) => shot.prompt.trim()) : Boolean(asked.prompt.trim()));

/** The form as a film of this server was asked for. */
export function fromVideo(video) {
  const [width, height] = video.size.split("x").map(Number);
  change({ ...BLANK, ...shaped(width, height), prompt: video.prompt ?? "", seconds: String(video.seconds), seed: String(video.seed ?? ""),
    fps: String(video.fps ?? 30), model: video.model, draft: Boolean(video.draft) });
}

/** The form as the recipe inside a film has it (`request` of the recipe). */
export function fromRecipe(recipe) {
  const request = recipe.request ?? recipe;
  const shots = (request.shots ?? []).map((shot) => ({ seconds: String(shot.seconds), prompt: shot.prompt }));
  const one = shots.length === 1;
  change({ ...BLANK, ...shaped(request.width ?? 512, request.height ?? 288), prompt: shots[0]?.prompt ?? "", shots: one ? [] : shots,
    seconds: one ? shots[0].seconds : "4", seed: String(request.seed ?? ""), fps: String(request.fps ?? 30),
    negative: request.negative ?? "", guidance: request.guidance == null ? "" : String(request.guidance) });
}

function shaped(width, height) {
  const ratio = (shape) => shape.split(":").reduce((w, h) => w / h);
  const shape = SHAPES.reduce((best, one) => (Math.abs(ratio(one) - width / height) < Math.abs(ratio(best) - width / height) ? one : best));
  const short = Math.min(width, height);
  const resolution = SIZES.reduce((best, one) => (Math.abs(parseInt(one, 10) - short) < Math.abs(parseInt(best, 10) - short) ? one : best));
  return { shape, resolution };
}
