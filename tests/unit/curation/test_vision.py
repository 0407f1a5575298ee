"""A vision-language model looks at shots: what it says is read, doubted where tags know better, and kept."""

from pathlib import Path

import numpy as np
import pytest
from tests.unit.curation.vision_model import ANSWERS, picture, write

from praxino.curation import curate, rules, store
from praxino.curation.caption import believed, caption
from praxino.curation.vision import Vision, parsed
from praxino.media.write import Writer

TAGS = {"camera": "pan_right", "camera_motion": 0.4, "object_motion": 0.1, "brightness": 30.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("model"), ANSWERS, lessons=40)


def film(path: Path, colour: str, *, pan: int) -> None:
    """A wall of one colour, with spots, along which the camera moves."""
    rng = np.random.default_rng(3)
    wall = np.kron(rng.integers(150, 255, (24, 160)), np.ones((4, 4))).astype(np.uint8)  # (96, 640)
    with Writer(path, width=128, height=96, fps=25) as out:
        for number in range(30):
            frame = np.zeros((96, 128, 3), np.uint8)
            frame[..., 0 if colour == "red" else 2] = wall[:, number * pan :][:, :128]
            out.write(frame)


def test_what_is_shown_decides_what_is_said_however_many_are_asked_at_once(model: Path):
    captioner = Vision(model, device="cpu", dtype="float32")
    red, blue = picture("red"), picture("blue")
    both = captioner.describe([red, blue, picture("red", frames=2)])
    assert both[0]["en"] == {"subject": "a red ball", "action": "it rolls", "camera": "the camera pans left"}
    assert both[1]["zh"] == {"subject": "a blue cube", "camera": "static", "light": "in bright light"}
    assert both[2] == both[0] == captioner.describe([red])[0]
    assert captioner.name == Vision(model).name


def test_of_a_model_that_only_chats_nothing_is_taken(tmp_path: Path):
    captioner = Vision(write(tmp_path, {"red": "I see a ball.", "blue": "As a model, I cannot say {"}), batch=1)
    assert captioner.describe([np.zeros((1, 16, 16, 3), np.uint8)]) == [{}]


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ('```json\n{"subject": "a cat", "mood": "calm", "light": "N/A"}\n```', {"subject": "a cat"}),
        ('Sure! {"subject": "a cat", "action": "it sle', {"subject": "a cat"}),
        ('{"subject": "a \\"cat\\"", "scene": "a roof",}', {"subject": 'a "cat"', "scene": "a roof"}),
        ('{"subject": ["a", "cat"], "action": 3, "style": "  film\\n grain. "}', {"style": "film grain"}),
        ("a cat on a roof", {}),
        ("{}", {}),
        ('[{"subject": null}]', {}),
    ],
)
def test_of_an_answer_what_can_be_read_is_taken(answer: str, fields: dict[str, str]):
    assert parsed(answer) == fields


def test_what_is_seen_is_said_unless_a_tag_disproves_it():
    seen = {
        "en": {"subject": "a dog", "camera": "panning left", "light": "a sunny day", "scene": "a beach"},
        "zh": {"subject": "一只狗", "camera": "静止"},
    }
    true, false = believed(seen, TAGS)
    assert true == {"en": {"subject": "a dog", "scene": "a beach"}, "zh": {"subject": "一只狗"}}
    assert [why.split(":")[0] for why in false] == ["en camera", "en light", "zh camera"]
    said = caption(TAGS, {}, seen=seen)
    assert said["en"] == "a dog, the camera pans right"
    assert said["zh"] == "一只狗，镜头向右摇"
    long = {caption(TAGS, {}, seed=seed, seen=seen)["en_long"] for seed in range(20)}
    assert any("a beach" in text for text in long)
    assert not any("left" in text or "sunny" in text for text in long)
    written = caption(TAGS, {"en": "my dog Rex runs"}, seen=seen)
    assert written["en"] == "my dog Rex runs", "what people wrote goes before what a model sees"


def test_curation_asks_of_each_kept_shot_once_and_tells_what_it_did_not_believe(model: Path, tmp_path: Path):
    raw, into = tmp_path / "raw", tmp_path / "set"
    raw.mkdir()
    film(raw / "red.mp4", "red", pan=6)
    film(raw / "blue.mp4", "blue", pan=0)
    captioner = Vision(model)
    settings = curate.Settings(recipe=rules.Recipe(name="all", rules=()), workers=1, captioner=captioner)
    found = curate.curate([raw], into, settings=settings)
    assert found["captions"] == {
        "seen": 2, "unread": 0, "disproved": {"en camera": 1, "en light": 1, "zh camera": 1, "zh light": 1}
    }  # fmt: skip
    rows = {row["source"]: row for row in store.read_index(into)}
    assert rows["red.mp4"]["caption_en"] == "a red ball, it rolls, the camera pans right"
    assert rows["blue.mp4"]["caption_en"].startswith("a blue cube")
    before, book = (into / store.INDEX).read_bytes(), next((into / store.WORK).glob("seen-*.jsonl"))
    lines = book.read_text(encoding="utf-8")

    class Mute(Vision):
        def describe(self, clips):
            raise AssertionError("what was seen is not asked again")

    settings = curate.Settings(recipe=rules.Recipe(name="all", rules=()), workers=1, captioner=Mute(model))
    assert curate.curate([raw], into, settings=settings)["captions"] == found["captions"]
    assert (into / store.INDEX).read_bytes() == before
    book.write_text(lines[:-9], encoding="utf-8")  # it was killed while it wrote
    settings = curate.Settings(recipe=rules.Recipe(name="all", rules=()), workers=1, captioner=captioner)
    curate.curate([raw], into, settings=settings)
    assert (into / store.INDEX).read_bytes() == before
    assert book.read_text(encoding="utf-8") == lines


def test_a_folder_that_is_no_such_model_is_refused(model: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"must be a folder with config.json and \*.safetensors"):
        Vision(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="cannot be opened"):
        Vision(tmp_path)
