"""What workers do with a case. Each may be interrupted anywhere and run again."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import transaction

from matching import service
from matching.types import CaseProbes, Embeddings, ExpansionBasis, SearchResult, Thresholds
from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import choices
from portal.cases import assignments, cautions, codes, forget, mail, moves, own_probes, personal, receipts
from portal.cases.models import Band, Case, Decision, Match, ProbeKind, Route, Search
from portal.cases.states import ENDED, OPEN, State
from portal.core import clock, keys, mailing, pasted
from portal.jobs import queue
from portal.jobs.run import NotYet, PermanentFailure
from portal.ledger.receipt import NotPublished
from portal.policies import retention, timetable
from portal.takedowns.models import Removal
from portal.takedowns.states import RemovalState

log = structlog.get_logger()
MOST_TOGETHER = 250  # cases in one pass over the index


@dataclass(frozen=True)
class _Found:
    matches: tuple[Match, ...] = ()
    thresholds: Thresholds | None = None


def search(code: str) -> None:
    """Find the images of a received case. Nothing found: settled. Anything found: staff decide (proof is a photo)."""
    with transaction.atomic():
        case = _locked(code)
        if case.state == State.RECEIVED:
            moves.move(case, State.SEARCHING)
    if case.state == State.SEARCHING:
        _go_on(case, _find(Case.objects.get(pk=case.pk)), State.SEARCHING)


def settle(code: str) -> None:
    """When all that was approved is removed: a last search for faces harvested meanwhile, then settled.

    Every other case that waits for the same is looked for in the same pass over the index.
    """
    case = Case.objects.get(pk=UUID(code))
    if case.state != State.ERASING or not _removals_are(case, RemovalState.REMOVED, RemovalState.PURGED):
        return
    together = [(case, _case_probes(case)), *_waiting_too(case)]
    for one, found in zip((one for one, _ in together), _find_together(together), strict=True):
        _go_on(one, found, State.ERASING)


def _waiting_too(case: Case) -> list[tuple[Case, CaseProbes | None]]:
    """Other cases of which everything approved is removed, and for whose subject there is something to search with."""
    unfinished = Removal.objects.exclude(state__in=(RemovalState.REMOVED, RemovalState.PURGED))
    waiting = Case.objects.filter(state=State.ERASING, route=Route.PHOTO, withdrawn_at=None)
    others = waiting.exclude(pk=case.pk).exclude(code__in=unfinished.values("origin")).order_by("received_at")
    found: list[tuple[Case, CaseProbes | None]] = []
    for other in others[:MOST_TOGETHER]:
        with suppress(PermanentFailure):  # its own job says so
            if (probes := _case_probes(other)) is not None:
                found.append((other, probes))
    return found


def expand(code: str) -> None:
    """As soon as staff have confirmed matches, search on with them, instead of after the cooling time.

    While they cool, whoever else is in those photos can still be told apart from the subject.
    """
    case = Case.objects.get(pk=UUID(code))
    if case.state != State.ERASING or not case.probes.filter(kind=ProbeKind.CONFIRMED).exists():
        return
    found = _find(case)
    with transaction.atomic():
        case = _locked(code)
        if case.state == State.ERASING and case.withdrawn_at is None:
            _review_what_is_new(case, found)


def _review_what_is_new(case: Case, found: _Found) -> bool:
    new = 0 if case.withdrawn_at else _keep(case, found)
    append.append(Tag.CASE_SEARCHED, about=case.code, images=new)
    if new:
        moves.move(case, State.REVIEW)
        assignments.draw(case)
    return new > 0


def _go_on(searched: Case, found: _Found, expected: State) -> None:
    """From the case as it is now: the search held neither lock nor transaction, since it may be long."""
    with transaction.atomic():
        case = _locked(str(searched.code))
        if case.state != expected or not _removals_are(case, RemovalState.REMOVED, RemovalState.PURGED):
            return
        if _review_what_is_new(case, found):
            return
        if keep_out(case):
            # What came in before the block stood may have been missed: look once more.
            queue.enqueue("case.search" if expected == State.SEARCHING else "case.settle", case.code)
        else:
            _settle(case)


def _find(case: Case) -> _Found:
    return _find_together([(case, _case_probes(case))])[0]


def _find_together(cases: Sequence[tuple[Case, CaseProbes | None]]) -> list[_Found]:
    """One pass over the index for all that are to be searched by their photo."""
    results = iter(service.sweep([probes for _, probes in cases if probes is not None]))
    open_faces = cautions.open_faces() if any(probes for _, probes in cases) else {}
    return [
        _at_addresses(case) if probes is None else _nearest(case, probes, next(results), open_faces)
        for case, probes in cases
    ]


def _case_probes(case: Case) -> CaseProbes | None:
    """None where no photo is to be searched by."""
    if case.withdrawn_at is not None or case.route == Route.ADDRESSES:
        return None
    probes = _probes(case)
    if len(probes):
        return CaseProbes(probes, _expansion_basis(case))
    # Past its due date. "Nothing to search with" is not "nothing found": only the last search may be left out.
    if case.state != State.ERASING:
        raise PermanentFailure("the probes are gone")
    return None


def _at_addresses(case: Case) -> _Found:
    if case.withdrawn_at is not None or case.route != Route.ADDRESSES:
        return _Found()
    given = personal.addresses(case)
    images = service.images_at([reading for address in given for reading in pasted.readings(address)])
    return _Found(tuple(Match(case=case, image_id=image_id, band=Band.ADDRESS) for image_id in images))


def _nearest(case: Case, probes: CaseProbes, result: SearchResult, open_faces: Mapping[UUID, Embeddings]) -> _Found:
    # Own probes' matches come first, and of each kind the most similar, so the first face of an image is its nearest.
    nearest: dict[UUID, Match] = {}
    for found in result.matches:
        row = Match(case=case, image_id=found.image_id, face_id=found.face_id, expanded=found.expanded)
        row.similarity, row.band = found.similarity, Band(found.band)
        nearest.setdefault(found.image_id, row)
    cautions.note(case, probes.probes, nearest.values(), open_faces)
    return _Found(tuple(nearest.values()), result.thresholds)


def _expansion_basis(case: Case) -> ExpansionBasis:
    """What staff decided so far: which faces are the subject's, and which are not."""
    faces = case.matches.filter(face_id__isnull=False).values_list("face_id", "image_id", "decision")
    confirmed = [(face, image) for face, image, decision in faces if decision == Decision.APPROVED and face]
    return ExpansionBasis(
        mirrored=personal.probes(case, ProbeKind.MIRRORED),
        confirmed=personal.probes(case, ProbeKind.CONFIRMED),
        confirmed_faces=tuple(face for face, _image in confirmed),
        confirmed_images=tuple(image for _face, image in confirmed),
        rejected_faces=tuple(face for face, _image, decision in faces if decision == Decision.LEFT and face),
    )


