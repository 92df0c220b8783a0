"""Who looks at which case: the system draws them among those on duty, so that nobody brings a face before themselves.

A reviewer is drawn when a case comes to review, somebody else as the second person when a proposal is made. With fewer
than two people on duty a case waits: one alone would know beforehand whom it comes to.
"""

from collections.abc import Iterable
from random import SystemRandom
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts import duty
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases.models import Assignment, Case, Outcome, Part, Proposal, TakenOff
from portal.cases.states import State
from portal.core import clock
from portal.core.faults import NotAllowed
from portal.policies import duty as policy


def draw(case: Case) -> None:
    """A reviewer, where there is none. In the transaction that holds the case."""
    _draw(case, Part.REVIEWER)


def draw_second(case: Case) -> None:
    """The other person, once something is proposed."""
    _draw(case, Part.SECOND)


def _draw(case: Case, part: Part) -> None:
    pool = _pool(case)
    if case.assignments.filter(part=part, ended_at=None).exists() or not pool or not are_enough():
        return
    give(case, part, SystemRandom().choice(pool))


def give(case: Case, part: Part, to: User) -> None:
    """What was drawn; nobody chooses."""
    Assignment.objects.create(case=case, part=part, to=to, drawn_at=clock.now())
    append.append(Tag.CASE_ASSIGNED, about=case.code, part=part.value, to=to.pk)


def are_enough() -> bool:
    return duty.on_duty().count() >= policy.FEWEST


def _pool(case: Case) -> list[User]:
    """Nobody who has the case, who was taken off it by a supervisor, or is the supervisor who did that."""
    there = case.assignments.filter(ended_at=None)
    taken_off = case.assignments.exclude(ended_by=None)
    known = {*there.values_list("to"), *taken_off.values_list("to"), *taken_off.values_list("ended_by")}
    return list(duty.on_duty().exclude(pk__in={pk for (pk,) in known}))


def fill() -> None:
    """Take cases from those who have gone, and draw for all that wait for somebody."""
    _take_from_the_absent()
    in_force = Assignment.objects.filter(case=OuterRef("pk"), ended_at=None)
    unreviewed = undecided().filter(~Exists(in_force.filter(part=Part.REVIEWER)))
    for code in unreviewed.order_by("due_on", "received_at").values_list("pk", flat=True):
        _draw_locked(code, Part.REVIEWER)
    alone = undecided().filter(_is_proposed(), ~Exists(in_force.filter(part=Part.SECOND)))
    for code in alone.order_by("due_on", "received_at").values_list("pk", flat=True):
        _draw_locked(code, Part.SECOND)


def _draw_locked(code: UUID, part: Part) -> None:
    with transaction.atomic():
        _draw(Case.objects.select_for_update().get(pk=code), part)


def undecided() -> QuerySet[Case]:
    return Case.objects.filter(Q(state=State.REVIEW) | _is_proposed())


def _is_proposed() -> Q:
    return Q(Exists(Proposal.objects.filter(case=OuterRef("pk"), outcome=Outcome.OPEN)))


@transaction.atomic
def go_off_duty(by: User) -> None:
    """Their undecided cases are drawn anew."""
    duty.end(by)
    _end(_open_ones().filter(to=by), TakenOff.OFF_DUTY)
    fill()


def _take_from_the_absent() -> None:
    since = clock.today() - policy.ABSENT_AFTER
    never_there = Q(to__on_duty_on=None, drawn_at__lt=clock.now() - policy.ABSENT_AFTER)
    gone = Q(to__is_active=False) | Q(to__on_duty_on__lt=since) | never_there
    _end(_open_ones().filter(gone), TakenOff.ABSENT)


@transaction.atomic
def reassign(away_from: User, because: TakenOff, *, by: User, reference: str = "") -> None:
    """Have all undecided cases of one person drawn anew, or the one of this reference; never for whoever asks.

    It says nothing of whether they had any: a supervisor who knows a reference must not learn that something was found.
    Errors: NotAllowed for anyone but a supervisor.
    """
    if not by.is_supervisor or because not in TakenOff.by_a_supervisor():
        raise NotAllowed("a supervisor has cases drawn anew, and says why")
    theirs = _open_ones().filter(to=away_from)
    if reference:
        theirs = theirs.filter(case__reference=reference.strip().upper())
    _end(theirs, because, by=by)
    append.append(Tag.STAFF_RELIEVED, about=away_from.pk, actor=by.pk, because=because.value)
    fill()


def _open_ones() -> QuerySet[Assignment]:
    return Assignment.objects.filter(ended_at=None, case__in=undecided())


def _end(those: Iterable[Assignment], because: TakenOff, *, by: User | None = None) -> None:
    for one in those:
        one.ended_at, one.ended_because, one.ended_by = clock.now(), because, by
        one.save(update_fields=["ended_at", "ended_because", "ended_by"])
        append.append(
            Tag.CASE_TAKEN_OFF, about=one.case_id, actor=by.pk if by else None, was=one.to_id, because=because.value
        )
