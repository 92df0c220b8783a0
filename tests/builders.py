"""Builders of things as the portal itself makes them: through its own verbs and moves, no rows by hand."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
import skimage.data
from django.conf import settings
from django.test import Client
from PIL import Image

from matching import faces, service
from matching.harvest import admission
from matching.harvest.admission import Arrival, Photo
from matching.index.protocol import face_rows
from matching.types import Harvestable, Selfie
from portal.accounts.models import Role, User
from portal.cases import actions, assignments, codes, decisions, moves, personal, queries
from portal.cases.models import Case, Part, Route
from portal.cases.states import State
from portal.core import clock
from portal.orders import looked_at as orders
from portal.orders.models import Order
from portal.takedowns import held_pictures, holds
from portal.takedowns.models import Hold, HoldReason

DAY = date(2026, 3, 14)

# How a case gets into each state, step by step. The moves themselves are tested elsewhere.
_WAY: dict[State, tuple[State, ...]] = {
    State.DRAFT: (),
    State.RECEIVED: (),
    State.WITHDRAWN: (State.WITHDRAWN,),
    State.WAITING: (State.WAITING,),
    State.SEARCHING: (State.SEARCHING,),
    State.REVIEW: (State.SEARCHING, State.REVIEW),
    State.REFUSED: (State.SEARCHING, State.REVIEW, State.REFUSED),
    State.ERASING: (State.SEARCHING, State.REVIEW, State.ERASING),
    State.SETTLED: (State.SEARCHING, State.SETTLED),
    State.CLOSED: (State.SEARCHING, State.SETTLED, State.CLOSED),
    State.EXPIRED: (State.EXPIRED,),
}


def make_case(
    state: State = State.DRAFT,
    *,
    address: str = "ana@example.org",
    route: Route = Route.ADDRESSES,
    addresses: list[str] | None = None,
    photo: bytes | None = None,
    place: str = "CA-ON",
    language: str = "en",
    keep_out: bool = False,
) -> Case:
    """A case in `state`. A draft is complete up to, but not including, being sent."""
    case = actions.open_case(language)
    actions.set_place(case, place)
    actions.send_code(case, address)
    actions.confirm_code(case, mailed_code(case))
    actions.consent(case, route)
    if route == Route.PHOTO:
        keep_photo(case, photo if photo is not None else astronaut_jpeg())
    else:
        actions.keep_addresses(case, addresses or ["https://photos.example/ana.jpg"])
    if keep_out:
        actions.keep_out(case, wanted=True)
    if state not in (State.DRAFT, State.EXPIRED):
        actions.submit(case)
    for to in _WAY[state]:
        moves.move(case, to)
    return Case.objects.get(pk=case.pk)


def keep_photo(case: Case, photo: bytes) -> None:
    """As the upload of a photo. Each photo is read once a process: what is found in it is always the same, and finding
    it takes most of a second. That a photo is read rightly has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "read_selfie", lambda content: _read(content, faces.chosen_pack()))
        actions.keep_photo(case, photo)


@cache
def _read(photo: bytes, pack: faces.Pack) -> Selfie:
    return faces.read_selfie(photo, pack)


def indexed_image(*, site: str = "photos.example", content: bytes = b"") -> UUID:
    """A small picture without a face, in the index and the stores; nothing is detected, which takes seconds."""
    file = BytesIO()
    Image.new("RGB", (64, 64), "grey").save(file, "JPEG")
    page = f"https://{site}/{uuid4()}"
    content = content or file.getvalue()
    photo = Photo(content, content)
    digest = admission.digest(photo.content)
    arrival = Arrival(uuid4(), digest, page, site, DAY, width=64, height=64, photo=photo)
    with admission.one_harvest():
        admission.admit([arrival], face_rows([], [], [], np.empty((0, 128), np.float32)))
    return arrival.image_id


def mailed_code(case: Case) -> str:
    """The code that a mail to the case's address would carry."""
    return codes.issue(case, address=personal.contact(case))


@cache
def astronaut_jpeg(*, size: int = 512, quality: int = 90) -> bytes:
    """The NASA astronaut that ships with scikit-image (public domain): the demo's data subject."""
    file = BytesIO()
    Image.fromarray(skimage.data.astronaut()).resize((size, size)).save(file, "JPEG", quality=quality)
    return file.getvalue()


def session_of(case: Case) -> Client:
    """A browser whose session holds the case."""
    client = Client()
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["case"] = str(case.code)
    store.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
    return client


def make_account(name: str, *, regulator: bool = False, senior: bool = True) -> User:
    """The account of this name, made where there is none yet.

    Without a password, whose digest takes half a second and with which no test signs in as one of the cast.
    """
    if (there := User.objects.filter(name=name).first()) is not None:
        return there
    role = Role.REGULATOR if regulator else Role.STAFF
    account = User(name=name, role=role, is_senior=senior and not regulator)
    account.set_unusable_password()
    account.save()
    return account


def assign(case: Case, *people: User) -> Case:
    """As if the system had drawn these, and nobody else; the cast's Sam and Lee where nobody is named."""
    case.assignments.filter(ended_at=None).update(ended_at=clock.now())
    drawn = people or (make_account("sam"), make_account("lee"))
    for part, to in zip(Part, drawn, strict=False):
        assignments.give(case, part, to)
    return case


def look_at(case: Case, *people: User) -> None:
    """Each unlocks the case and looks at the photos, at each picture, and at the source where there is no picture."""
    for person in people:
        decisions.unlock(case, by=person, purpose="compare")
        for photo in case.photos.all():
            queries.evidence_photo(case, person, photo.number)
        for match in case.matches.all():
            queries.evidence_match(match, person)
            queries.source(match, person)


def look_at_order(order: Order, *people: User) -> None:
    for person in people:
        orders.breakdown(order, person)
        for sampled in orders.sample(order, person):
            orders.picture(order, sampled.image_id, person)


def look_at_hold(hold: Hold, *people: User) -> None:
    for person in people:
        for held in held_pictures.shown(hold, person):
            held_pictures.picture(hold, held.image_id, person)


def place_hold(images: Sequence[UUID], by: User, second: User, reason: HoldReason = HoldReason.LITIGATION) -> Hold:
    """Proposed by one, confirmed by the other, both having looked."""
    hold = holds.propose(images, reason, by=by)
    look_at_hold(hold, by, second)
    holds.confirm(hold, by=second)
    return Hold.objects.get(pk=hold.pk)


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account)
    return client


def harvest(folder: Path, photos: dict[str, bytes]) -> dict[str, UUID]:
    """Photos into the index, as `manage.py harvest` takes them in; returns the id of each by its name."""
    for name, content in photos.items():
        (folder / name).write_bytes(content)
    service.harvest(
        [
            Harvestable(folder / name, page=f"https://photos.example/{name}", site="photos.example", harvested_on=DAY)
            for name in photos
        ]
    )
    ids = {name: service.images_at([f"https://photos.example/{name}"]) for name in photos}
    return {name: found[0] for name, found in ids.items() if found}