def _probes(case: Case) -> Embeddings:
    """The case's own probes of the pack in use. Errors: PermanentFailure, if that pack finds a face in no photo."""
    had = case.probes.exists()
    probes = own_probes.of(case, pack=service.pack().name)
    if had and not len(probes):
        raise PermanentFailure("probes of another pack, and no photo in which the new one finds a face")
    return probes


def _keep(case: Case, found: _Found) -> int:
    """Write what is new as matches, and with which thresholds it was found; returns how many images are new."""
    search = None if found.thresholds is None else _kept_search(case, found.thresholds)
    known = set(case.matches.values_list("image_id", flat=True))
    new = [match for match in found.matches if match.image_id not in known]
    for match in new:
        match.search = search
    return len(Match.objects.bulk_create(new))


def _kept_search(case: Case, used: Thresholds) -> Search:
    return Search.objects.create(
        case=case,
        searched_at=clock.now(),
        pack=used.pack,
        certain_from=used.certain,
        probable_from=used.probable,
        index_size=used.index_size,
        basis=used.basis,
    )


def keep_out(case: Case) -> bool:
    """The block that the subject asked for, once nothing is left to decide. True where it was made now."""
    if case.withdrawn_at is not None or not choices.chosen(case.code):
        return False
    deleted = case.matches.filter(decision=Decision.APPROVED).values_list("image_id", flat=True)
    return choices.keep_out(case.code, key_id=case.key_id, templates=_probes(case), deleted=deleted)


@transaction.atomic
def forget_overdue(case: Case) -> None:
    """The law's last day is over: photo and probes go. A block that was asked for is made while it still can be."""
    case = _locked(str(case.code))
    if case.state in OPEN:
        with suppress(PermanentFailure):  # of another pack, with no photo to compute them from: it cannot be made
            keep_out(case)
    forget.photos(case)
    forget.probes(case)


