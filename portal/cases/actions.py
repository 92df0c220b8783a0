"""What a data subject may do with their own case. What staff may do is in `decisions`."""

from contextlib import suppress
from hashlib import sha256

from django.db import transaction

from matching import service
from matching.errors import PhotoRejected
from matching.types import Flaw, PhotoFault
from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import choices
from portal.blocks import codes as keep_out_codes
from portal.blocks.recovery import Left
from portal.cases import codes, forget, moves, own_probes, personal, receipts, visitor_budgets
from portal.cases.faults import CodeExpired, Finished, Incomplete, TooManyCodes, TooManyPhotos
from portal.cases.models import Case, Route
from portal.cases.states import MOVES, State
from portal.core import base32, clock, keys, limits, mail_addresses, schedule
from portal.core.faults import Stale
from portal.jobs import queue
from portal.jobs.models import Priority
from portal.policies import budgets, deadlines, statutes
from portal.policies.assurance import Proof, Right, See, allowance

MOST_PHOTOS = 5  # each is searched with, and so makes what is certain stricter


def open_case(language: str, *, visitor: str | None = None) -> Case:
    """Begin a draft; it has no keys and leaves no trace in the trail before its contact is confirmed.

    Errors: TooManyCases.
    """
    visitor_budgets.take_case(visitor)
    return Case.objects.create(reference=_new_reference(), language=language, opened_at=clock.now())


def _make_keys(case: Case) -> None:
    """They exist before anything is sealed under them; the address moves to its own."""
    address = personal.contact(case)
    for key_id in (case.key_id, case.proof_key_id):
        with suppress(FileExistsError):  # from a try whose transaction was rolled back
            keys.create(key_id)
    case.has_keys = True
    case.save(update_fields=["has_keys"])
    personal.keep_contact(case, address)
    append.append(Tag.CASE_OPENED, about=case.code)


def _new_reference() -> str:
    """40 random bits."""
    return base32.grouped(base32.random_letters(8))


def speak(case: Case, language: str) -> None:
    """Write mails in the language the subject reads now."""
    if language != case.language:
        case.language = language
        case.save(update_fields=["language"])


@transaction.atomic
def set_place(case: Case, place: str) -> None:
    _lock_draft(case)
    case.place = statutes.PLACES[place].code
    case.save(update_fields=["place"])


@transaction.atomic
def send_code(case: Case, address: str, *, visitor: str | None = None) -> None:
    """Keep the address and mail a code to it. Errors: TooManyCodes."""
    _lock_draft(case)
    address = mail_addresses.normal(address)
    if not limits.spend("code-case", str(case.code), budgets.CODES):
        raise TooManyCodes
    visitor_budgets.take_mail(visitor, address)
    if personal.contact(case) != address:
        codes.drop(case)
        personal.keep_contact(case, address)
        _set_proof(case, Proof.NONE)
    queue.enqueue("case.mail_code", case.code, priority=Priority.URGENT)


def confirm_code(case: Case, code: str) -> None:
    """Errors: WrongCode, CodeExpired."""
    with transaction.atomic():
        _lock_draft(case)
        fault = codes.use(case, code, address=personal.contact(case))
        if fault is None:
            if not case.has_keys:
                _make_keys(case)
            _set_proof(case, Proof.PHOTO if case.photos.exists() else Proof.CONTACT)
            append.append(Tag.CASE_CONTACT_CONFIRMED, about=case.code)
    if fault is not None:
        raise fault


@transaction.atomic
def consent(case: Case, route: Route) -> None:
    """Record the choice of route and the consent that it rests on. What belongs to the other route goes."""
    _lock_draft(case)
    if route != case.route:
        forget.photos(case)
        forget.probes(case)
        forget.addresses(case)
        choices.decline(case.code)
        if case.proof == Proof.PHOTO:
            _set_proof(case, Proof.CONTACT)
    case.route = route
    case.consented_at = clock.now()
    case.save(update_fields=["route", "consented_at"])
    append.append(Tag.CASE_CONSENTED, about=case.code, route=str(route))


def keep_photo(case: Case, data: bytes) -> Flaw | None:
    """Add a photo; returns what would make a better one. Errors: PhotoRejected, TooManyPhotos, matching.errors.Busy."""
    selfie = service.read_selfie(data)
    with transaction.atomic():
        # Reading took a while: the contact may have been changed in another window, or the case sent.
        _lock_draft(case)
        if case.proof == Proof.NONE or case.route != Route.PHOTO:
            raise Stale("changed while the photo was read")
        if case.photos.count() >= MOST_PHOTOS:
            raise TooManyPhotos
        earlier = own_probes.of(case, pack=selfie.pack)
        if len(earlier) and not service.same_person(selfie.probes, earlier):
            raise PhotoRejected(PhotoFault.ANOTHER_FACE)
        personal.keep_photo(case, selfie, digest=sha256(data).digest())
        personal.keep_live_score(case, selfie.live)
        _set_proof(case, Proof.PHOTO)
    return selfie.flaw


@transaction.atomic
def remove_photo(case: Case, number: int) -> None:
    """Take one photo back, with what was computed from it. One that is not (any more) there changes nothing."""
    _lock_draft(case)
    for photo in case.photos.filter(number=number):
        photo.probes.all().delete()
        photo.delete()
        append.append(Tag.PHOTO_DESTROYED, about=case.code)
    if case.proof == Proof.PHOTO and not case.photos.exists():
        _set_proof(case, Proof.CONTACT)


