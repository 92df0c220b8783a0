"""Every read of cases that depends on who asks."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import get_language

from matching import service
from matching.types import Provenance
from portal.accounts.models import User
from portal.audit import append
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.blocks import choices, codes
from portal.cases import looked_at, personal, places
from portal.cases.models import Assignment, Case, Match, Outcome, Proposal, Unlock
from portal.cases.states import OPEN, State
from portal.core import clock
from portal.policies import contacts
from portal.policies.assurance import Proof
from portal.takedowns import holds
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.states import StepState, TakedownState

_SESSION_KEY = "case"


# --- the data subject, whose session is bound to one case ---


def bind(request: HttpRequest, case: Case) -> None:
    """Let this session act for the case. The session's key is changed, so that a planted one gains nothing."""
    request.session.cycle_key()
    request.session[_SESSION_KEY] = str(case.code)


def unbind(request: HttpRequest) -> None:
    request.session.flush()


def case_of_session(request: HttpRequest) -> Case | None:
    code = request.session.get(_SESSION_KEY)
    return None if code is None else Case.objects.filter(pk=UUID(code)).first()


@dataclass(frozen=True)
class OwnPhoto:
    number: int
    flaw: str  # of matching.types.Flaw, or empty


@dataclass(frozen=True)
class Draft:
    place: str
    contact: str
    contact_confirmed: bool
    route: str
    photos: tuple[OwnPhoto, ...]
    addresses: tuple[str, ...]
    keep_out: bool
    keep_out_recoverable: bool

    @property
    def has_photo(self) -> bool:
        return bool(self.photos)


def draft(case: Case) -> Draft:
    return Draft(
        place=case.place,
        contact=personal.contact(case),
        contact_confirmed=case.proof != Proof.NONE,
        route=case.route,
        photos=tuple(OwnPhoto(photo.number, photo.flaw) for photo in case.photos.all()),
        addresses=personal.addresses(case),
        keep_out=asked_to_be_kept_out(case),
        keep_out_recoverable=choices.recoverable(case.code),
    )


def asked_to_be_kept_out(case: Case) -> bool:
    return choices.chosen(case.code)


def keep_out_code(case: Case) -> str:
    """Shown to whoever asked to be kept out, from the sending to the slot; the key says nothing, as it may live longer.

    Empty for everyone else.
    """
    if announced(case).state != "received" or not choices.chosen(case.code):
        return ""
    return codes.of(case.key_id)


def own_photo(case: Case, number: int) -> bytes | None:
    """One of the subject's own photos, as kept; only while the case is a draft."""
    return personal.photo(case, number) if case.state == State.DRAFT else None


@dataclass(frozen=True)
class Announced:
    """What a subject without sight may know: it follows from the clock and their own acts, never from the search."""

    state: str  # draft, received, finished, withdrawn, expired
    reference: str
    received_at: datetime | None
    slot_at: datetime | None
    received_on: date | None  # the day from which the law counts, in `received_zone` (of the IANA database)
    received_zone: str
    due_on: date | None
    place: str

    @property
    def regulator(self) -> contacts.Told | None:
        return contacts.regulator_of(self.place, get_language() or "en") if self.place else None

    @property
    def zone_name(self) -> str:
        return places.zone_name(self.received_zone)


def announced(case: Case) -> Announced:
    return Announced(
        state=_announced_state(case),
        reference=case.reference,
        received_at=case.received_at,
        slot_at=case.slot_at,
        received_on=case.received_on,
        received_zone=case.received_zone,
        due_on=case.due_on,
        place=case.place,
    )


def _announced_state(case: Case) -> str:
    if case.received_at is None or case.slot_at is None:
        return {State.WITHDRAWN: "withdrawn", State.EXPIRED: "expired"}.get(State(case.state), "draft")
    if case.withdrawn_at is not None:
        return "withdrawn"
    return "finished" if clock.now() >= case.slot_at else "received"


# --- staff ---


def queue(by: User, *, state: str = "", reference: str = "") -> QuerySet[Case]:
    """Cases that `by` was drawn for, in due order; the open ones unless a state or a reference is asked for.

    No search by person exists, nor any among the cases of others.
    """
    cases = cases_of(by)
    if reference:
        return cases.filter(reference=reference.strip().upper())
    return cases.filter(state=state).order_by("due_on", "received_at") if state else _open_first(cases)


def _open_first(cases: QuerySet[Case]) -> QuerySet[Case]:
    return cases.filter(state__in=OPEN).order_by("due_on", "received_at")


def proposals_for(by: User) -> QuerySet[Proposal]:
    """Proposals of colleagues that `by` can confirm or decline."""
    return _open_proposals(by).exclude(made_by=by)


def proposals_of(by: User) -> QuerySet[Proposal]:
    """Their own, as long as they have the case."""
    return _open_proposals(by).filter(made_by=by)


def _open_proposals(by: User) -> QuerySet[Proposal]:
    waiting = Proposal.objects.filter(outcome=Outcome.OPEN, case__in=cases_of(by))
    return waiting.select_related("case", "made_by").order_by("case__due_on")


