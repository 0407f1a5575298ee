"""What LiteLLM does with a server, as OpenAI's and as a vLLM's. Run by `test_others`."""

import sys
import time
from importlib.metadata import version

import litellm

base, key, film = sys.argv[1:]
for provider in ("openai", "hosted_vllm"):
    where = {"api_base": base, "api_key": key}
    video = litellm.video_generation(
        model=f"{provider}/tiny",
        prompt="a red ball rolls",
        seconds="0.5",
        size="128x96",
        extra_body={"num_inference_steps": 2, "best_of": 1},
        **where,
    )
    while (now := litellm.video_status(video_id=video.id, custom_llm_provider=provider, **where)).status in {
        "queued",
        "in_progress",
    }:
        time.sleep(0.2)
    assert now.status == "completed", now
    with open(film, "wb") as file:  # noqa: PTH123 - as people write it
        file.write(litellm.video_content(video_id=video.id, custom_llm_provider=provider, **where))
    assert litellm.video_list(custom_llm_provider=provider, **where)
print("litellm", version("litellm"))
