"""People in front of the studio: a real browser, a real server, real films, small ones."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, expect
from tests.browser import Visitor, needs_browser, visitor
from tests.service import BALL, Served, Server

pytestmark = needs_browser
VIEWS = ("create", "films", "explore", "templates", "votes", "check", "insight", "moderation")
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("studio"), tiny_model)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def someone(server: Server, browser: Browser) -> Iterator[Visitor]:
    found = visitor(browser, server.base, key=server.key("ann"))
    yield found
    assert not found.errors
    assert not found.foreign
    found.page.context.close()


def ask(someone: Visitor, prompt: str, *, seconds: str = "0.5") -> None:
    someone.go("create")
    someone.fill("Prompt: what to show", prompt)
    someone.fill("Length, seconds", seconds)
    small(someone)
    someone.press("Generate")


def small(someone: Visitor) -> None:
    model = someone.page.get_by_label("Model")
    if not model.is_visible():
        someone.page.get_by_text("More settings").click()
    model.select_option("tiny")


def test_a_film_is_made_watched_reopened_and_used_again(someone: Visitor, tmp_path: Path):
    page = someone.page
    assert someone.bytes < 300_000
    someone.fill("Prompt: what to show", "a red ball rolls beside a zebra")
    expect(page.locator(".quote")).to_contain_text("tokens")
    expect(page.locator(".quote")).to_contain_text("zebra")
    ask(someone, BALL, seconds="4")
    expect(page.get_by_role("progressbar").first).to_be_visible()
    page.reload()
    film = page.locator("video").first
    expect(film).to_be_visible(timeout=60_000)
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=60_000)
    expect(film).to_be_visible()
    assert film.evaluate("film => film.videoWidth") == 512
    with page.expect_download() as kept:
        someone.press("Download")
    kept.value.save_as(tmp_path / "film.mp4")
    someone.go("create")
    page.get_by_label("Begins with").set_input_files(tmp_path / "film.mp4")
    expect(page.get_by_label("Prompt: what to show")).to_have_value(BALL)
    expect(page.get_by_label("Length, seconds")).to_have_value("4")
    someone.go("check")
    page.get_by_label("A film", exact=True).set_input_files(tmp_path / "film.mp4")
    expect(page.get_by_text("Yes: signed by this service")).to_be_visible()
    someone.go("films")
    someone.press("Open")
    box = page.get_by_role("dialog")
    expect(box.locator("video")).to_be_visible()
    someone.press("One frame on", within="dialog")
    expect(box.get_by_text("of 120")).to_be_visible()
    box.get_by_text("Retake this span").first.click()
    box.get_by_label("To, seconds").fill("1.5")
    someone.press("Retake this span", within="dialog")
    expect(page.get_by_text("The retake is in the queue.")).to_be_visible()
    someone.fill("Search your films", "nothing like it")
    expect(page.get_by_text("Nothing found.")).to_be_visible()


def test_what_waits_can_be_edited_moved_held_and_called_off(someone: Visitor):
    page = someone.page
    ask(someone, BALL, seconds="60")
    for colour in ("blue", "green"):
        ask(someone, f"a {colour} ball rolls", seconds="60")  # it must not be over while the first one is held
    waiting = page.get_by_role("article").filter(has_text="number 2")
    expect(waiting).to_contain_text("green")
    waiting.get_by_role("button", name="Sooner").click()
    first = page.get_by_role("article").filter(has_text="number 1")
    expect(first).to_contain_text("green")
    first.get_by_role("button", name="Edit").click()
    first.get_by_label("Edit").fill("a red ball")
    first.get_by_role("button", name="Save").click()
    expect(page.get_by_role("article").filter(has_text="number 1").locator(".prompt")).to_have_text("a red ball")
    running = page.get_by_role("article").filter(has_text=re.compile("made|starting|loading"))
    running.first.get_by_role("button", name="Pause").click()
    held = page.get_by_role("article").filter(has_text="held at")
    expect(held).to_be_visible()
    held.get_by_role("button", name="Go on").click()
    for left in (2, 1, 0):  # one that is made takes a step to stop, and has its button until then
        page.get_by_role("button", name="Cancel").first.click()
        expect(page.get_by_role("progressbar")).to_have_count(left, timeout=20_000)


def test_a_storyboard_comes_from_a_template_and_is_quoted_as_a_whole(someone: Visitor):
    page = someone.page
    someone.go("templates")
    lesson = page.get_by_role("article").filter(has_text="Physics lesson")
    lesson.get_by_label("Colour").select_option(label="green")
    lesson.get_by_role("button").click()
    expect(page.get_by_label("Words of shot 3")).to_have_value(re.compile("a green ball is thrown"))
    expect(page.get_by_role("img", name="Timeline: 3 shots, 9 s")).to_be_visible()
    expect(page.locator(".quote")).to_contain_text("tokens")
    someone.press("Later: Shot 1")
    expect(page.get_by_label("Words of shot 2")).to_have_value(re.compile("falls"))


def test_a_short_prompt_is_helped_the_same_way_each_time_and_keeps_what_it_says(someone: Visitor):
    page = someone.page
    words = page.get_by_label("Prompt: what to show")
    for short, kept in (("blue box goes left", ("blue", "cube", "left")), ("红色的球", ("红色的球在",))):
        helped = set[str]()
        for _ in range(2):
            words.fill(short)
            someone.press("Help with the prompt")
            helped.add(words.input_value())
        (whole,) = helped
        assert all(word in whole for word in kept)
        expect(page.locator(".quote .warning")).to_have_count(0)


def test_a_picture_begins_a_film(someone: Visitor, tmp_path: Path):
    page = someone.page
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(picture, "PNG")
    someone.go("create")
    page.get_by_label("Begins with").set_input_files(
        {"name": "red.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.locator(".drop img")).to_be_visible()
    ask_again = "a red ball"
    someone.fill("Prompt: what to show", ask_again)
    someone.fill("Length, seconds", "0.5")
    small(someone)
    someone.press("Generate")
    card = page.get_by_role("article").filter(has=page.locator(".prompt", has_text=re.compile(f"^{ask_again}$")))
    expect(card.locator("video")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize(("language", "theme", "width"), [("en-GB", "dark", 1280), ("zh-CN", "light", 390)])
def test_every_view_reads_well_for_everyone(server: Server, browser: Browser, language: str, theme: str, width: int):
    reader = visitor(
        browser, server.base, key=server.key("bo"), locale=language, color_scheme=theme,
        viewport={"width": width, "height": 844}, bypass_csp=True,
    )  # fmt: skip
    assert reader.page.evaluate("document.documentElement.lang") == ("zh-CN" if language == "zh-CN" else "en")
    for view in VIEWS:
        reader.go(view)
        reader.page.wait_for_timeout(300)
        found = Axe().run(reader.page).response["violations"]
        assert not [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS], view
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= width + 1, view
    reader.page.context.close()


def test_the_keyboard_is_enough(someone: Visitor):
    page = someone.page
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Prompt: what to show")).to_be_focused()
    page.keyboard.type("a red ball")
    expect(page.locator(".quote")).to_contain_text("tokens")


def test_without_a_key_the_page_asks_for_one_and_shows_nothing(server: Server, browser: Browser):
    stranger = visitor(browser, server.base)
    expect(stranger.page.get_by_text("needs an API key")).to_be_visible()
    stranger.fill("API key", server.key("cy"))
    stranger.press("Enter")
    expect(stranger.page.get_by_label("Prompt: what to show")).to_be_visible()
    stranger.page.context.close()


def test_films_outlive_the_server(server: Server, browser: Browser):
    key = server.key("dee")
    before = visitor(browser, server.base, key=key)
    ask(before, BALL, seconds="20")
    expect(before.page.get_by_role("progressbar").first).to_be_visible()
    before.page.context.close()
    server.kill()
    server.start()
    after = visitor(browser, server.base, key=key)
    expect(after.page.locator("article .prompt").first).to_have_text(BALL)
    expect(after.page.get_by_role("progressbar")).to_have_count(0, timeout=90_000)
    expect(after.page.locator("article video").first).to_be_visible(timeout=20_000)
    after.page.context.close()


def test_other_pages_cannot_frame_it_or_script_it(server: Server):
    headers = Served(server.base, "px_none").http.get("/studio").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
