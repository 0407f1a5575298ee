"""Pictures of the studio for docs/studio: both languages, both themes, a desk and a phone.

python runs/studio.py LINK [FOLDER]     LINK is what `praxino serve` printed; the pictures show what that server holds.
Needs Debian's chromium and the packages of the `test` extra.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu"]
SHOTS = (  # file, view, language, theme, width, height
    ("create-en-dark", "create", "en-GB", "dark", 1280, 900),
    ("create-zh-light", "create", "zh-CN", "light", 1280, 900),
    ("create-en-phone", "create", "en-GB", "light", 390, 844),
    ("films-en-light", "films", "en-GB", "light", 1280, 900),
    ("templates-zh-dark", "templates", "zh-CN", "dark", 1280, 800),
    ("film-en-dark", "film", "en-GB", "dark", 1280, 1000),
    ("insight-zh-phone", "insight", "zh-CN", "dark", 390, 844),
)
PROMPT = {"en-GB": "a red ball bounces on a checker floor", "zh-CN": "一个红色的球在棋盘格地板上弹跳"}


def main(link: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, view, language, theme, width, height in SHOTS:
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale=language, color_scheme=theme
            )
            page = context.new_page()
            page.goto(link)
            page.locator("textarea").wait_for()
            if view == "create":
                page.locator("textarea").fill(PROMPT[language])
            page.goto(f"{link.partition('#')[0]}#/{'films' if view == 'film' else view}")
            page.wait_for_timeout(2500)
            if view == "film":
                page.locator(".cover").first.click()
                page.wait_for_timeout(2000)
            Image.open(io.BytesIO(page.screenshot())).save(folder / f"{name}.webp", quality=80)
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(*(sys.argv[2:3] or ["docs/studio"])))
