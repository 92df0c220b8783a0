"""The way out for somebody wrongly kept out: one person proposes an address, another confirms it."""

import pytest
from django.test import Client

from matching.models import Exemption as Listed
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.blocks import exemptions
from portal.blocks.models import Exemption, ExemptionState, Ground

pytestmark = pytest.mark.django_db
PAGE = "/en/staff/exemptions/"
ADDRESS = "https://photos.example/portrait"


@pytest.fixture
def proposed(sam: User) -> Exemption:
    return exemptions.propose(ADDRESS, Ground.PERSON_ASKED, by=sam)


def tags() -> list[str]:
    return list(Entry.objects.filter(tag__contains="exemption").order_by("pk").values_list("tag", flat=True))


def test_two_people_let_in_the_photos_of_one_address(sam_client: Client, lee_client: Client) -> None:
    asked = sam_client.post(PAGE, {"address": ADDRESS, "ground": "person_asked"}, follow=True)
    assert "waits for a second person" in asked.content.decode()
    assert not Listed.objects.exists()
    waiting = Exemption.objects.get()
    assert f"{PAGE}{waiting.pk}/confirm/" not in sam_client.get(PAGE).content.decode()
    assert f"{PAGE}{waiting.pk}/confirm/" in lee_client.get(PAGE).content.decode()
    lee_client.post(f"{PAGE}{waiting.pk}/confirm/")
    assert Listed.objects.count() == 1
    assert ADDRESS in sam_client.get(PAGE).content.decode()
    assert tags() == ["staff:exemption:proposed", "staff:exemption:confirmed"]
    assert not Entry.objects.filter(detail__icontains="photos.example").exists()


def test_whoever_proposes_does_not_confirm(proposed: Exemption, sam_client: Client) -> None:
    told = sam_client.post(f"{PAGE}{proposed.pk}/confirm/", follow=True).content.decode()
    assert "whoever proposes cannot confirm" in told
    assert not Listed.objects.exists()


@pytest.mark.parametrize("who", ["sam_client", "lee_client"])
def test_what_is_declined_or_taken_back_leaves_no_address(
    proposed: Exemption, who: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(who).post(f"{PAGE}{proposed.pk}/decline/")
    proposed.refresh_from_db()
    assert (proposed.state, proposed.address) == (ExemptionState.DECLINED, "")
    assert not Listed.objects.exists()


def test_one_person_ends_it_and_another_one_of_the_same_address_holds(
    proposed: Exemption, sam: User, lee: User, lee_client: Client
) -> None:
    twin = exemptions.propose(ADDRESS, Ground.ORDERED, by=sam)
    for one in (proposed, twin):
        exemptions.confirm(one, by=lee)
    lee_client.post(f"{PAGE}{proposed.pk}/end/")
    assert Listed.objects.count() == 1
    lee_client.post(f"{PAGE}{twin.pk}/end/")
    assert not Listed.objects.exists()
    proposed.refresh_from_db()
    assert (proposed.state, proposed.address) == (ExemptionState.ENDED, "")


def test_it_is_decided_once(proposed: Exemption, lee: User, lee_client: Client) -> None:
    exemptions.confirm(proposed, by=lee)
    told = lee_client.post(f"{PAGE}{proposed.pk}/decline/", follow=True).content.decode()
    assert "a colleague was quicker" in told
    assert Listed.objects.count() == 1


@pytest.mark.parametrize("address", ["", "no address", "ftp://a.example/1"])
def test_it_asks_for_a_web_address_and_a_reason(sam_client: Client, address: str) -> None:
    page = sam_client.post(PAGE, {"address": address}).content.decode()
    assert "Select why" in page
    assert "Enter an address in the right form" in page or "Enter the address" in page
    assert not Exemption.objects.exists()


@pytest.mark.parametrize("verb", ["confirm", "decline", "end"])
def test_nothing_is_done_to_what_does_not_exist(sam_client: Client, verb: str) -> None:
    assert sam_client.post(f"{PAGE}999/{verb}/").status_code == 404