@transaction.atomic
def keep_addresses(case: Case, addresses: list[str]) -> None:
    _lock_draft(case)
    if case.route != Route.ADDRESSES:
        raise Stale("the route was changed")
    personal.keep_addresses(case, addresses)


@transaction.atomic
def keep_out(case: Case, *, wanted: bool, recoverable: bool = False) -> None:
    """Whether the subject chooses to be kept out of the index from now on, and leaves the address for a lost code.

    Errors: Stale, as it needs a photo.
    """
    _lock_draft(case)
    if case.route != Route.PHOTO:
        raise Stale("the route was changed")
    if wanted:
        choices.choose(case.code, key_id=case.key_id, recoverable=recoverable)
    else:
        choices.decline(case.code)


@transaction.atomic
def submit(case: Case) -> None:
    """Close the form and start the statutory clock; the search follows as a job. Errors: Incomplete."""
    _lock_draft(case)
    if missing := next_step(case):
        raise Incomplete(missing)
    moves.move(case, State.RECEIVED)
    assert case.received_at is not None
    day = deadlines.day_of_receipt(case.received_at, statutes.PLACES[case.place])
    statute = statutes.law_of(case.place, day.date)
    case.received_on, case.received_zone = day.date, day.zone
    case.statute, case.statute_version = statute.code, statutes.VERSION
    case.due_on = deadlines.due_on(day.date, statute)
    case.slot_at = schedule.slot_after(case.received_at)
    case.receipt_at = receipts.slot(case)
    clock_fields = ["received_on", "received_zone", "statute", "statute_version", "due_on"]
    case.save(update_fields=[*clock_fields, "slot_at", "receipt_at"])
    left = Left(personal.contact(case), keep_out_codes.of(case.key_id), case.language)
    choices.begin(case.code, at=case.slot_at, may_see_count=_see(case) is See.COUNTS, left=left)
    receipts.open_record(case)
    append.append(Tag.CASE_SUBMITTED, about=case.code, statute=statute.code, due_on=case.due_on.isoformat())
    queue.enqueue("case.mail_received", case.code)
    queue.enqueue("case.search", case.code)
    queue.enqueue("case.announce", case.code, run_at=case.slot_at)


def _see(case: Case) -> See:
    return allowance(Right(case.right), Proof(case.proof), case.statute).see


def next_step(case: Case) -> str:
    """The first step a draft still lacks; empty when it can be sent."""
    if not case.place:
        return "place"
    if case.contact_sealed is None:
        return "contact"
    if case.proof == Proof.NONE:
        return "code"
    if not case.route or case.consented_at is None:
        return "consent"
    if case.route == Route.PHOTO and not case.photos.exists():
        return "photo"
    if case.route == Route.ADDRESSES and case.addresses_sealed is None:
        return "addresses"
    return ""


@transaction.atomic
def withdraw(case: Case) -> None:
    """Stop the case, from wherever it is, and let the subject see no difference between one state and another.

    What was decided to be erased goes on: an erasure is not undone by its subject's silence. Errors: Finished.
    """
    case = Case.objects.select_for_update().get(pk=case.pk)
    if case.withdrawn_at is not None:
        return
    if not case.has_keys:
        case.delete()  # nothing of it was ever recorded
        return
    if case.slot_at is not None and clock.now() >= case.slot_at:
        raise Finished
    append.append(Tag.CASE_WITHDRAWN, about=case.code)
    forget.photos(case)
    forget.probes(case)
    choices.decline(case.code)
    if State.WITHDRAWN in MOVES[State(case.state)]:
        moves.move(case, State.WITHDRAWN)
    else:
        Case.objects.filter(pk=case.pk).update(withdrawn_at=clock.now())
    if case.received_at is None:
        queue.enqueue("case.forget_draft", case.code)
    else:
        queue.enqueue("case.close", case.code, run_at=case.slot_at)


def send_return_code(reference: str, address: str, *, visitor: str | None = None) -> None:
    """Mail a code to whoever comes back with the reference and the address it was opened with.

    Nothing tells the caller whether such a case exists. Errors: TooManyCodes, counted alike for unknown references.
    """
    if not limits.spend("return-code", reference, budgets.CODES):
        raise TooManyCodes
    visitor_budgets.take_mail(visitor, address)
    case = _live_case(reference)
    if case is not None and mail_addresses.key(personal.contact(case)) == mail_addresses.key(address):
        queue.enqueue("case.mail_code", case.code, priority=Priority.URGENT)


def confirm_return(reference: str, code: str) -> Case:
    """Errors: CodeExpired, for a wrong code and an unknown reference alike."""
    case = _live_case(reference)
    if case is None or codes.use(case, code, address=personal.contact(case)) is not None:
        raise CodeExpired
    return case


def _live_case(reference: str) -> Case | None:
    """A case that was sent in and whose slot has not come; a draft belongs to the session that began it.

    The slot ends it for everyone at once. The key would not do: it outlives the slot just where something was found.
    """
    return Case.objects.filter(reference=reference.strip().upper(), slot_at__gt=clock.now()).first()


def _set_proof(case: Case, proof: Proof) -> None:
    case.proof = proof
    case.save(update_fields=["proof"])


def _lock_draft(case: Case) -> None:
    """Read the case anew and hold it until the transaction ends. Errors: Stale when it is a draft no more."""
    case.refresh_from_db(from_queryset=Case.objects.select_for_update())
    if case.state != State.DRAFT:
        raise Stale(case.state)
