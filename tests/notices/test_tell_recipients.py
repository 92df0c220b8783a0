"""Whoever was shown an image that is removed is told so, signed, until they acknowledge or a person steps in."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core import mail
from django.test import Client
from pytest_django import Settings

from matching import service
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.seen import Unseen
from portal.audit.tags import Tag
from portal.core import clock, keys
from portal.core.faults import NotAllowed
from portal.jobs import kinds
from portal.jobs.models import Job
from portal.notices import actions, queries, work, writing
from portal.notices.models import Channel, Item, Notice, Recipient, SettledBecause
from portal.notices.states import NoticeState
from portal.policies import notices as policy
from portal.takedowns.models import Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import TakedownState
from tests.notices.build import Hook, listening, reached, shown_image

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]


@pytest.fixture(autouse=True)
def surroundings(settings: Settings) -> Iterator[None]:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    settings.NOTICE_WINDOW = timedelta(0)
    kinds.register({"test.over": lambda _subject: None})
    yield
    kinds.forget("test.over")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as server:
        yield server


@pytest.fixture
def acme(hook: Hook, sam: User, lee: User) -> Recipient:
    return reached("acme", Channel.WEBHOOK, hook.url, by=(sam, lee))


def remove(*images: UUID) -> None:
    """As the step `recipients` of their takedowns does; the whole removal is in the first test."""
    writing.tell(images)


@pytest.mark.django_db(transaction=True)
def test_a_removal_tells_each_recipient_who_was_shown_the_image(acme: Recipient, hook: Hook, drain: Drain) -> None:
    image = shown_image("acme", "unheard-of")
    page = service.identifiers_of([image])[image].page
    digest = service.identifiers_of([image])[image].file_digest.hex()
    removal = open_removal(uuid4(), [image], job_when_removed="test.over", job_when_purged="test.over")
    drain()
    told = hook.content["images"]
    assert told == [
        {
            "id": str(image),
            "page": page,
            "sha256": digest,
            "shown": [{"at": "2026-03-14T09:30:00+00:00", "agency": "Police"}],
        }
    ]
    assert Notice.objects.get(recipient=acme).state == NoticeState.SENT
    # Nobody knows how to reach the other one yet: it waits for a person and is not forgotten.
    other = Notice.objects.get(recipient__code="unheard-of")
    assert (other.state, other.last_error) == (NoticeState.STUCK, "no channel")
    assert Takedown.objects.get().state == TakedownState.PURGED
    assert str(removal.pk) not in hook.received[0][1].decode()
    assert str(removal.origin) not in hook.received[0][1].decode()


def test_a_notice_says_nothing_of_the_person_or_of_other_images(acme: Recipient, hook: Hook, drain: Drain) -> None:
    remove(shown_image("acme"), shown_image())
    drain()
    assert set(hook.content) == {
        *("type", "notice", "operator", "issued_at", "basis", "demand", "images"),
        *("acknowledge", "acknowledge_in_a_browser", "acknowledge_within_days"),
    }
    assert len(hook.content["images"]) == 1


def test_images_of_several_removals_go_together_within_the_window(
    acme: Recipient, hook: Hook, drain: Drain, settings: Settings
) -> None:
    settings.NOTICE_WINDOW = timedelta(hours=24)
    images = [shown_image("acme") for _ in range(3)]
    for image in images:
        remove(image)
    drain()
    assert hook.received == []
    clock.move(timedelta(hours=25))
    drain()
    assert [one["id"] for one in hook.content["images"]] == sorted(map(str, images))
    assert len(hook.received) == 1


def verified(headers: dict[str, str], body: bytes, key: str) -> bool:
    """As a recipient would check it, from the published key and Standard Webhooks alone."""
    scheme, signature = headers["webhook-signature"].split(",")
    assert scheme == "v1a"
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.strip().removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    try:
        public.verify(base64.b64decode(signature), signed)
    except InvalidSignature:
        return False
    return True


def test_its_signature_holds_over_the_raw_body_and_over_nothing_else(
    acme: Recipient, hook: Hook, drain: Drain, client: Client
) -> None:
    remove(shown_image("acme"))
    drain()
    headers, body = hook.received[0]
    key = client.get("/api/v1/notices/key").content.decode()
    assert verified(headers, body, key)
    assert headers["webhook-id"] == str(Notice.objects.get().pk)
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 300
    for position in range(0, len(body), 97):
        forged = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
        assert not verified(headers, forged, key)
    assert not verified({**headers, "webhook-id": str(uuid4())}, body, key)
    assert not verified({**headers, "webhook-timestamp": "0"}, body, key)


def test_the_same_notice_is_sent_again_byte_for_byte_until_it_arrives(
    acme: Recipient, hook: Hook, drain: Drain
) -> None:
    hook.status = 503
    remove(shown_image("acme"))
    drain()
    clock.move(timedelta(hours=2))
    drain()
    assert Notice.objects.get().attempts == 2
    hook.status = 204
    clock.move(timedelta(hours=2))
    drain()
    assert Notice.objects.get().state == NoticeState.SENT
    assert len({body for _headers, body in hook.received}) == 1
    assert len({headers["webhook-id"] for headers, _body in hook.received}) == 1


def test_a_recipient_who_never_answers_is_laid_before_a_person(
    acme: Recipient, hook: Hook, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "ATTEMPTS", 3)
    hook.status = 500
    remove(shown_image("acme"))
    for _ in range(work.ATTEMPTS + 1):
        drain()
        clock.move(timedelta(hours=2))
    notice = Notice.objects.get()
    assert (notice.state, notice.last_error) == (NoticeState.STUCK, "answered 500")


@pytest.mark.parametrize("status", [302, 404, 410])
def test_where_trying_again_changes_nothing_a_person_is_asked_at_once_or_it_is_no_delivery(
    acme: Recipient, hook: Hook, drain: Drain, status: int
) -> None:
    hook.status = status
    remove(shown_image("acme"))
    drain()
    notice = Notice.objects.get()
    assert notice.state == (NoticeState.DUE if status == 302 else NoticeState.STUCK)
    assert len(hook.received) == 1


def test_received_is_not_acknowledged_and_silence_goes_to_a_person(acme: Recipient, hook: Hook, drain: Drain) -> None:
    remove(shown_image("acme"))
    drain()
    clock.move(policy.ACKNOWLEDGE_WITHIN - timedelta(hours=1))
    drain()
    assert Notice.objects.get().state == NoticeState.SENT
    clock.move(timedelta(hours=2))
    drain()
    notice = Notice.objects.get()
    assert (notice.state, notice.last_error) == (NoticeState.STUCK, "not acknowledged")


def test_an_answer_that_names_the_notice_acknowledges_it(acme: Recipient, hook: Hook, drain: Drain) -> None:
    hook.acknowledges = True
    remove(shown_image("acme"))
    drain()
    assert Notice.objects.get().state == NoticeState.ACKNOWLEDGED


def test_a_program_acknowledges_at_the_address_it_was_given(
    acme: Recipient, hook: Hook, drain: Drain, client: Client
) -> None:
    remove(shown_image("acme"))
    drain()
    path = urlsplit(hook.content["acknowledge"]).path
    for _ in range(3):
        assert client.post(path).json() == {"acknowledged": hook.content["notice"]}
    assert Notice.objects.get().state == NoticeState.ACKNOWLEDGED
    assert Entry.objects.filter(tag=Tag.NOTICE_ACKNOWLEDGED).count() == 1
    assert client.get(path).status_code == 405
    assert client.post(f"{path[:-20]}x/acknowledge").status_code == 404


def test_once_it_ended_what_it_said_is_destroyed_with_its_key(
    acme: Recipient, hook: Hook, drain: Drain, client: Client
) -> None:
    image = shown_image("acme")
    remove(image)
    drain()
    notice = Notice.objects.get()
    assert keys.exists(notice.pk)
    client.post(urlsplit(hook.content["acknowledge"]).path)
    drain()
    notice.refresh_from_db()
    assert not keys.exists(notice.pk)
    assert notice.sealed is None
    assert Item.objects.get().image_id == image


def test_nothing_it_says_lies_in_the_database_unsealed(acme: Recipient, settings: Settings, drain: Drain) -> None:
    settings.NOTICE_WINDOW = timedelta(hours=24)
    image = shown_image("acme")
    page = service.identifiers_of([image])[image].page
    remove(image)
    drain()
    collecting = str(list(Item.objects.values()) + list(Notice.objects.values()))
    clock.move(timedelta(hours=25))
    drain()
    sent = str(list(Item.objects.values()) + list(Notice.objects.values()) + list(Entry.objects.values()))
    jobs = str(list(Job.objects.values()))
    assert page not in collecting + sent + jobs
    assert Item.objects.get().sealed is None


def test_by_mail_the_same_bytes_and_their_signature_go_as_files(
    sam: User, lee: User, drain: Drain, client: Client
) -> None:
    reached("acme", Channel.MAIL, "privacy@acme.example", by=(sam, lee))
    remove(shown_image("acme"))
    drain()
    (sent,) = mail.outbox
    assert sent.to == ["privacy@acme.example"]
    files = {str(name): content for name, content, _kind in sent.attachments}
    headers = dict(line.split(": ") for line in str(files["notice.signature.txt"]).splitlines())
    body = files["notice.json"]
    assert isinstance(body, bytes)
    assert verified(headers, body, client.get("/api/v1/notices/key").content.decode())
    assert json.loads(body)["acknowledge_in_a_browser"] in str(sent.body)


def test_a_second_removal_of_the_same_image_tells_nobody_twice(acme: Recipient, hook: Hook, drain: Drain) -> None:
    image = shown_image("acme")
    remove(image)
    remove(image)
    drain()
    assert len(hook.received) == 1
    assert Item.objects.count() == 1


def test_one_person_cannot_turn_notices_elsewhere(acme: Recipient, hook: Hook, sam: User, drain: Drain) -> None:
    with listening() as elsewhere:
        actions.propose_channel(acme, Channel.WEBHOOK, elsewhere.url, "en", by=sam)
        with pytest.raises(NotAllowed):
            actions.confirm_channel(acme, by=sam)
        remove(shown_image("acme"))
        drain()
        assert (len(hook.received), len(elsewhere.received)) == (1, 0)


def test_a_channel_confirmed_later_sends_what_waited(hook: Hook, sam: User, lee: User, drain: Drain) -> None:
    remove(shown_image("acme"))
    drain()
    assert Notice.objects.get().state == NoticeState.STUCK
    reached("acme", Channel.WEBHOOK, hook.url, by=(sam, lee))
    drain()
    assert Notice.objects.get().state == NoticeState.SENT


@pytest.mark.parametrize(
    "url", ["http://hooks.example/", "https://user@hooks.example/", "https://2130706433/", "ftp://x/"]
)
def test_an_endpoint_that_is_not_https_or_no_plain_address_is_refused(url: str, sam: User) -> None:
    with pytest.raises(actions.BadEndpoint):
        actions.propose_channel(Recipient.objects.create(code="acme"), Channel.WEBHOOK, url, "en", by=sam)


def test_a_webhook_inside_the_network_is_never_called(
    acme: Recipient, hook: Hook, drain: Drain, settings: Settings
) -> None:
    settings.PRIVATE_HOSTS = frozenset()
    remove(shown_image("acme"))
    drain()
    assert hook.received == []
    assert Notice.objects.get().state == NoticeState.STUCK


def test_a_person_settles_what_nobody_can_reach_and_says_why(sam: User, drain: Drain) -> None:
    remove(shown_image("closed-down"))
    drain()
    notice = Notice.objects.get()
    with pytest.raises(Unseen):
        actions.settle(notice, by=sam, because=SettledBecause.GONE)
    told = queries.text(notice, sam)
    assert told is not None
    assert any("photos.example" in part for image in told.images for part in image)
    actions.settle(notice, by=sam, because=SettledBecause.GONE)
    drain()
    entry = Entry.objects.get(tag=Tag.NOTICE_SETTLED)
    assert (entry.actor, entry.detail) == (sam.pk, {"because": "gone"})
    assert not keys.exists(notice.pk)
