"""What an old openai package does with a server: create, poll, download, list, remix, delete. Run by `test_others`."""

import sys
import warnings

import openai

warnings.simplefilter("ignore")
base, key, film = sys.argv[1:]
client = openai.OpenAI(base_url=base, api_key=key, max_retries=0)
extra = {"num_inference_steps": 2, "best_of": 1}
video = client.videos.create_and_poll(
    prompt="a red ball rolls", model="tiny", seconds="0.5", size="128x96", extra_body=extra, poll_interval_ms=200
)
assert video.status == "completed", video
client.videos.download_content(video.id).write_to_file(film)
assert video.id in [one.id for one in client.videos.list(limit=1)]
with open(film, "rb") as file:  # noqa: PTH123 - as people write it
    longer = client.videos.create(
        prompt="a red ball rolls", model="tiny", seconds="0.5", size="128x96", input_reference=file, extra_body=extra
    )
assert client.videos.poll(longer.id, poll_interval_ms=200).seconds == "1"
remixed = client.videos.remix(video.id, prompt="a ball")
assert remixed.remixed_from_video_id == video.id
assert client.videos.poll(remixed.id, poll_interval_ms=200).status == "completed"
assert client.videos.delete(video.id).deleted
print("openai", openai.__version__)
