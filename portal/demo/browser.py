"""A browser of the smallest kind: follows links and sends the forms that a page really has, hidden fields and all."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

TIMEOUT = 120  # seconds: the first selfie loads the face pack


class PageError(Exception):
    """A page did not answer as it should; the sentence says which and how."""


class Form:
    def __init__(self, action: str) -> None:
        self.action = action
        self.values: list[tuple[str, str]] = []


class _Forms(HTMLParser):
    """Every form that is posted, with what it would send as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.errors: list[str] = []
        self._open: Form | None = None
        self._in_error = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag == "form" and have.get("method", "").lower() == "post":
            self._open = Form(have.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and "name" in have:
            unticked = have.get("type") in {"checkbox", "radio"} and "checked" not in have
            if not unticked and have.get("type") != "file":
                self._open.values.append((have["name"], have.get("value", "on")))
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
        self._page = ""

    def open(self, path: str) -> str:
        return self._take(self._session.get(urljoin(self._url, path), timeout=TIMEOUT))

    def submit(self, values: dict[str, str], *, file: tuple[str, Path] | None = None) -> str:
        """Answer this page's own question: the form that goes back to the page. Follows where it leads."""
        for form in self._forms().forms:
            if not form.action:
                return self._send(form, values, file)
        raise PageError(f"{self._shown()} asks nothing.")

    def submit_to(self, action: str) -> str:
        """Send the form with this action as it stands."""
        for form in self._forms().forms:
            if urlsplit(urljoin(self._page, form.action)).path == action:
                return self._send(form, {}, None)
        raise PageError(f"{self._shown()} has no form that goes to {action}.")

    def _send(self, form: Form, values: dict[str, str], file: tuple[str, Path] | None) -> str:
        pairs = [(name, value) for name, value in form.values if name not in values] + list(values.items())
        target = urljoin(self._page, form.action)
        if file is None:
            answer = self._session.post(target, data=pairs, timeout=TIMEOUT, headers={"Referer": self._page})
        else:
            field, path = file
            with path.open("rb") as photo:
                answer = self._session.post(
                    target,
                    data=pairs,
                    files={field: (path.name, photo, "application/octet-stream")},
                    timeout=TIMEOUT,
                    headers={"Referer": self._page},
                )
        return self._take(answer)

    def _take(self, answer: requests.Response) -> str:
        self._page, self._text = answer.url, answer.text
        if answer.status_code != 200:
            raise PageError(f"{self._shown()} answered {answer.status_code}.")
        if errors := self._forms().errors:
            raise PageError(f"{self._shown()}: {' '.join(errors)}")
        return self._text

    def _forms(self) -> _Forms:
        parser = _Forms()
        parser.feed(self._text)
        return parser

    def _shown(self) -> str:
        return re.sub(r"[0-9a-f-]{36}", "…", urlsplit(self._page).path)