def _settle(case: Case) -> None:
    moves.move(case, State.SETTLED)
    forget.photos(case)
    forget.probes(case)
    queue.enqueue("case.close", case.code, run_at=case.slot_at)


def announce(code: str) -> None:
    """At the slot, tell the subject that it is finished, in words that are the same whatever was found."""
    case = Case.objects.get(pk=UUID(code))
    if case.announced_at is not None or case.withdrawn_at is not None:
        return
    _mail("finished", case, address=personal.contact(case))
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(announced_at=clock.now())
        append.append(Tag.CASE_ANNOUNCED, about=case.code)
        queue.enqueue("case.close", case.code)


def close(code: str) -> None:
    """Close a case whose removals are purged and whose slot has come; then its key goes. Its second leaf and its
    receipt have a time of their own (portal.cases.receipts), which does not depend on this."""
    with transaction.atomic():
        case = _locked(code)
        if case.state not in ENDED or not _is_told(case) or not _removals_are(case, RemovalState.PURGED):
            return
        forget.everything(case)
        if case.withdrawn_at is not None:
            forget.contact(case)
        moves.move(case, State.CLOSED)
        # Outside the transaction, since a key does not come back on rollback.
        queue.enqueue("case.destroy_key", case.code)
        queue.enqueue("case.forget_proof", case.code)


def _is_told(case: Case) -> bool:
    """Its slot has come, and its subject was told or cannot be."""
    if case.slot_at is None or clock.now() < case.slot_at:
        return False
    told = case.announced_at is not None or case.withdrawn_at is not None
    return told or clock.now() > case.slot_at + timetable.TELL_FOR


def destroy_key(code: str) -> None:
    forget.key(Case.objects.get(pk=UUID(code)))


def mail_code(code: str) -> None:
    """Make a new code and mail it. Only here is it ever in plain text."""
    case = Case.objects.filter(pk=UUID(code)).first()
    if case is not None and (not case.has_keys or keys.exists(case.proof_key_id)):
        address = personal.contact(case)
        _mail("code", case, address=address, code=codes.issue(case, address=address))


def mail_received(code: str) -> None:
    case = Case.objects.get(pk=UUID(code))
    _mail("received", case, address=personal.contact(case))


def mail_receipt(code: str) -> None:
    """Mail the receipt once the publication that holds it is out; to withdrawn cases nothing is mailed any more."""
    case = Case.objects.get(pk=UUID(code))
    if case.receipted_at is not None or case.withdrawn_at is not None:
        return
    try:
        receipt = receipts.issue(case)
    except NotPublished:
        raise NotYet("the publication that holds it is not out") from None
    _mail("receipt", case, address=personal.contact(case), attachment=mail.Attachment(receipts.name(case), receipt))
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(receipted_at=clock.now())
        append.append(Tag.CASE_RECEIPTED, about=case.code)
        queue.enqueue("case.forget_proof", case.code, run_at=clock.now() + retention.RECEIPT.kept_for)


def forget_proof(code: str) -> None:
    """When its receipt was to be had long enough, drop the address and what opens the leaves, and their key."""
    case = Case.objects.get(pk=UUID(code))
    if case.closed_at is not None and receipts.is_over(case):
        forget.proof(case)
        forget.proof_key(case)


def _mail(name: str, case: Case, *, address: str, code: str = "", attachment: mail.Attachment | None = None) -> None:
    """Send; an address that takes no mail is let be, since trying again changes nothing."""
    try:
        mail.send(name, case, address=address, code=code, attachment=attachment)
    except mailing.Undeliverable:
        log.info("undeliverable", case=str(case.code), mail=name)


def forget_draft(code: str) -> None:
    """A draft that was withdrawn or never sent: everything of it goes but the fact that it was opened."""
    case = Case.objects.get(pk=UUID(code))
    if case.received_at is None and case.state in (State.WITHDRAWN, State.EXPIRED):
        choices.decline(case.code)
        forget.everything(case)
        forget.proof(case)
        forget.key(case)
        forget.proof_key(case)


def expire(code: str) -> None:
    with transaction.atomic():
        case = _locked(code)
        if case.state == State.DRAFT:
            moves.move(case, State.EXPIRED)
            queue.enqueue("case.forget_draft", case.code)


def _removals_are(case: Case, *states: RemovalState) -> bool:
    return not Removal.objects.filter(origin=case.code).exclude(state__in=states).exists()


def _locked(code: str) -> Case:
    return Case.objects.select_for_update().get(pk=UUID(code))
