"""A case's history as sentences, from the audit trail."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.models import ProposalKind, RefusalReason, UnlockPurpose


@dataclass(frozen=True)
class Event:
    """One line. `mood`: subject, staff, system or trouble; `times` when the same happened several times in a row."""

    at: datetime
    text: str
    mood: str
    times: int = 1


@dataclass(frozen=True)
class Viewer:
    """Who looked at the case, how often, and how many pictures they saw."""

    name: str
    cases: int
    pictures: int
    last_at: datetime


_VIEWS = (Tag.CASE_VIEWED, Tag.PHOTO_VIEWED, Tag.MATCH_VIEWED)


def events(entries: Iterable[Entry]) -> list[Event]:
    """Oldest first; what is shown elsewhere on the page (views, each store's read back) is left out."""
    entries = list(entries)
    names = _names(entries)
    lines: list[Event] = []
    for entry in entries:
        text = _sentence(entry, names.get(entry.actor or 0, _("The system")))
        if text:
            _add(lines, Event(entry.at, text, _mood(entry)))
    return lines


def viewers(entries: Iterable[Entry]) -> list[Viewer]:
    views = [entry for entry in entries if entry.tag in _VIEWS and entry.actor]
    names = _names(views)
    pages = Counter(entry.actor for entry in views if entry.tag == Tag.CASE_VIEWED)
    last = {entry.actor: entry.at for entry in views}
    totals = Counter(entry.actor for entry in views)
    return [
        Viewer(names.get(actor or 0, "?"), pages[actor], totals[actor] - pages[actor], at)
        for actor, at in sorted(last.items(), key=lambda item: item[1], reverse=True)
    ]


def _add(lines: list[Event], event: Event) -> None:
    if lines and (lines[-1].text, lines[-1].mood) == (event.text, event.mood):
        event = Event(lines[-1].at, event.text, event.mood, lines[-1].times + 1)
        lines.pop()
    lines.append(event)


def _names(entries: Iterable[Entry]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in={entry.actor for entry in entries if entry.actor}).values_list("pk", "name"))


def _mood(entry: Entry) -> str:
    if entry.tag in (Tag.STEP_FAILED, Tag.JOB_DIED):
        return "trouble"
    return entry.tag.split(":")[0]


def _sentence(entry: Entry, who: str) -> str:
    tell = _SENTENCES.get(entry.tag)
    return tell(entry, who) if tell else ""


def _moved(entry: Entry, _who: str) -> str:
    return {
        "searching": _("The search began"),
        "review": _("Something was found: staff decide"),
        "erasing": _("Everything is decided; deletion goes on"),
        "settled": _("Settled: nothing is left to delete"),
        "closed": _("Closed"),
        "refused": _("Refused"),
        "waiting": _("Waits for the subject"),
    }.get(str(entry.detail.get("to")), "")


def _searched(entry: Entry, _who: str) -> str:
    images = int(entry.detail.get("images", 0))
    found = ngettext("The search found %(images)s new image", "The search found %(images)s new images", images)
    return found % {"images": images}


def _removal_opened(entry: Entry, _who: str) -> str:
    images = int(entry.detail.get("images", 0))
    opened = ngettext("Deletion of %(images)s image began", "Deletion of %(images)s images began", images)
    return opened % {"images": images}


def _removal_moved(entry: Entry, _who: str) -> str:
    checked = entry.detail.get("log_checked") is True
    return {
        "hidden": _("Hidden from search, and read back"),
        "removed": _("Removed from every store, and read back"),
        "purged": _("Purged from data files and log") if checked else _("Purged from data files; log not seen"),
    }.get(str(entry.detail.get("to")), "")


def _approved(entry: Entry, who: str) -> str:
    images = len(entry.detail.get("images", []))
    told = ngettext("%(who)s approved %(images)s image", "%(who)s approved %(images)s images", images)
    return told % {"who": who, "images": images}


def _left(entry: Entry, who: str) -> str:
    images = len(entry.detail.get("images", []))
    told = ngettext("%(who)s left %(images)s image in the index", "%(who)s left %(images)s images in the index", images)
    return told % {"who": who, "images": images} if images else ""


