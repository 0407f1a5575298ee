"""What clients ask, and what they are told where it cannot be."""

import math
from typing import Any

import pytest

from praxino.request import Request
from praxino.server.dialect import CreateVideo, EditVideo, ExtendVideo, RemixVideo, RetakeVideo, parse, request_of
from praxino.server.errors import Problem

BALL = "a red ball bounces"
PICTURE = "data:image/png;base64,iVBORw0KGgo="


def made(**values: Any) -> Request:
    return request_of(parse(CreateVideo, {"prompt": BALL} | values))


def refused(**values: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        made(**values)
    assert caught.value.status == 400
    return caught.value


def test_a_prompt_is_enough():
    film = made()
    assert [(shot.seconds, shot.prompt) for shot in film.shots] == [(4, BALL)]
    assert (film.width, film.height, film.fps, film.model) == (512, 288, 30, "pocket")
    assert film.seed != made().seed


def test_a_form_says_the_same_as_json():
    typed = {"seconds": 2, "fps": 24, "seed": 7, "num_inference_steps": 12, "guidance_scale": 1.5, "best_of": 2}
    texts = {name: str(value) for name, value in typed.items()}
    assert made(**typed) == made(**texts)
    assert made(**typed).steps == 12
    assert parse(CreateVideo, {"prompt": BALL, "draft": "true"}).draft is True


def test_empty_fields_of_a_form_are_not_given():
    film = made(negative_prompt="", seconds="", seed=None, input_reference="", model="", n="", quality="")
    assert film.negative is None
    assert film.seconds == 4


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"size": "1280x720"}, (1280, 720)),
        ({"width": "640", "height": 360}, (640, 360)),
        ({"aspect_ratio": "9:16"}, (288, 512)),
        ({"resolution": "1080p"}, (1920, 1080)),
        ({"aspect_ratio": "1:1", "resolution": "540p"}, (540, 540)),
    ],
)
def test_a_size_is_given_in_any_of_three_ways(asked: dict[str, Any], size: tuple[int, int]):
    film = made(**asked)
    assert (film.width, film.height) == size


def test_frames_stand_for_seconds():
    assert math.isclose(made(num_frames="48", fps="24").seconds, 2)
    assert made(num_frames=60).seconds == 2


def test_a_storyboard_takes_the_place_of_a_prompt():
    shots = [{"seconds": "1.5", "prompt": BALL}, {"seconds": 2, "prompt": "a blue cube falls"}]
    film = request_of(parse(CreateVideo, {"storyboard": shots}))
    assert film.seconds == 3.5
    assert made(prompt="", storyboard=shots).shots == film.shots  # as OpenAI's clients must send it


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"seconds": "-4"}, "seconds"),
        ({"seconds": "four"}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": "nan"}, "seconds"),
        ({"seconds": 10**400}, "seconds"),
        ({"seconds": 121}, "seconds"),
        ({"seconds": 2, "num_frames": 60}, "seconds"),
        ({"num_frames": 1}, "num_frames"),
        ({"num_frames": 60, "fps": 0}, "fps"),
        ({"fps": 61}, "fps"),
        ({"size": "large"}, "size"),
        ({"size": "511x288"}, "size"),
        ({"size": "512x288", "width": 512}, "width"),
        ({"width": 512}, "height"),
        ({"width": 511, "height": 288}, "width"),
        ({"width": 512, "height": 8}, "height"),
        ({"width": 1024, "height": 64}, "width"),
        ({"aspect_ratio": "9:1"}, "aspect_ratio"),
        ({"aspect_ratio": "4:1", "resolution": "1080p"}, "aspect_ratio"),
        ({"resolution": "4K"}, "resolution"),
        ({"seed": -1}, "seed"),
        ({"seed": "1.5"}, "seed"),
        ({"negative_prompt": "x" * 2001}, "negative_prompt"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"guidance_scale": 21}, "guidance_scale"),
        ({"best_of": 33}, "best_of"),
        ({"fit": "stretch"}, "fit"),
        ({"model": " "}, "model"),
        ({"priority": 10}, "priority"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": None, "storyboard": []}, "storyboard"),
        ({"prompt": None, "storyboard": [{"seconds": 200, "prompt": BALL}]}, "storyboard"),
        ({"prompt": None, "storyboard": [{"seconds": 70, "prompt": BALL}] * 2}, "storyboard"),
        ({"prompt": None, "storyboard": [{"seconds": 1}]}, "storyboard.0.prompt"),
        ({"storyboard": [{"seconds": 1, "prompt": BALL}]}, "prompt"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"metadata": {str(k): "x" for k in range(17)}}, "metadata"),
    ],
)
def test_a_wrong_value_is_told_with_the_clients_own_name_for_it(asked: dict[str, Any], param: str):
    problem = refused(**asked)
    assert problem.param == param
    assert len(problem.message) < 400