def proposal_for_staff(by: User, pk: int) -> Proposal:
    """Errors: Http404."""
    found = (
        Proposal.objects.select_related("case", "made_by", "decided_by").filter(pk=pk, case__in=cases_of(by)).first()
    )
    if found is None:
        raise Http404
    return found


def cases_of(by: User) -> QuerySet[Case]:
    """For everybody but the two who were drawn a case is not there."""
    if not by.is_reviewer:
        return Case.objects.none()
    drawn = Assignment.objects.filter(to=by, ended_at=None)
    return Case.objects.filter(pk__in=drawn.values("case")).exclude(state__in=[State.DRAFT, State.EXPIRED])


def case_for_staff(by: User, code: UUID) -> Case:
    """The case, and one entry in the trail that it was viewed. Errors: Http404."""
    case = case_to_act_on(by, code)
    append.append(Tag.CASE_VIEWED, about=case.code, actor=by.pk)
    return case


def case_to_act_on(by: User, code: UUID) -> Case:
    """The same for a verb, which leaves its own entry. Errors: Http404."""
    case = cases_of(by).filter(pk=code).first()
    if case is None:
        raise Http404
    return case


def match_for_staff(by: User, code: UUID, match: int) -> Match:
    """Errors: Http404."""
    found = Match.objects.filter(pk=match, case=case_to_act_on(by, code)).first()
    if found is None:
        raise Http404
    return found


def unlocked_until(case: Case, by: User) -> datetime | None:
    unlock = Unlock.objects.filter(case=case, by=by, until__gt=clock.now()).order_by("-until").first()
    return unlock.until if unlock else None


def has_unlocked(case: Case, by: User) -> bool:
    """Now or before: then what was decided of it is no secret to them."""
    return Unlock.objects.filter(case=case, by=by).exists()


def evidence_photo(case: Case, by: User, number: int | None) -> bytes | None:
    """One of the subject's photos for someone who unlocked the case; None when locked or destroyed."""
    kept = personal.photo_row(case, number)
    if kept is None or unlocked_until(case, by) is None:
        return None
    append.append(Tag.PHOTO_VIEWED, about=case.code, actor=by.pk, saw=looked_at.photo(kept))
    return personal.opened(kept)


def live_scores(case: Case, by: User) -> list[float]:
    """How live the photos looked (0 to 1), for someone who unlocked the case; none where the pack cannot tell."""
    return personal.live_scores(case) if unlocked_until(case, by) is not None else []


def evidence_match(match: Match, by: User) -> bytes | None:
    """A preview of a match (JPEG): its face, everything else pixelated. None until unlocked, once it is gone, and under
    a legal hold of others."""
    if unlocked_until(match.case, by) is None:
        return None
    kept_from = holds.hidden_from(by, [match.image_id])
    preview = None if kept_from else service.preview(match.image_id, match.face_id, clear=True)
    # Decisions rest on who looked, so a picture that is gone counts as none.
    seen = preview is not None
    saw = {"saw": looked_at.match(match)} if seen else {}
    append.append(Tag.MATCH_VIEWED, about=match.case_id, actor=by.pk, match=match.pk, clear=seen, **saw)
    return preview


@dataclass(frozen=True)
class Source:
    """Where a match was found; None where that is gone. `has_picture`: whether there is a picture as well."""

    provenance: Provenance | None
    has_picture: bool


def source(match: Match, by: User) -> Source:
    """For someone who unlocked the case. Counts as a look where there is no picture: an image that came as an
    embedding has none."""
    if unlocked_until(match.case, by) is None or holds.hidden_from(by, [match.image_id]):
        return Source(None, False)
    found = service.provenance_of([match.image_id]).get(match.image_id)
    has_picture = found is not None and service.has_preview(match.image_id)
    if found is not None and not has_picture:
        append.append(Tag.SOURCE_VIEWED, about=match.case_id, actor=by.pk, saw=looked_at.match(match))
    return Source(found, has_picture)


def history(case: Case) -> list[Entry]:
    """What the trail says of this case and its removals, oldest first."""
    about = [
        str(case.code),
        *(str(pk) for pk in Removal.objects.filter(origin=case.code).values_list("pk", flat=True)),
    ]
    return list(Entry.objects.filter(about__in=about).order_by("at", "pk"))


@dataclass(frozen=True)
class Progress:
    takedowns: int
    by_state: Mapping[str, int]
    steps: int
    steps_done: int


def progress(case: Case) -> Progress:
    """How far the deletions decided in this case have come."""
    takedowns = Takedown.objects.filter(removal__origin=case.code)
    by_state = Counter(takedowns.values_list("state", flat=True))
    steps = Step.objects.filter(takedown__in=takedowns.exclude(state=TakedownState.RESTORED))
    return Progress(
        takedowns=sum(by_state.values()),
        by_state=by_state,
        steps=steps.count(),
        steps_done=steps.filter(state=StepState.VERIFIED).count(),
    )


def takedowns(case: Case) -> QuerySet[Takedown]:
    """The images being deleted for this case, with their steps."""
    rows = Takedown.objects.filter(removal__origin=case.code).select_related("removal")
    return rows.prefetch_related("steps").order_by("pk")
