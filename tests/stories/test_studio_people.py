"""A service with doors, seen in a browser: from an application to a remix by someone else."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from tests.browser import Visitor, needs_browser, visitor
from tests.service import BALL, Served, Server

pytestmark = needs_browser
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("people"), tiny_model, "--accounts")
    try:
        server.start()
        yield server
    finally:
        server.kill()


def apply(someone: Visitor, name: str, *, code: str = "") -> None:
    if not code:
        someone.press("No account yet")
    someone.fill("Name", name)
    someone.fill("Password, 10", PASSWORD)
    if code:
        expect(someone.page.get_by_label("Invitation code")).to_have_value(code)
    someone.press("Apply")


def make(someone: Visitor, prompt: str, seconds: str) -> None:
    someone.fill("Prompt: what to show", prompt)
    someone.fill("Length, seconds", seconds)
    model = someone.page.get_by_label("Model")
    if not model.is_visible():
        someone.page.get_by_text("More settings").click()
    model.select_option("tiny")
    expect(someone.page.locator(".quote")).to_contain_text("credits")
    someone.press("Generate")


def test_apply_come_in_make_lose_the_worker_publish_and_be_remixed(server: Server, browser: Browser, tmp_path: Path):
    operator = visitor(browser, server.base, key=server.key("studio"))
    ann = visitor(browser, server.base)
    apply(ann, "ann")
    expect(ann.page.get_by_text("Number 1 on the list.")).to_be_visible()
    expect(ann.page.get_by_text("no date can be promised")).to_be_visible()

    operator.go("people")
    waiting = operator.page.get_by_role("row").filter(has_text="ann")
    waiting.get_by_role("button", name="Admit").click()
    expect(waiting.get_by_role("button", name="Suspend")).to_be_visible()
    operator.page.get_by_label("Invitations for each maker").fill("3")
    ann.press("Look again")
    expect(ann.page.get_by_label("Prompt: what to show")).to_be_visible()

    Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "red.png")
    ann.page.get_by_label("Begins with").set_input_files(tmp_path / "red.png")
    make(ann, BALL, "12")
    expect(ann.page.get_by_role("progressbar")).to_be_visible()
    expect(ann.page.locator("article")).to_contain_text(re.compile("made"), timeout=40_000)
    for process in server.makers():
        os.kill(process, signal.SIGKILL)
    expect(ann.page.get_by_role("progressbar")).to_have_count(0, timeout=120_000)
    film = ann.page.locator("article video").first
    expect(film).to_be_visible()
    ann.press("Open")
    box = ann.page.get_by_role("dialog")
    box.get_by_text("Publish").first.click()
    box.get_by_label("Title").fill("A ball finds its way")
    box.get_by_role("button", name="Publish", exact=True).click()
    expect(ann.page.get_by_text("Published on Explore.")).to_be_attached()
    ann.page.keyboard.press("Escape")

    ann.go("account")
    expect(ann.page.get_by_role("cell", name="capture", exact=True)).to_be_visible()
    ann.press("Make an invitation")
    code = ann.page.get_by_role("status").locator("code").inner_text()

    bob = visitor(browser, server.base, path=f"/studio?code={code}")
    apply(bob, "bob", code=code)
    expect(bob.page.get_by_label("Prompt: what to show")).to_be_visible()
    bob.go("films")
    expect(bob.page.get_by_role("article")).to_have_count(0)
    bob.go("explore")
    bob.fill("Search", "FINDS")
    bob.page.get_by_role("button", name="Open: A ball finds its way").click()
    expect(bob.page.get_by_role("dialog").locator("video")).to_be_visible()
    bob.page.get_by_label("New words").fill("a red ball")
    bob.press("Remix", within="dialog")
    expect(bob.page.locator("article .prompt")).to_have_text("a red ball")
    expect(bob.page.get_by_role("progressbar")).to_have_count(0, timeout=120_000)
    bob.press("Open")
    bob.page.get_by_role("dialog").get_by_text("Publish").first.click()
    bob.page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    bob.page.keyboard.press("Escape")
    bob.go("explore")
    expect(bob.page.get_by_text("after “A ball finds its way” by ann")).to_be_visible()

    bob.page.get_by_role("button", name="Open: A ball finds its way").click()
    bob.page.get_by_text("Report").first.click()
    bob.page.get_by_label("What is wrong with it?").fill("it is too red")
    bob.press("Report", within="dialog form.plain:last-of-type")
    expect(bob.page.get_by_text("A moderator will look at it.")).to_be_attached()
    operator.go("moderation")
    expect(operator.page.get_by_text("it is too red")).to_be_visible()
    operator.press("Take down")
    expect(operator.page.get_by_text("Nothing waits for a decision.")).to_be_visible()
    bob.go("create")
    bob.go("explore")
    expect(bob.page.get_by_role("article")).to_have_count(1)

    bob.go("account")
    bob.page.locator("summary").filter(has_text="Delete my account").click()
    bob.page.get_by_label("This deletes your films").fill(PASSWORD)
    bob.press("Delete my account")
    expect(bob.page.get_by_role("button", name="Log in")).to_be_visible()
    assert Served(server.base, "px_none").http.get("/v1/videos").status_code == 401
    for someone in (operator, ann, bob):
        assert not someone.errors
        assert not someone.foreign
        someone.page.context.close()


def test_what_a_rule_denies_is_told_before_it_is_asked_for_and_can_be_appealed(server: Server, browser: Browser):
    someone = visitor(browser, server.base, key=server.key("studio"))
    someone.fill("Prompt: what to show", "how to build a pipe bomb")
    expect(someone.page.locator(".quote.wrong")).to_be_visible()
    someone.press("Appeal")
    expect(someone.page.get_by_text("Your appeal is in the moderators' queue.")).to_be_visible()
    someone.go("moderation")
    someone.press("Deny")
    expect(someone.page.get_by_text("Nothing waits for a decision.")).to_be_visible()
    someone.page.context.close()
