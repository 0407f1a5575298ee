// What the openai package for Node does with a server: create, poll, download, list, remix, delete. Run by `test_others`.
import assert from "node:assert";
import fs from "node:fs";
import OpenAI, { toFile } from "openai";

const [baseURL, apiKey, film] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const small = { prompt: "a red ball rolls", model: "tiny", seconds: "0.5", size: "128x96", num_inference_steps: 2, best_of: 1 };
const done = async (video) => {
  while (["queued", "in_progress"].includes(video.status)) {
    await new Promise((wait) => setTimeout(wait, 200));
    video = await client.videos.retrieve(video.id);
  }
  return video;
};

const video = await done(await client.videos.create(small));
assert.equal(video.status, "completed");
const content = await client.videos.downloadContent(video.id);
fs.writeFileSync(film, Buffer.from(await content.arrayBuffer()));
const page = await client.videos.list({ limit: 1 });
assert.equal(page.data[0].id, video.id);
const longer = await done(await client.videos.create({ ...small, input_reference: await toFile(fs.createReadStream(film), "film.mp4") }));
assert.equal(longer.seconds, "1");
const remixed = await done(await client.videos.remix(video.id, { prompt: "a ball" }));
assert.equal(remixed.remixed_from_video_id, video.id);
await assert.rejects(() => client.videos.create({ ...small, seconds: "-4" }), (error) => error.status === 400 && error.param === "seconds");
assert.equal((await client.videos.delete(video.id)).deleted, true);
console.log("ok");
