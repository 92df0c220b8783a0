"""What workers do with a case. Each may be interrupted anywhere and run again."""

from uuid import UUID

from django.db import transaction

from matching import service
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import codes, forget, mail, moves, personal
from portal.cases.models import Band, Case, Match, Route, Search
from portal.cases.states import ENDED, State
from portal.core import clock, keys
from portal.jobs import queue
from portal.ledger import leaves
from portal.takedowns.models import Removal
from portal.takedowns.states import RemovalState


def search(code: str) -> None:
    """Find the images of a received case. Nothing found: settled. Anything found: staff decide (proof is a photo)."""
    with transaction.atomic():
        case = _locked(code)
        if case.state == State.RECEIVED:
            moves.move(case, State.SEARCHING)
    with transaction.atomic():
        case = _locked(code)
        if case.state != State.SEARCHING:
            return
        found = _find(case)
        append.append(Tag.CASE_SEARCHED, about=case.code, images=found)
        if found:
            moves.move(case, State.REVIEW)
        else:
            _settle(case)


def _find(case: Case) -> int:
    """Write what is new as matches; returns how many images that is."""
    rows = _by_address(case) if case.route == Route.ADDRESSES else _by_face(case)
    known = set(case.matches.values_list("image_id", flat=True))
    new = [match for match in rows if match.image_id not in known]
    Match.objects.bulk_create(new)
    return len(new)


def _by_address(case: Case) -> list[Match]:
    images = service.images_at(personal.addresses(case))
    return [Match(case=case, image_id=image_id, band=Band.ADDRESS) for image_id in images]


def _by_face(case: Case) -> list[Match]:
    result = service.search(personal.probes(case))
    used = result.thresholds
    Search.objects.update_or_create(
        case=case,
        defaults={
            "searched_at": clock.now(),
            "pack": used.pack,
            "certain_from": used.certain,
            "probable_from": used.probable,
            "index_size": used.index_size,
            "basis": used.basis,
        },
    )
    # Most similar first, so the first face of an image is its nearest.
    nearest: dict[UUID, Match] = {}
    for found in result.matches:
        row = Match(case=case, image_id=found.image_id, face_id=found.face_id)
        row.similarity, row.band = found.similarity, Band(found.band)
        nearest.setdefault(found.image_id, row)
    return list(nearest.values())


def settle(code: str) -> None:
    """When all that was approved is removed: a last search for faces harvested meanwhile, then settled."""
    with transaction.atomic():
        case = _locked(code)
        if case.state != State.ERASING or not _removals_are(case, RemovalState.REMOVED, RemovalState.PURGED):
            return
        found = _find(case)
        append.append(Tag.CASE_SEARCHED, about=case.code, images=found)
        if found:
            moves.move(case, State.REVIEW)
        else:
            _settle(case)


def _settle(case: Case) -> None:
    moves.move(case, State.SETTLED)
    forget.photo(case)
    forget.probes(case)
    queue.enqueue("case.close", case.code, run_at=case.slot_at)


def announce(code: str) -> None:
    """At the slot, tell the subject that it is finished, in words that are the same whatever was found."""
    case = Case.objects.get(pk=UUID(code))
    if case.announced_at is not None or case.withdrawn_at is not None:
        return
    mail.send("finished", case, address=personal.contact(case))
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(announced_at=clock.now())
        append.append(Tag.CASE_ANNOUNCED, about=case.code)
        queue.enqueue("case.close", case.code)


def close(code: str) -> None:
    """Close a case whose removals are purged and whose slot has come; then its key goes."""
    with transaction.atomic():
        case = _locked(code)
        told = case.announced_at is not None or case.withdrawn_at is not None
        slot_came = case.slot_at is not None and clock.now() >= case.slot_at
        if case.state not in ENDED or not told or not slot_came or not _removals_are(case, RemovalState.PURGED):
            return
        leaves.append(leaves.Kind.CLOSED, key_id=case.key_id, commitment={"case": str(case.code)})
        forget.everything(case)
        moves.move(case, State.CLOSED)
        # Outside the transaction, since a key does not come back on rollback.
        queue.enqueue("case.destroy_key", case.code)


def destroy_key(code: str) -> None:
    forget.key(Case.objects.get(pk=UUID(code)))


def mail_code(code: str) -> None:
    """Make a new code and mail it. Only here is it ever in plain text."""
    case = Case.objects.get(pk=UUID(code))
    if keys.exists(case.key_id):
        mail.send("code", case, address=personal.contact(case), code=codes.issue(case))


def mail_received(code: str) -> None:
    case = Case.objects.get(pk=UUID(code))
    mail.send("received", case, address=personal.contact(case))


def forget_draft(code: str) -> None:
    """A draft that was withdrawn or never sent: everything of it goes but the fact that it was opened."""
    case = Case.objects.get(pk=UUID(code))
    if case.received_at is None and case.state in (State.WITHDRAWN, State.EXPIRED):
        forget.everything(case)
        forget.key(case)


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