def test_the_message_names_the_value_and_the_remedy():
    assert refused(seconds="-4").message == "seconds -4 must be from 0.1 to 120; try 4"
    assert "'four'" in refused(seconds="four").message


@pytest.mark.parametrize("name", ["quality", "lora", "flow_shift", "generate_sound", "extra_params"])
def test_what_others_have_and_we_have_not_is_called_unsupported(name: str):
    problem = refused(**{name: "1.5"})
    assert (problem.code, problem.param) == ("unsupported_parameter", name)
    for nothing in (None, False, "", "false", {}, 0):
        made(**{name: nothing})


@pytest.mark.parametrize("name", ["n", "num_outputs_per_prompt"])
def test_one_video_is_made_at_a_time(name: str):
    made(**{name: 1})
    made(**{name: "1"})
    assert refused(**{name: 2}).code == "unsupported_parameter"


def test_an_unknown_name_is_told_with_the_nearest_known_one():
    problem = refused(second=4)
    assert (problem.code, problem.param) == ("unknown_parameter", "second")
    assert "did you mean seconds?" in problem.message
    inside = refused(input_reference={"file_id": "file_1"})
    assert (inside.code, inside.param) == ("unknown_parameter", "input_reference.file_id")
    assert "image_url" in inside.message


def test_a_reference_is_a_data_address_or_a_video():
    asked = parse(CreateVideo, {"prompt": BALL, "input_reference": {"image_url": PICTURE}, "end_reference": PICTURE})
    assert asked.input_reference == asked.end_reference
    earlier = parse(CreateVideo, {"prompt": BALL, "input_reference": {"id": "video_1"}}).input_reference
    assert earlier is not None
    assert earlier.id == "video_1"
    film = request_of(asked, start="start.png", end="end.png")
    assert (film.start, film.end) == ("start.png", "end.png")


@pytest.mark.parametrize("url", ["https://example.com/a.png", "file:///etc/passwd", "data:image/png,abc"])
@pytest.mark.parametrize("form", [lambda url: url, lambda url: {"image_url": url}])
def test_the_server_fetches_nothing(url: str, form: Any):
    problem = refused(input_reference=form(url))
    assert problem.param == "input_reference"
    assert ("the server fetches nothing" in problem.message) != url.startswith("data:")


def test_the_other_bodies():
    assert parse(EditVideo, {"prompt": BALL, "video": {"id": "video_1"}, "seed": "7"}).seed == 7
    assert parse(EditVideo, {"prompt": BALL}).video is None
    assert parse(ExtendVideo, {"prompt": BALL, "seconds": "8"}).seconds == 8
    assert parse(RemixVideo, {"prompt": BALL}).seed is None
    again = parse(RetakeVideo, {"from": "1", "to": 2.5})
    assert (again.begin, again.end) == (1, 2.5)
    with pytest.raises(Problem) as caught:
        parse(RetakeVideo, {"form": 1, "to": 2})
    assert "did you mean from?" in caught.value.message
    with pytest.raises(Problem) as caught:
        parse(EditVideo, {"video": {"id": "video_1"}})
    assert (caught.value.code, caught.value.param) == ("missing_parameter", "prompt")


def test_every_field_of_a_video_is_described():
    fields = CreateVideo.model_json_schema()["properties"]
    bare = [name for name, field in fields.items() if "description" not in field]
    assert bare == []
