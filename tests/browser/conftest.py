"""A real browser on the test server. CHROMIUM names it; SCREENSHOTS=folder keeps a picture of every checked page."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, Request, sync_playwright
from pytest_django.live_server_helper import LiveServer

# Playwright runs an event loop in the thread of the test, where Django would refuse to read the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

WIDTHS = (320, 1280)
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Pages for staff and regulators are held to WCAG alone.
_OF_STAFF = re.compile(r"/(staff|regulator)/")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_chromium(), args=_FLAGS)
        yield started
        started.close()


def _chromium() -> str:
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if named is None:
        pytest.fail("No Chromium was found. Install it, or name it with CHROMIUM=/path/to/chromium.")
    return named


@dataclass(frozen=True)
class Visit:
    """One browser window on the portal. `strange` collects every request that leaves the host."""

    page: Page
    site: str
    strange: list[str]

    def go(self, path: str) -> None:
        self.page.goto(self.site + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def check(self, name: str) -> None:
        """Nothing axe finds, no sideways scrolling, no request to another host."""
        _keep_picture(self.page, name)
        rules = _WCAG if _OF_STAFF.search(self.page.url) else [*_WCAG, "best-practice"]
        found = Axe().run(self.page, options={"runOnly": rules, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        if not _OF_STAFF.search(self.page.url):
            self._check_contrast_in_the_dark(name)
        width, room = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= room, f"{self.page.url} is {width} pixels wide in a window of {room}"
        assert self.strange == []

    def _check_contrast_in_the_dark(self, name: str) -> None:
        self.page.emulate_media(color_scheme="dark")
        _keep_picture(self.page, f"{name}-dark")
        found = Axe().run(self.page, options={"runOnly": {"type": "rule", "values": ["color-contrast"]}})
        assert found.violations_count == 0, found.generate_report()
        self.page.emulate_media(color_scheme="light")


def _keep_picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        size = page.viewport_size
        assert size is not None
        language = page.locator("html").get_attribute("lang")
        page.screenshot(path=Path(folder) / f"{name}-{language}-{size['width']}.png", full_page=True)


Visitor = Callable[..., Visit]


@pytest.fixture
def emptied_afterwards(live_server: LiveServer) -> Iterator[None]:
    """The server runs in a thread with real commits, so tables are emptied, the append-only ones too."""
    _triggers("DEFAULT")
    yield
    _triggers("replica")


def _triggers(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET session_replication_role = {role}")


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer, emptied_afterwards: None) -> Iterator[Visitor]:
    """Opens a window: `visit(client, width=320, javascript=False)` with the session of a test client, or without."""
    with ExitStack() as stack:

        def opened(client: Client | None = None, *, width: int = 1280, javascript: bool = True) -> Visit:
            context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=javascript)
            stack.callback(context.close)
            if client is not None:
                key = client.cookies[settings.SESSION_COOKIE_NAME].value
                cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}
                context.add_cookies([cookie])
            strange: list[str] = []

            def watch(request: Request) -> None:
                if not request.url.startswith((live_server.url, "data:")):
                    strange.append(request.url)

            context.on("request", watch)
            return Visit(context.new_page(), live_server.url, strange)

        yield opened
