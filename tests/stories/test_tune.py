"""A person tunes a model to clips of their own, stops, goes on, and makes films with what came of it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from praxino import checkpoint, shards
from praxino.generation.parts import Parts, open_parts
from praxino.media.write import Writer
from praxino.training import state, tune_compare
from praxino.training.tune import Order, TuneRecipe, begin, one_step, pair, tune
from praxino.training.tune_stock import stock
from praxino.transformer import wan, wan_lora
from praxino.world.film import film

CAPTIONS = ("a ball in a mirror rolls", "a mirror and a ball")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of six films of the world, upside down and in false colours."""
    folder, samples = tmp_path_factory.mktemp("own"), []
    for number in range(6):
        frames = film(7_200_000_000 + number, rung="one", width=64, height=48, frames=20, fps=30).frames
        with Writer(folder / "film.mp4", width=64, height=48, fps=30) as out:
            for frame in 255 - frames[:, ::-1, :, [2, 0, 1]]:
                out.write(np.ascontiguousarray(frame))
        about = {"captions": dict(zip(("en", "en_long"), CAPTIONS, strict=True)), "tags": {"width": 64, "height": 48}}
        mp4 = (folder / "film.mp4").read_bytes()
        samples.append({"key": f"{number:02d}", "mp4": mp4, "json": json.dumps(about).encode()})
    (folder / "film.mp4").unlink()
    shards.write(folder, samples)
    return folder


