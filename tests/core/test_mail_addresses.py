"""One form of a mail address, however it was pasted."""

import pytest

from portal.core import mail_addresses

STRASSE = "ana@xn--strae-oqa.example"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ana@example.org", "ana@example.org"),
        ("  ana@Example.ORG \n", "ana@example.org"),
        ("Ana@example.org", "Ana@example.org"),
        ("ana@example.org.", "ana@example.org"),
        ("ana@example.org,", "ana@example.org"),
        ("(ana@example.org)", "ana@example.org"),
        ("<ana@example.org>", "ana@example.org"),
        ("Ana B. <ana@example.org>", "ana@example.org"),
        ('"B, Ana" <ana@example.org>', "ana@example.org"),
        ("mailto:ana@example.org?subject=x", "ana@example.org"),
        ("MAILTO:ana%2Bx@example.org", "ana+x@example.org"),
        ("• ana@example.org", "ana@example.org"),
        ("\ufeffana\u200b@exam\u00adple.org\u202c", "ana@example.org"),
        ("\u00a0ana@example.org", "ana@example.org"),
        ("ana＠example.org", "ana@example.org"),
        ("o'neill-x+y@example.org", "o'neill-x+y@example.org"),
        ("ana@straße.example", STRASSE),
        ("ana@STRASSE.example", "ana@strasse.example"),
        (STRASSE.upper(), STRASSE.replace("ana", "ANA")),
        ("ana@bu\u0308cher.example", "ana@xn--bcher-kva.example"),
        ("ana@bücher。example", "ana@xn--bcher-kva.example"),
        ("ana", "ana"),
        ("", ""),
    ],
)
def test_it_has_one_form(text: str, form: str) -> None:
    assert mail_addresses.normal(text) == form
    assert mail_addresses.normal(form) == form


def test_upper_case_and_script_compare_the_same() -> None:
    assert mail_addresses.key("ANA@Straße.example") == mail_addresses.key(f"<{STRASSE}>")
    assert mail_addresses.key("ana@strasse.example") != mail_addresses.key(STRASSE)


def test_people_see_their_own_script() -> None:
    assert mail_addresses.shown(STRASSE) == "ana@straße.example"
    assert mail_addresses.shown("ana@example.org") == "ana@example.org"


def test_the_sender_keeps_its_name() -> None:
    assert mail_addresses.sender("Takedown <no-reply@straße.example>") == "Takedown <no-reply@xn--strae-oqa.example>"
    assert mail_addresses.sender("takedown@localhost") == "takedown@localhost"


def test_a_text_that_is_far_too_long_is_left_alone() -> None:
    text = "<" + "a@" * 100_000
    assert mail_addresses.normal(text) == text