def _proposed(entry: Entry, who: str) -> str:
    if entry.detail.get("kind") == ProposalKind.REFUSE:
        reason = dict(RefusalReason.choices).get(str(entry.detail.get("reason")), "")
        return _("%(who)s proposed to refuse: %(reason)s") % {"who": who, "reason": reason}
    if entry.detail.get("kind") == ProposalKind.RESTORE:
        return _("%(who)s proposed to restore a hidden image") % {"who": who}
    return _("%(who)s proposed how to decide the unclear images") % {"who": who}


def _unlocked(entry: Entry, who: str) -> str:
    purpose = dict(UnlockPurpose.choices).get(str(entry.detail.get("purpose")), "")
    return _("%(who)s unlocked the faces: %(purpose)s") % {"who": who, "purpose": purpose}


def _failed(entry: Entry, _who: str) -> str:
    return _("A store failed: %(store)s") % {"store": entry.detail.get("store", "")}


_SENTENCES: dict[str, Callable[[Entry, str], str]] = {
    Tag.CASE_OPENED: lambda entry, who: _("The subject began the form"),
    Tag.CASE_CONTACT_CONFIRMED: lambda entry, who: _("The subject confirmed the mail address"),
    Tag.CASE_CONSENTED: lambda entry, who: _("The subject consented"),
    Tag.BLOCK_CHOSEN: lambda entry, who: _("The subject asked to be kept out from now on"),
    Tag.BLOCK_DECLINED: lambda entry, who: _("The subject no longer asks to be kept out"),
    Tag.CASE_SUBMITTED: lambda entry, who: _("The subject sent the case; the clock runs"),
    Tag.CASE_WITHDRAWN: lambda entry, who: _("The subject withdrew"),
    Tag.CASE_MOVED: _moved,
    Tag.CASE_SEARCHED: _searched,
    Tag.CASE_UNLOCKED: _unlocked,
    Tag.MATCHES_APPROVED: _approved,
    Tag.MATCHES_LEFT: _left,
    Tag.PROPOSAL_MADE: _proposed,
    Tag.PROPOSAL_CONFIRMED: lambda entry, who: _("%(who)s confirmed the proposal") % {"who": who},
    Tag.PROPOSAL_DECLINED: lambda entry, who: _("%(who)s declined the proposal") % {"who": who},
    Tag.PROPOSAL_TAKEN_BACK: lambda entry, who: _("%(who)s took the proposal back") % {"who": who},
    Tag.REMOVAL_OPENED: _removal_opened,
    Tag.REMOVAL_MOVED: _removal_moved,
    Tag.TAKEDOWN_RESTORED: lambda entry, who: _("%(who)s restored an image") % {"who": who},
    Tag.STEP_FAILED: _failed,
    Tag.STEP_RETRIED: lambda entry, who: _("%(who)s had a stuck step tried again") % {"who": who},
    Tag.CASE_ANNOUNCED: lambda entry, who: _("The subject was told that it is finished"),
    Tag.PHOTO_DESTROYED: lambda entry, who: _("The photo was destroyed"),
    Tag.PROBES_DESTROYED: lambda entry, who: _("The biometric templates were destroyed"),
    Tag.CASE_FORGOTTEN: lambda entry, who: _("Everything personal was dropped"),
    Tag.KEY_DESTROYED: lambda entry, who: _("The key was destroyed: nothing sealed can be read again"),
    Tag.CASE_RECORDED: lambda entry, who: _("Its record was closed in the public ledger"),
    Tag.CASE_RECEIPTED: lambda entry, who: _("The subject was sent the receipt"),
    Tag.RECORD_DISCLOSED: lambda entry, who: _("Its record was opened for an auditor"),
    Tag.PROOF_FORGOTTEN: lambda entry, who: _("The mail address and what opens the receipt were dropped"),
    Tag.PROOF_KEY_DESTROYED: lambda entry, who: _("The receipt's key was destroyed"),
}
