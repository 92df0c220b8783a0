"""A browser of the smallest kind: follows links, looks at pictures, and sends the forms that a page really has, hidden
fields and all."""

import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

TIMEOUT = 120  # seconds: the first selfie loads the face pack
PICTURES_AT_ONCE = 4  # browsers open six connections to a site; the demo's web server has eight threads


class PageError(Exception):
    """A page did not answer as it should; the sentence says which and how."""


class Form:
    def __init__(self, action: str) -> None:
        self.action = action
        self.names: set[str] = set()
        self.values: list[tuple[str, str]] = []


class _Page(HTMLParser):
    """Every form that is posted, with what it would send as it stands; links, pictures and errors."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.errors: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self._open: Form | None = None
        self._in_error = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag == "form" and have.get("method", "").lower() == "post":
            self._open = Form(have.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and "name" in have:
            self._open.names.add(have["name"])
            unticked = have.get("type") in {"checkbox", "radio"} and "checked" not in have
            if not unticked and have.get("type") != "file":
                self._open.values.append((have["name"], have.get("value", "on")))
        elif tag == "a" and "href" in have:
            self.links.append(have["href"])
        elif tag == "img" and "src" in have:
            self.pictures.append(have["src"])
        self._in_error = "govuk-error-message" in have.get("class", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        self._in_error = False

    def handle_data(self, data: str) -> None:
        if self._in_error and data.strip():
            self.errors.append(data.strip())


class Browser:
    def __init__(self, url: str) -> None:
        self._session = requests.Session()
        self._url = url
        self._address = url
        self._page = _Page()

    @property
    def path(self) -> str:
        return urlsplit(self._address).path

    def open(self, path: str) -> str:
        return self._take(self._session.get(urljoin(self._url, path), timeout=TIMEOUT))

    def link(self, pattern: str) -> str | None:
        """The first link of this page whose path matches the pattern as a whole, with its query."""
        for link in self._page.links:
            if re.fullmatch(pattern, urlsplit(link).path):
                return urljoin(self._address, link)
        return None

    def look_at_pictures(self, below: str) -> int:
        """Load each picture of this page that lies below this path, as any browser does; returns how many."""
        addresses = {urljoin(self._address, picture) for picture in self._page.pictures}
        wanted = sorted(address for address in addresses if urlsplit(address).path.startswith(below))
        with ThreadPoolExecutor(PICTURES_AT_ONCE) as pool:
            return sum(1 for _ in pool.map(self._load, wanted))

    def _load(self, address: str) -> None:
        answer = self._session.get(address, timeout=TIMEOUT)
        if answer.status_code != 200 or not answer.headers.get("Content-Type", "").startswith("image/"):
            raise PageError(f"The picture {_shown(address)} answered {answer.status_code}.")

    def fields(self) -> set[str]:
        """The names of this page's own question."""
        return self._own_form().names

    def submit(self, values: dict[str, str], *, file: tuple[str, Path] | None = None) -> str:
        """Answer this page's own question: the form that goes back to the page. Follows where it leads."""
        return self._send(self._own_form(), values, file)

    def submit_to(self, action: str) -> str:
        """Send the form with this action as it stands."""
        for form in self._page.forms:
            if urlsplit(urljoin(self._address, form.action)).path == action:
                return self._send(form, {}, None)
        raise PageError(f"{_shown(self._address)} has no form that goes to {action}.")

    def _own_form(self) -> Form:
        for form in self._page.forms:
            if not form.action:
                return form
        raise PageError(f"{_shown(self._address)} asks nothing.")

    def _send(self, form: Form, values: dict[str, str], file: tuple[str, Path] | None) -> str:
        pairs = [(name, value) for name, value in form.values if name not in values] + list(values.items())
        target = urljoin(self._address, form.action)
        if file is None:
            answer = self._session.post(target, data=pairs, timeout=TIMEOUT, headers={"Referer": self._address})
        else:
            field, path = file
            with path.open("rb") as photo:
                answer = self._session.post(
                    target,
                    data=pairs,
                    files={field: (path.name, photo, "application/octet-stream")},
                    timeout=TIMEOUT,
                    headers={"Referer": self._address},
                )
        return self._take(answer)

    def _take(self, answer: requests.Response) -> str:
        self._address, self._page = answer.url, _Page()
        if answer.status_code != 200:
            raise PageError(f"{_shown(answer.url)} answered {answer.status_code}.")
        self._page.feed(answer.text)
        if errors := self._page.errors:
            raise PageError(f"{_shown(answer.url)}: {' '.join(errors)}")
        return answer.text


def _shown(address: str) -> str:
    return re.sub(r"[0-9a-f-]{36}", "…", urlsplit(address).path)
