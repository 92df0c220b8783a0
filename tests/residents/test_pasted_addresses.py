"""What people paste is understood before it is judged: web addresses, mail addresses, codes."""

from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from portal.cases import actions, personal, queries
from portal.cases.models import Case, Match
from portal.cases.states import State
from portal.core import mail_addresses
from portal.policies import budgets
from portal.staff.forms_recipients import ChannelForm
from tests import builders
from tests.builders import mailed_code
from tests.matching.builders import make_image, unit_rows

pytestmark = pytest.mark.django_db
PAGE = "/en/request/addresses/"
PHOTO = "https://photos.example/ana"
STRASSE, IN_ASCII = "ana@straße.example", "ana@xn--strae-oqa.example"


def given(text: str) -> tuple[str, ...]:
    case = builders.make_case()
    builders.session_of(case).post(PAGE, {"addresses": text})
    return queries.draft(Case.objects.get(pk=case.pk)).addresses


def told(text: str, *, language: str = "en") -> str:
    case = builders.make_case()
    page = builders.session_of(case).post(PAGE.replace("en", language, 1), {"addresses": text}).content.decode()
    assert queries.draft(Case.objects.get(pk=case.pk)).addresses == ("https://photos.example/ana.jpg",)
    return page


def test_one_line_may_hold_two_and_a_bullet_is_none() -> None:
    text = f"• see {PHOTO} and b.example/y\r\n\r\n\u200b\r\n<{PHOTO}>"
    assert given(text) == (PHOTO, "https://b.example/y")


@pytest.mark.parametrize(
    "typed",
    [
        *(PHOTO, f"{PHOTO},", f"{PHOTO}).", f"<{PHOTO}>", f"- {PHOTO}\u200b", "photos.example/ana", f"see {PHOTO}."),
        *(f"https://archive.example/2020/{PHOTO}", "https://go.example/?u=https%3A%2F%2Fphotos.example%2Fana&h=1"),
    ],
)
@pytest.mark.parametrize("page", [PHOTO, "http://www.photos.example/ana/"])
def test_the_image_is_found_however_its_address_was_pasted(typed: str, page: str, drain: Callable[[], int]) -> None:
    image = make_image(unit_rows(1), page=page)
    case = builders.make_case()
    ana = builders.session_of(case)
    ana.post(PAGE, {"addresses": typed})
    ana.post("/en/request/check/")
    drain()
    assert list(Match.objects.values_list("image_id", flat=True)) == [image]


@pytest.mark.parametrize("ending", [".", ")", "!"])
def test_what_looks_like_punctuation_may_be_of_the_address(ending: str, drain: Callable[[], int]) -> None:
    images = {make_image(unit_rows(1), page=page) for page in (PHOTO, f"{PHOTO}{ending}")}
    builders.make_case(State.RECEIVED, addresses=[f"{PHOTO}{ending}"])
    drain()
    assert set(Match.objects.values_list("image_id", flat=True)) == images


def test_what_is_wrong_is_named_with_its_lines() -> None:
    page = told(f"{PHOTO}\nhello\nftp://a.example/x\nhttps://a.example:99999/\n{PHOTO}\nftp://b.example/y\nx y")
    assert "Lines 2, 7 are not web addresses" in page
    assert "Lines 3, 6 begin with “ftp:”" in page
    assert "Line 4 names “99999” as a port" in page


def test_a_long_address_is_taken_and_one_too_long_refused() -> None:
    long = f"{PHOTO}/{'x' * 6000}"
    assert given(long) == (long,)
    assert "Line 1 is longer than the 8000 characters" in told(f"{PHOTO}/{'x' * 8000}")


@pytest.mark.parametrize(("count", "over"), [(51, "1 more than the 50"), (73, "23 more than the 50")])
def test_a_list_that_is_too_long_says_by_how_many(count: int, over: str) -> None:
    page = told("\n".join(f"a.example/{n}" for n in range(count)))
    assert f"You gave {count} addresses: {over}" in page
    assert f"a.example/{count - 1}" in page  # what was typed is not lost


def test_very_many_wrong_lines_make_no_long_message() -> None:
    assert "20, … are not web addresses" in told("x\n" * 5000)


def test_a_code_and_a_reference_are_read_past_what_nobody_sees() -> None:
    case = builders.make_case(State.RECEIVED)
    client = Client()
    client.post("/en/status/", {"reference": f"\u200b{case.reference}\u00a0", "contact": "Ana <ANA@example.org>,"})
    code = mailed_code(case)
    opened = client.post("/en/status/code/", {"code": f"{code[:3]}\u200b\u00a0{code[3:]}"}, follow=True)
    assert opened.redirect_chain == [("/en/status/case/", 302)]


def asked_for_a_code(contact: str, drain: Callable[[], int]) -> tuple[Client, str]:
    client = Client()
    client.post("/en/request/place/", {"place": "CA-ON"})
    page = client.post("/en/request/contact/", {"contact": contact}, follow=True).content.decode()
    drain()
    return client, page


@pytest.mark.parametrize("typed", [STRASSE, IN_ASCII, f"Ana <{STRASSE}>", f"mailto:{STRASSE}", f"{STRASSE}\u200b,"])
def test_a_code_goes_to_the_domain_that_was_meant(typed: str, drain: Callable[[], int]) -> None:
    _client, page = asked_for_a_code(typed, drain)
    assert mail.outbox[-1].to == [IN_ASCII]
    assert STRASSE in page


@pytest.mark.parametrize(
    "typed", ["ana@☃.example", "ána@example.org", "ana@a_b.example", "ana", "a@b.example, c@d.example"]
)
def test_an_address_that_takes_no_mail_is_refused(typed: str, drain: Callable[[], int]) -> None:
    _client, page = asked_for_a_code(typed, drain)
    assert "Enter an email address in the right form" in page
    assert mail.outbox == []


def test_one_mailbox_has_one_budget_however_it_is_written(drain: Callable[[], int]) -> None:
    for typed in [STRASSE, IN_ASCII, f"<{STRASSE}>", "ANA@straße.EXAMPLE", "ana@STRAßE.example.", f"Ana <{STRASSE}>"]:
        _client, page = asked_for_a_code(typed, drain)
    assert "We have sent as many codes as we may for now" in page
    assert len(mail.outbox) == budgets.CODES.most


def test_a_contact_kept_before_is_compared_and_written_to_in_its_one_form(drain: Callable[[], int]) -> None:
    case = builders.make_case(State.RECEIVED)
    personal.keep_contact(case, STRASSE)
    drain()
    mail.outbox.clear()
    actions.send_return_code(case.reference, IN_ASCII)
    drain()
    assert [sent.to for sent in mail.outbox] == [[IN_ASCII]]


def test_staff_name_a_recipients_mailbox_in_its_one_form() -> None:
    form = ChannelForm({"channel": "mail", "endpoint": f"Privacy <{STRASSE}>", "language": "en"})
    assert form.is_valid()
    assert form.cleaned_data["endpoint"] == IN_ASCII
    assert not ChannelForm({"channel": "mail", "endpoint": "ana@☃.example", "language": "en"}).is_valid()
    assert mail_addresses.shown(IN_ASCII) == STRASSE
