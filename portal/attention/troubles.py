"""Everything that is overdue, stuck or late, in one list: the one way from a trouble to somebody's attention.

A trouble holds counts and dates, never a case, an image or a person. To watch over something new, add a function to
`WATCHED`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.cases.models import Case
from portal.cases.states import OPEN
from portal.core import clock
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from portal.ledger import publication, signers
from portal.ledger.models import Leaf, Position
from portal.notices.models import Notice
from portal.notices.states import NoticeState
from portal.policies import timetable
from portal.takedowns import overdue, removals
from portal.takedowns.models import Step
from portal.takedowns.states import StepState


@dataclass(frozen=True)
class Trouble:
    kind: str  # stable, for machines: "promise.removed", "store.index"
    what: str | Promise  # one sentence, for people
    count: int  # of cases, images, jobs or notices, as the sentence says
    since: datetime | None  # of the oldest; None where that is not known


def all_of_them() -> list[Trouble]:
    """In the order in which somebody should look at them."""
    return [trouble for watch in WATCHED for trouble in watch()]


def broken_promises() -> Iterator[Trouble]:
    """Images that were not hidden, removed or purged within the time that was promised."""
    sentences = {
        "hidden": _("Images are still in search although they should be hidden."),
        "removed": _("Images are still in a store although they should be removed."),
        "purged": _("Images are not purged from the disk although they should be."),
    }
    for found in overdue.overdue_promises():
        yield Trouble(f"promise.{found.promise}", sentences[found.promise], found.images, found.since)


def cases_at_risk() -> Iterator[Trouble]:
    """Open cases whose due date has passed, and those whose due date is near."""
    today, soon = clock.today(), clock.today() + timetable.WARN_BEFORE_DUE
    still_open = Case.objects.filter(state__in=OPEN, withdrawn_at=None)
    for kind, sentence, due in (
        ("case.overdue", _("Cases are past their due date."), Q(due_on__lt=today)),
        ("case.due_soon", _("Cases will soon be past their due date."), Q(due_on__gte=today, due_on__lte=soon)),
    ):
        found = still_open.filter(due).aggregate(count=Count("pk"), since=Min("received_at"))
        if found["count"]:
            yield Trouble(kind, sentence, found["count"], found["since"])


def stuck_stores() -> Iterator[Trouble]:
    """Stores, and search, that keep failing: each waits for a person."""
    stuck = Step.objects.filter(state=StepState.STUCK).values_list("store")
    for store, count, since in stuck.annotate(Count("pk"), Min("takedown__removal__opened_at")).order_by("store"):
        yield Trouble(f"store.{store}", _("A store keeps failing, and its images wait for a person."), count, since)
    if unhidden := removals.unhidden().count():
        yield Trouble("store.search", _("Search keeps returning images that were hidden."), unhidden, None)


def dead_jobs() -> Iterator[Trouble]:
    found = Job.objects.filter(state=JobState.DEAD).aggregate(count=Count("pk"), since=Min("created_at"))
    if found["count"]:
        yield Trouble("job.dead", _("Jobs gave up after their last attempt."), found["count"], found["since"])


def stuck_notices() -> Iterator[Trouble]:
    if count := Notice.objects.filter(state=NoticeState.STUCK).count():
        yield Trouble("notice.stuck", _("Recipients were not reached, or did not acknowledge a notice."), count, None)


def late_ledger() -> Iterator[Trouble]:
    """A log that may not be signed, or whose publication was missed twice."""
    if publication.latest() is not None and signers.head() is None:
        yield Trouble("ledger.held", _("The ledger signs nothing until its newest checkpoint was shown."), 1, None)
    before = clock.now() - 2 * settings.PUBLISH_EVERY
    waiting = Leaf.objects.filter(appended_at__lt=before).exclude(pk__in=Position.objects.values("leaf"))
    found = waiting.aggregate(count=Count("pk"), since=Min("appended_at"))
    if found["count"]:
        yield Trouble("ledger.late", _("Entries wait for the ledger longer than they should."), **found)


WATCHED: tuple[Callable[[], Iterator[Trouble]], ...] = (
    broken_promises,
    cases_at_risk,
    stuck_stores,
    dead_jobs,
    stuck_notices,
    late_ledger,
)
