"""Whom residents can turn to: a row for every place, each with its source."""

from urllib.parse import urlsplit

from portal.policies import contacts, statutes


def test_every_place_has_a_regulator_with_a_page_in_both_languages() -> None:
    assert contacts.REGULATORS.keys() == statutes.PLACES.keys()
    for place in statutes.PLACES:
        for language in ("en", "fr"):
            told = contacts.regulator_of(place, language)
            assert told.name
            assert urlsplit(told.page).scheme == "https"


def test_every_row_names_its_source_and_only_https_pages() -> None:
    rows: list[contacts.Regulator | contacts.Help] = [*contacts.REGULATORS.values(), *contacts.HELP]
    for row in rows:
        assert row.source
        assert {urlsplit(page).scheme for page in (row.page.en, row.page.fr)} == {"https"}


def test_what_was_not_seen_is_named_for_the_operator_to_check() -> None:
    unverified = contacts.unverified()
    assert contacts.UNITED_KINGDOM in unverified
    assert contacts.PRIVACY_COMMISSIONER not in unverified
    assert all(not regulator.post.en for regulator in unverified if isinstance(regulator, contacts.Regulator))


def test_only_where_no_regulator_of_the_place_can_order_anything_another_one_is_named() -> None:
    elsewhere = [place for place in statutes.PLACES if contacts.regulator_of(place, "en").elsewhere]
    assert elsewhere == ["OTHER"]
