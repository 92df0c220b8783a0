"""Page and mails say from which day the clock counts, in which time zone, and until when."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.core import mail

from portal.cases import work
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock
from portal.policies import statutes
from tests.builders import make_case, session_of

pytestmark = pytest.mark.django_db

SENTENCES = {
    "en": "counts as received on December 31, 2031 (Pacific Time), and the law allows us until February 12, 2032.",
    "fr": "reçue le 31 décembre 2031 (heure du Pacifique), et la loi nous laisse jusqu’au 12 février 2032.",
}


def received_on_new_years_eve(language: str) -> Case:
    """Half past eleven in the evening in Vancouver; where the operator is, the new year has begun."""
    clock.move(datetime(2032, 1, 1, 7, 30, tzinfo=UTC) - clock.now())
    return make_case(State.RECEIVED, place="CA-BC", language=language)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_and_both_mails_say_it_in_the_same_words(language: str, drain: Callable[[], int]) -> None:
    case = received_on_new_years_eve(language)
    assert (case.received_on, case.due_on) == (date(2031, 12, 31), date(2032, 2, 12))
    assert SENTENCES[language] in session_of(case).get(f"/{language}/status/case/").content.decode()
    drain()
    work.announce(str(case.code))
    said = [str(sent.body) for sent in mail.outbox if case.reference in sent.subject]
    assert len(said) == 2
    assert all(SENTENCES[language] in body for body in said)


def test_every_place_that_can_be_chosen_has_a_time_zone_with_a_name() -> None:
    for code in statutes.PLACES:
        told = (
            session_of(make_case(State.RECEIVED, place=code, address=f"{code}@example.org"))
            .get("/en/status/case/")
            .content.decode()
        )
        assert "America/" not in told
        assert "Etc/" not in told
