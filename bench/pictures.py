"""`make pictures`: the pictures of README.md, taken by Chromium of a demo stack of its own.

Only drawn faces and pictures that the packages ship are seen in them; the regulator's year is made up by `demo_year`.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from portal.demo import __main__ as demo
from portal.demo.browser import Browser as Resident
from portal.demo.tally import Tally
from portal.local.console import Console
from portal.local.stack import PROJECT, Stack

FOLDER = PROJECT / "docs" / "pictures"
COLOURS = 128


def main() -> int:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="takedown-pictures-") as folder:
        stack = Stack(Path(folder) / "stack", demo=True, console=console)
        try:
            stack.start()
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
                take_all(chromium, stack, Path(folder), console)
                chromium.close()
        finally:
            stack.destroy()
    return 0


def take_all(chromium: Browser, stack: Stack, folder: Path, console: Console) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{stack.url}/en/")
    keep(page, "residents")
    case, reviewer = _searched_case(stack, folder, console)
    stack.manage("demo_year")
    sign_in(page, stack, reviewer)
    page.goto(stack.url + case)
    page.get_by_role("link", name="Unlock").first.click()
    page.locator("main input[type=radio]").first.check()
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")
    page.reload()  # every picture was looked at by now, and the page says so
    page.wait_for_load_state("networkidle")
    keep(page, "staff")
    page.context.clear_cookies()
    (rita,) = (account for account in stack.world["accounts"] if account["role"] == "regulator")
    sign_in(page, stack, rita)
    keep(page, "regulators")


def _searched_case(stack: Stack, folder: Path, console: Console) -> tuple[str, Mapping[str, str]]:
    """A request with the demo's selfie, filed over HTTP as `make demo` does: its page, and for whom it was drawn."""
    run = demo.Demo(demo.plan({}, folder / "pictures"), stack, console, Tally(None, frozenset()))
    resident = Resident(stack.url)
    run._confirm_contact(resident)
    reference = run._submit(resident)
    first, second = run._staff()
    drawn = run._searched((first, second), reference)
    if drawn is None:
        raise SystemExit("Nothing was found to be decided: there is no case to take a picture of.")
    staff = [account for account in stack.world["accounts"] if account["role"] == "staff"]
    return drawn.case, staff[0 if drawn.reviewer is first else 1]


def sign_in(page: Page, stack: Stack, account: Mapping[str, str]) -> None:
    page.goto(f"{stack.url}/en/staff/sign-in/")
    page.locator("input[name=name]").fill(account["name"])
    page.locator("input[name=password]").fill(account["password"])
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")


def keep(page: Page, name: str) -> None:
    """Fewer colours make a small file, and drawn pages lose nothing by it."""
    file = FOLDER / f"{name}.png"
    page.screenshot(path=file)
    with Image.open(file) as taken:
        taken.convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _chromium() -> str:
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if named is None:
        raise SystemExit("The pictures need Chromium: install it, or name it with CHROMIUM=/path/to/chromium.")
    return named


if __name__ == "__main__":
    sys.exit(main())
