"""What the mails say, in both languages."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail

from portal.cases import work
from portal.cases.states import State
from portal.core import clock
from tests import builders

pytestmark = pytest.mark.django_db


def finished_mail(state: State, language: str) -> tuple[str, str]:
    case = builders.make_case(state, language=language)
    case.slot_at = clock.now() + timedelta(hours=1)
    case.save()
    mail.outbox.clear()
    work.announce(str(case.code))
    sent = mail.outbox[-1]
    return sent.subject.replace(case.reference, "R"), str(sent.body).replace(case.reference, "R")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_announces_the_end_in_the_same_words_whatever_was_found(language: str) -> None:
    texts = {finished_mail(state, language) for state in (State.REVIEW, State.SETTLED, State.ERASING)}
    assert len(texts) == 1


@pytest.mark.parametrize(("language", "subject"), [("en", "Your code"), ("fr", "Votre code")])
def test_it_mails_the_code_in_the_language_of_the_case(language: str, subject: str, drain: Callable[[], int]) -> None:
    builders.make_case(language=language)
    drain()
    sent = next(one for one in mail.outbox if one.subject == subject)
    assert len(re.findall(r"\b[0-9]{6}\b", str(sent.body))) == 1
    assert "{{" not in str(sent.body)
    assert "&" not in str(sent.body)
