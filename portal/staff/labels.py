"""How states look: the colour of a tag, and how far away a due date is."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.cases.models import Band, Case
from portal.cases.states import OPEN, State
from portal.core import clock
from portal.core.durations import in_words
from portal.orders.states import State as OrderState
from portal.policies import deadlines, statutes
from portal.takedowns.removals import SEARCH
from portal.takedowns.states import TakedownState

STATE_COLOURS: dict[str, str] = {
    State.RECEIVED: "",
    State.SEARCHING: "",
    State.WAITING: "yellow",
    State.REVIEW: "orange",
    State.ERASING: "purple",
    State.SETTLED: "green",
    State.CLOSED: "grey",
    State.REFUSED: "red",
    State.WITHDRAWN: "grey",
}
ORDER_COLOURS: dict[str, str] = {
    OrderState.PROPOSED: "orange",
    OrderState.DECLINED: "grey",
    OrderState.TAKEN_BACK: "grey",
    OrderState.OPENING: "purple",
    OrderState.REMOVING: "purple",
    OrderState.REMOVED: "green",
    OrderState.CLOSED: "grey",
}
BAND_COLOURS: dict[str, str] = {Band.CERTAIN: "teal", Band.PROBABLE: "yellow", Band.ADDRESS: ""}
TAKEDOWN_COLOURS: dict[str, str] = {
    TakedownState.HIDDEN: "yellow",
    TakedownState.RESTORED: "grey",
    TakedownState.REMOVING: "purple",
    TakedownState.REMOVED: "green",
    TakedownState.PURGED: "green",
    TakedownState.STUCK: "red",
    TakedownState.HELD: "magenta",
}
SOON = 7  # days


def takedown_name(state: str) -> str:
    return {
        TakedownState.QUEUED: _("Queued"),
        TakedownState.HIDDEN: _("Hidden"),
        TakedownState.RESTORED: _("Restored"),
        TakedownState.REMOVING: _("Removing"),
        TakedownState.REMOVED: _("Removed"),
        TakedownState.PURGED: _("Purged"),
        TakedownState.STUCK: _("Stuck"),
        TakedownState.HELD: _("Held"),
    }[TakedownState(state)]


def store_name(store: str) -> str:
    return {
        "index": _("Face index"),
        "images": _("Image store"),
        "derived": _("Derived files"),
        "caches": _("Caches"),
        "recipients": _("Notices to recipients"),
        "addresses": _("Refused addresses"),
        SEARCH: _("The operator’s search"),
    }.get(store, store)


def broken_promise(promise: str) -> tuple[str, str]:
    """What is late, and what to do about it."""
    return {
        "hidden": (
            _("Not out of search within %(period)s") % {"period": in_words(deadlines.HIDDEN_WITHIN)},
            _(
                "Look whether a worker is alive and whether a job gave up. What search still returns although it was"
                " hidden waits below: have the index mended, then try again."
            ),
        ),
        "removed": (
            _("Not removed from every store within %(period)s") % {"period": in_words(deadlines.REMOVED_WITHIN)},
            _(
                "Look below for the store that is stuck, have it mended, then try again. An order that is paused goes"
                " on once it is resumed."
            ),
        ),
        "purged": (
            _("Not purged within %(period)s") % {"period": in_words(deadlines.PURGED_WITHIN)},
            _(
                "Run manage.py purge: it names the tables that are kept back. End the long transaction, replica or"
                " replication slot that still sees their old rows; the rest happens by itself."
            ),
        ),
    }[promise]


def part_name(part: str) -> str:
    return {"worker": _("Worker")}.get(part, part)


def job_name(kind: str) -> str:
    """What a job does, in words; its own name where there are none yet."""
    return {
        "case.search": _("Search the index for a case"),
        "case.expand": _("Search on with confirmed matches"),
        "case.settle": _("Search once more, then settle a case"),
        "case.announce": _("Tell a subject that it is finished"),
        "case.close": _("Close a case"),
        "case.destroy_key": _("Destroy the key of a case"),
        "case.expire": _("End a request that was never sent"),
        "case.forget_draft": _("Forget a request that was never sent"),
        "case.mail_code": _("Mail a code"),
        "case.mail_received": _("Confirm by mail that a request was received"),
        "block.destroy_key": _("Destroy the key of a block"),
        "block.mail_codes": _("Mail lost keep-out codes"),
        "order.open": _("Open the removals of an order"),
        "order.settle": _("Look once more for images of an order"),
        "order.close": _("Close an order"),
        "case.record": _("Close the record of a case in the public ledger"),
        "case.mail_receipt": _("Mail a receipt"),
        "case.forget_proof": _("Forget what opens a receipt, and its address"),
        "ledger.publish": _("Publish the ledger"),
        "ledger.mail": _("Mail a checkpoint of the ledger to a regulator"),
        "statistics.release": _("Release the regulators’ figures"),
        "hold.over": _("End a legal hold"),
        "removal.hide": _("Hide images from search"),
        "removal.remove": _("Remove images from every store"),
        "removals.purge": _("Purge what was removed from data files and log"),
        "notice.send": _("Send a notice to a recipient"),
        "notice.chase": _("Look whether a recipient acknowledged"),
        "notice.forget": _("Forget what a notice said"),
        "retention.run": _("Forget what is no longer needed"),
        "attention.tell": _("Tell somebody what is overdue or stuck"),
    }.get(kind, kind)


@dataclass(frozen=True)
class Due:
    """How much of the statutory clock is left. `share`: percent of it that ran. `mood`: late, soon, calm, done."""

    on: date | None
    days: int
    share: int
    mood: str
    text: str


def due(case: Case) -> Due:
    if case.due_on is None or case.received_on is None:
        return Due(None, 0, 0, "done", _("No clock runs"))
    today = deadlines.latest_date(clock.now(), statutes.PLACES[case.place])
    days = (case.due_on - today).days
    if case.state not in OPEN:
        return Due(case.due_on, days, 100, "done", _("The clock has stopped"))
    mood = "late" if days < 0 else "soon" if days <= SOON else "calm"
    return Due(case.due_on, days, _share(case.received_on, case.due_on, today), mood, _days_left(days))


def _share(received_on: date, due_on: date, today: date) -> int:
    whole = max(1, (due_on - received_on).days)
    return max(0, min(100, round(100 * (today - received_on).days / whole)))


def _days_left(days: int) -> str:
    if days == 0:
        return _("due today")
    if days > 0:
        return ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}
    return ngettext("%(days)s day overdue", "%(days)s days overdue", -days) % {"days": -days}


def is_ahead(at: datetime | None) -> bool:
    return at is not None and at > clock.now()
