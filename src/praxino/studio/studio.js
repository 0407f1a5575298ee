// The studio's page. It knows the public HTTP API, and nothing else.

const $ = (id) => document.getElementById(id);
const shown = new Map(); // id of a video: { card, key of what it shows, media }
const RUNNING = ["queued", "in_progress", "paused"];

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  localStorage.setItem("key", given);
  history.replaceState(null, "", location.pathname); // a key in the address bar is soon in someone's screenshot
}

async function call(path, options = {}) {
  const key = localStorage.getItem("key");
  const answer = await fetch(path, { ...options, headers: { Authorization: `Bearer ${key}`, ...options.headers } });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({ error: { message: `the server answered ${answer.status}` } }));
  throw Object.assign(new Error(told.error.message), { status: answer.status });
}

const json = async (path, options) => (await call(path, options)).json();
const post = (path, body) =>
  json(path, { method: "POST", headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body) });

function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", wrong);
}

async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (error.status === 401) say("This page needs an API key: open the link that `praxino serve` printed.", true);
    else say(error.message, true);
    return undefined;
  }
}

function spell(seconds) {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function asked() {
  const body = { prompt: $("prompt").value, seconds: $("seconds").value, aspect_ratio: $("aspect").value };
  body.resolution = $("resolution").value;
  body.draft = $("draft").checked;
  if ($("seed").value !== "") body.seed = Number($("seed").value);
  return body;
}

let waiting;
function price() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    if (!$("prompt").value.trim() || !localStorage.getItem("key")) return;
    try {
      const cost = await post("/v1/videos/quote", asked());
      const queue = cost.queue_seconds > 1 ? `, after ${spell(cost.queue_seconds)} in the queue` : "";
      $("cost").textContent = `about ${spell(cost.seconds_p50)}, at most ${spell(cost.seconds_p90)}${queue}. ${cost.warnings.join(" ")}`;
    } catch (error) {
      $("cost").textContent = error.message;
    }
  }, 400);
}

async function submit(event) {
  event.preventDefault();
  const form = new FormData();
  for (const [name, value] of Object.entries(asked())) form.append(name, value);
  const file = $("picture").files[0];
  if (file) form.append("input_reference", file);
  const made = await attempt(() => json("/v1/videos", { method: "POST", body: form }));
  if (made) {
    say("");
    await refresh();
  }
}

function state(video) {
  const eta = video.eta ? `, ${spell(video.eta.p50_s)} left (at most ${spell(video.eta.p90_s)})` : "";
  const told = {
    queued: `waits, number ${video.queue_position ?? "?"}${eta}`,
    in_progress: video.wanted ? `${video.wanted}: in a moment` : `${video.progress} %${eta}`,
    paused: `held at ${video.progress} %`,
    completed: `${video.seconds} s, ${video.size}, seed ${video.seed}${video.draft ? ", draft" : ""}${video.stopped ? ", stopped early" : ""}`,
    failed: `failed: ${video.error?.message ?? ""}`,
    cancelled: "cancelled",
  };
  return told[video.status];
}

const DO = {
  queued: ["pause", "cancel"],
  in_progress: ["stop", "pause", "cancel"],
  paused: ["resume", "cancel"],
  completed: ["download", "extend", "reuse"],
  failed: ["retry", "reuse"],
  cancelled: ["retry", "reuse"],
};
const WORDS = { stop: "Stop and keep", pause: "Hold", resume: "Go on", cancel: "Cancel", retry: "Try again", download: "Download",
                extend: "Extend", reuse: "Reuse", finish: "Full size", remove: "Delete" };

function actions(video) {
  const verbs = [...DO[video.status], ...(video.draft && video.status === "completed" ? ["finish"] : [])];
  return RUNNING.includes(video.status) ? verbs : [...verbs, "remove"];
}

async function act(verb, video) {
  if (verb === "remove") await attempt(() => call(`/v1/videos/${video.id}`, { method: "DELETE" }));
  else if (verb === "reuse") {
    $("prompt").value = video.prompt;
    $("seed").value = video.seed;
    $("seconds").value = video.seconds;
    $("prompt").focus();
    price();
  } else if (verb === "extend") {
    await attempt(() => post("/v1/videos/extensions", { prompt: video.prompt, seconds: $("seconds").value, video: { id: video.id } }));
  } else if (verb === "download") {
    const link = document.createElement("a");
    link.href = shown.get(video.id)?.media ?? "";
    link.download = `${video.id}.mp4`;
    link.click();
  } else await attempt(() => post(`/v1/videos/${video.id}/${verb}`));
  await refresh();
}

async function picture(video, entry) {
  const [img, film] = [entry.card.querySelector("img"), entry.card.querySelector("video")];
  const wanted = video.status === "completed" ? "film" : video.status === "in_progress" ? `frame ${video.progress}` : "";
  if (!wanted || entry.shows === wanted) return;
  entry.shows = wanted;
  const path = wanted === "film" ? `/v1/videos/${video.id}/content` : `/v1/videos/${video.id}/preview?variant=frame`;
  try {
    const media = URL.createObjectURL(await (await call(path)).blob());
    if (entry.media) URL.revokeObjectURL(entry.media);
    entry.media = media;
    (wanted === "film" ? film : img).src = media;
    img.hidden = wanted === "film";
    film.hidden = wanted !== "film";
  } catch {
    if (wanted !== "film") return; // there is no frame yet
    entry.shows = "";
  }
}

function card(video) {
  let entry = shown.get(video.id);
  if (!entry) {
    entry = { card: $("card").content.firstElementChild.cloneNode(true), shows: "", media: null, key: "" };
    entry.card.dataset.id = video.id;
    shown.set(video.id, entry);
  }
  const key = JSON.stringify([video.status, video.progress, video.eta?.p50_s, video.queue_position, video.wanted]);
  if (entry.key !== key) {
    entry.key = key;
    const part = (name) => entry.card.querySelector(name);
    part(".prompt").textContent = video.prompt;
    part(".state").textContent = state(video);
    part(".warnings").textContent = video.warnings.join(" ");
    part("progress").value = video.progress;
    part("progress").hidden = !RUNNING.includes(video.status);
    const buttons = actions(video).map((verb) => {
      const button = document.createElement("button");
      button.textContent = WORDS[verb];
      button.dataset.verb = verb;
      button.onclick = () => act(verb, video);
      return button;
    });
    part(".actions").replaceChildren(...buttons);
  }
  picture(video, entry);
  return entry.card;
}

async function refresh() {
  const page = await attempt(() => json("/v1/videos?limit=50"));
  if (!page) return false;
  const ids = new Set(page.data.map((video) => video.id));
  for (const [id, entry] of shown) {
    if (ids.has(id)) continue;
    if (entry.media) URL.revokeObjectURL(entry.media);
    entry.card.remove();
    shown.delete(id);
  }
  page.data.forEach((video, place) => {
    const here = card(video);
    const list = $("videos");
    if (list.children[place] !== here) list.insertBefore(here, list.children[place] ?? null);
  });
  return page.data.some((video) => ["queued", "in_progress"].includes(video.status));
}

async function watch() {
  const busy = await refresh();
  setTimeout(watch, busy ? 700 : 3000);
}

$("ask").addEventListener("submit", submit);
$("ask").addEventListener("input", price);
$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("ask").requestSubmit();
});
watch();
