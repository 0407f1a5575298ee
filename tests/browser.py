"""A real browser for tests: Debian's Chromium, driven by Playwright."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here; install Debian's chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, for as long as the context lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Someone in front of the studio, and what went wrong before their eyes."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    bytes: int = 0

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if "Content Security" in line.text else None)
        self.page.on("request", lambda asked: self._asked(asked.url))
        self.page.on("response", self._answered)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.foreign.append(url)

    def _answered(self, answer: object) -> None:
        headers = answer.headers  # type: ignore[attr-defined]
        if "/studio" in answer.url:  # type: ignore[attr-defined]
            self.bytes += int(headers.get("content-length", 0))

    def go(self, view: str) -> None:
        """Open a view."""
        self.page.goto(f"{self.base}/studio#/{view}")
        self.page.locator("main section, main form").first.wait_for()

    def press(self, name: str, *, within: str | None = None) -> None:
        """Press the button of that name."""
        (self.page.locator(within) if within else self.page).get_by_role(
            "button", name=re.compile(f"^{name}")
        ).first.click()

    def fill(self, label: str, text: str) -> None:
        """Fill in the field of that label."""
        self.page.get_by_label(label, exact=False).first.fill(text)


def visitor(browser: Browser, base: str, *, key: str | None = None, path: str = "/studio", **about: object) -> Visitor:
    """Someone with a browser of their own, who holds a key or none."""
    usual = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}
    context = browser.new_context(**usual | about)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(20_000)
    found = Visitor(page, base)
    page.goto(base + path + (f"#key={key}" if key else ""))
    page.locator("main section, main form").first.wait_for()
    return found