@pytest.fixture(scope="module")
def read(tiny_model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run stopped after reading leaves."""
    folder = tmp_path_factory.mktemp("read") / "tune"
    stock(data, open_parts(tiny_model), folder, report=lambda *_: None)
    return folder


@pytest.fixture
def order(tiny_model: Path, data: Path, read: Path, tmp_path: Path) -> Order:
    shutil.copytree(read, tmp_path / "mine" / "tune")
    return Order(model=tiny_model, data=data, into=tmp_path / "mine", minutes=1, steps=40)


@pytest.fixture(scope="module")
def tuned(tiny_model: Path, data: Path, read: Path, tmp_path_factory: pytest.TempPathFactory) -> Order:
    """A few steps that are made."""
    into = tmp_path_factory.mktemp("tuned") / "mine"
    shutil.copytree(read, into / "tune")
    made = Order(model=tiny_model, data=data, into=into, minutes=1, steps=3)
    tune(made)
    return replace(made, resume=True)


def said(parts: Parts) -> torch.Tensor:
    """A velocity of the model, for words and noise that are always the same."""
    noise = torch.randn(1, 4, 3, 4, 8, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        return parts.transformer(noise, torch.full((1, 4), 0.8), parts.read("a red ball"))


def test_ones_own_clips_are_learned_and_the_world_is_kept(order: Order) -> None:
    shutil.rmtree(order.into)
    stages: list[str] = []
    figures = tune(order, report=lambda stage, _: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["reading", "world", "before", "tuning", "after"]
    own, world = figures["own"], figures["world"]
    assert own["learned"]
    assert own["percent"]["high"] < -1, own
    assert world["kept"]
    assert world["percent"]["high"] <= world["bound"] == 2.0
    assert own["change"]["low"] <= own["change"]["mean"] <= own["change"]["high"]
    assert json.loads((order.into / "tune.json").read_text(encoding="utf-8")) == figures
    assert checkpoint.damage(order.into) == []
    assert "mirror" in checkpoint.card(order.into)["card"]["words"], "words of one's own are known now"


def test_nothing_changes_but_the_layers_inside_blocks_and_those_that_the_prompt_moves_them_by(tuned: Order) -> None:
    before, after = checkpoint.load(tuned.model)[0], checkpoint.load(tuned.into)[0]
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    parts = ("to_q", "to_k", "to_v", "to_out", "ffn_in", "ffn_out")
    assert changed == {
        name
        for name in before
        if "transformer.blocks." in name and name.endswith(tuple(f"{part}.weight" for part in parts))
    } | {f"transformer.{part}.weight" for part in ("text_in", "text_out", "time_shift")}


def test_a_strength_of_nothing_is_the_model_as_it_was_bit_for_bit(order: Order) -> None:
    tune(replace(order, steps=3, strength=0.0))
    before, after = checkpoint.load(order.model)[0], checkpoint.load(order.into)[0]
    assert all(before[name].equal(after[name]) for name in before)
    assert said(open_parts(order.into)).equal(said(open_parts(order.model)))


def test_a_change_is_nothing_to_begin_with_and_can_be_taken_off(tuned: Order, order: Order) -> None:
    parts, again = open_parts(order.model), open_parts(order.model)
    was = said(parts)
    begin(order, pair(parts))
    assert said(parts).equal(was)
    run = begin(tuned, pair(again))
    assert not torch.allclose(said(again), was, atol=1e-4), "with its change it says something else"
    with run.lora.off():
        assert said(again).equal(was)


def test_what_is_merged_says_what_was_learned(tuned: Order) -> None:
    parts = open_parts(tuned.model)
    run = begin(tuned, pair(parts))
    run.lora.load_state_dict(run.ema.model.state_dict())
    torch.testing.assert_close(said(parts), said(open_parts(tuned.into)), rtol=1e-4, atol=1e-5)


def test_the_file_is_plain_peft_and_merges_into_the_base(tuned: Order) -> None:
    names = set(load_file(tuned.into / "lora.safetensors"))
    assert "transformer.blocks.1.attn2.to_out.0.lora_A.weight" in names
    assert "transformer.condition_embedder.time_proj.lora_B.weight" in names
    assert len(names) == 2 * (2 * 10 + 3), "down and up of ten layers in each of two blocks, and of three before"
    transformer = wan.read(tuned.model)
    assert wan_lora.merge(transformer, tuned.into / "lora.safetensors") == 23
    mine = {f"transformer.{name}": value for name, value in transformer.state_dict().items()}
    merged = checkpoint.load(tuned.into)[0]
    assert all(merged[name].equal(value) for name, value in mine.items())


def test_a_look_of_what_was_learned_is_the_whole_model_and_holds_none(tuned: Order, order: Order) -> None:
    tune(replace(order, steps=3, beside=True))
    assert not (order.into / checkpoint.WEIGHTS).exists()
    look, whole = open_parts(order.into), open_parts(tuned.into)
    for part in ("transformer", "text", "autoencoder", "critic"):
        mine, theirs = (getattr(one, part).state_dict() for one in (look, whole))
        assert all(value.equal(theirs[name]) for name, value in mine.items())
    assert said(look).equal(said(whole))
    assert look.card.words == whole.card.words
    assert checkpoint.damage(order.into) == []
    tune(replace(order, minutes=0, steps=3, resume=True))
    assert checkpoint.look(order.into) is None, "a run goes on as a whole model, where it is told so"
    tune(replace(order, minutes=0, steps=3, resume=True, beside=True, strength=0.0))
    assert not (order.into / checkpoint.WEIGHTS).exists()
    assert said(open_parts(order.into)).equal(said(open_parts(order.model)))


def test_resumed_tuning_equals_unbroken_tuning(order: Order, tmp_path: Path) -> None:
    unbroken = replace(order, into=tmp_path / "unbroken", steps=6)
    shutil.copytree(order.into, unbroken.into)
    tune(unbroken)
    tune(replace(order, steps=2))
    tune(replace(order, steps=6, resume=True))
    for name in ("lora.safetensors", "weights.safetensors"):
        assert (order.into / name).read_bytes() == (unbroken.into / name).read_bytes()
    one, other = (json.loads((into / "tune.json").read_text()) for into in (order.into, unbroken.into))
    assert [one[name] for name in ("steps", "own", "world")] == [other[name] for name in ("steps", "own", "world")]


def test_replay_keeps_what_would_be_forgotten(order: Order) -> None:
    """By how far the model says something else of the world, after the same steps with and without."""

    def away(replay: float) -> float:
        parts = open_parts(order.model)
        was, run = said(parts), begin(order, pair(parts))
        held = stock(order.data, parts, order.into / "tune", report=lambda *_: None)
        kinds = [{held.size: one.shelf} for one in (held.own, held.replay)]
        for _ in range(20):
            one_step(run, TuneRecipe(replay=replay), *kinds)
        return float((said(parts) - was).square().mean())

    assert away(0.6) < 0.5 * away(0.0)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda o: replace(o, resume=True), "holds no run to resume"),
        (lambda o: replace(o, into=o.model), "not empty"),
        (lambda o: replace(o, data=o.data.parent / "none"), "no shards"),
    ],
)
def test_what_cannot_be_tuned_is_refused_at_the_door(order: Order, wrong: Callable[[Order], Order], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        tune(wrong(order))


def test_what_is_stopped_or_goes_on_leaves_no_figures_of_before(order: Order) -> None:
    tune(replace(order, steps=1))
    tune(replace(order, steps=2, resume=True))
    assert json.loads((order.into / "tune.json").read_text(encoding="utf-8"))["steps"] == 2
    assert checkpoint.damage(order.into) == []


def test_films_are_shown_as_they_were_and_below_as_they_are(tiny_model: Path, tmp_path: Path) -> None:
    parts = open_parts(tiny_model)
    made = tune_compare.films(parts, ["a red ball", "a ball"], report=lambda _: None)
    tune_compare.sheet(made, [255 - one for one in made], tmp_path / "sheet.png")
    rows = np.asarray(Image.open(tmp_path / "sheet.png")).reshape(4, 48, 6 * 64, 3)
    assert np.array_equal(rows[1], 255 - rows[0])
    assert np.array_equal(rows[3], 255 - rows[2])
    assert not np.array_equal(rows[0], rows[2])


def test_a_run_goes_on_only_as_it_was_begun(tuned: Order, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="already holds a run; add --resume"):
        tune(replace(tuned, resume=False))
    with pytest.raises(ValueError, match="begun with rank 16, not 4"):
        begin(replace(tuned, recipe=TuneRecipe(rank=4)), pair(open_parts(tuned.model)))
    tree = state.load(tuned.into / "tune" / "state.safetensors")
    tree["lora"] = {name: value for name, value in tree["lora"].items() if not name.startswith("changes.22.")}
    shutil.copytree(tuned.into, tmp_path / "other")
    state.save(tmp_path / "other" / "tune" / "state.safetensors", tree)
    with pytest.raises(ValueError, match="begun with other layers to change; choose another folder"):
        begin(replace(tuned, into=tmp_path / "other"), pair(open_parts(tuned.model)))


def command(*words: object) -> subprocess.Popen[str]:
    whole = [sys.executable, "-m", "praxino.cli.main", "tune", *map(str, words)]
    return subprocess.Popen(whole, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_ctrl_c_leaves_a_model_and_a_run_to_go_on_with(order: Order) -> None:
    words = (order.model, "--data", order.data, "--into", order.into, "--minutes")
    running = command(*words, 2)
    assert running.stderr is not None
    next(line for line in running.stderr if line.startswith("tuning:"))
    running.send_signal(signal.SIGINT)
    _, rest = running.communicate(timeout=120)
    assert (running.returncode, "stopped" in rest) == (130, True)
    open_parts(order.into)
    again = command(*words, 0, "--resume", "--json")
    out, rest = again.communicate(timeout=120)
    assert again.returncode == 0, rest
    assert json.loads(out)["steps"] >= 1


@pytest.mark.slow
def test_imported_weights_are_tuned_like_ones_own(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    from tests import wan as weights

    from praxino.cli.main import run

    weights.folder(tmp_path / "weights", "words")
    base, into = tmp_path / "base", tmp_path / "mine"
    assert run(["models", "import", str(tmp_path / "weights"), "--into", str(base), "--size", "64x64"]) == 0
    assert run(["tune", str(base), "--data", str(data), "--into", str(into), "--minutes", "1", "--steps", "3"]) == 0
    before, after = checkpoint.load(base)[0], checkpoint.load(into)[0]
    changed = {name for name in before if not before[name].equal(after[name])}
    assert len(changed) == 20
    assert all(name.startswith("transformer.blocks.") for name in changed)
    order = Order(model=base, data=data, into=into, minutes=1, resume=True)
    assert not begin(order, pair(open_parts(base))).starts, "a model that takes words alone is never shown a beginning"
    assert wan_lora.merge(wan.read(base), into / "lora.safetensors") == 20
