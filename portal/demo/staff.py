"""The staff of `make demo`, each with a browser of their own: they look at every picture, then decide."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.demo.browser import Browser, PageError

# Of portal.cases.models.UnlockPurpose, which only a process of Django can import.
COMPARE, SECOND = "compare", "second"
_CASE = r"/en/staff/cases/[0-9a-f-]{36}/"


@dataclass(frozen=True)
class Progress:
    """What a case's page says of how far it has come."""

    state: str
    takedowns: tuple[str, ...]

    @property
    def is_stuck(self) -> bool:
        return "stuck" in self.takedowns

    @property
    def rests(self) -> bool:
        """Whether it ended, or everything approved so far is removed and what is open waits for staff."""
        removed = set(self.takedowns) <= {"removed", "purged"}
        return self.state in ("settled", "closed") or (self.state == "review" and removed)


class Colleague:
    """One of staff, signed in."""

    def __init__(self, url: str, account: Mapping[str, str]) -> None:
        self._browser = Browser(url)
        self._browser.open("/en/staff/sign-in/")
        self._browser.submit({"name": account["name"], "password": account["password"]})

    def find(self, reference: str) -> str | None:
        """The path of the case's page; None for whoever was not drawn for it."""
        page = self._browser.open("/en/staff/")
        found = re.search(_CASE, page)
        return found.group() if found and reference in page else None

    def progress(self, case: str) -> Progress:
        page = self._browser.open(case)
        state = re.search(r'data-state="([a-z]+)"', page)
        return Progress(state.group(1) if state else "", tuple(re.findall(r'data-takedown="([a-z]+)"', page)))

    def approve(self, case: str) -> None:
        """Approve everything that one person may decide, which is ticked at first; then say "yes, delete"."""
        self._look(f"{case}approve/", case=case, purpose=COMPARE)
        self._browser.submit({})
        self._browser.submit_to(f"{case}approve/")

    def propose(self, case: str, *, delete: Iterable[int]) -> None:
        """Propose to delete these matches, by number, and to leave the other open ones."""
        self._look(f"{case}decide/", case=case, purpose=COMPARE)
        chosen = {f"match-{number}" for number in delete}
        choices = [name for name in self._browser.fields() if name.startswith("match-")]
        self._browser.submit({name: "delete" if name in chosen else "leave" for name in choices})

    def confirm(self, case: str) -> None:
        """Confirm what a colleague proposed in this case."""
        self._browser.open(case)
        proposal = self._browser.link(r"/en/staff/proposals/\d+/")
        if proposal is None:
            raise PageError("No proposal waits in the case.")
        path = self._look(proposal, case=case, purpose=SECOND)
        self._browser.submit_to(f"{path}confirm/")

    def _look(self, page: str, *, case: str, purpose: str) -> str:
        """Open the page, unlock the faces where they are locked, and look at each picture; then open it again, since
        it may offer more to whoever has looked. Returns the page's path."""
        self._browser.open(page)
        if unlock := self._browser.link(f"{case}unlock/"):
            self._browser.open(unlock)
            self._browser.submit({"purpose": purpose})  # and back to the page
        self._browser.look_at_pictures(case)
        self._browser.open(page)
        return self._browser.path
