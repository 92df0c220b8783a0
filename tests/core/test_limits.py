"""Counting tries: across processes, for a period, under a key nobody can read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from portal.core import clock, limits
from portal.core.models import Tally

HOUR = timedelta(hours=1)


def test_it_stops_after_the_most_and_begins_anew_when_the_period_is_over(db: None) -> None:
    assert [limits.take("code", "ana", most=2, per=HOUR) for _ in range(3)] == [True, True, False]
    clock.move(HOUR - timedelta(seconds=5))
    assert not limits.take("code", "ana", most=2, per=HOUR)
    clock.move(timedelta(seconds=10))
    assert limits.take("code", "ana", most=2, per=HOUR)


def test_it_counts_each_key_of_each_scope_apart(db: None) -> None:
    assert limits.take("code", "ana", most=1, per=HOUR)
    assert limits.take("code", "bo", most=1, per=HOUR)
    assert limits.take("sign-in", "ana", most=1, per=HOUR)
    assert not limits.take("code", "ana", most=1, per=HOUR)


def test_a_try_given_back_does_not_count(db: None) -> None:
    for _ in range(5):
        assert limits.take("code", "ana", most=1, per=HOUR)
        limits.give_back("code", "ana")
    limits.give_back("code", "ana")
    assert limits.take("code", "ana", most=1, per=HOUR)


def test_it_keeps_no_key_in_the_clear(db: None) -> None:
    limits.take("code", "ana@example.org", most=1, per=HOUR)
    assert b"ana" not in bytes(Tally.objects.get().digest)


def test_it_forgets_what_ended_and_nothing_else(db: None) -> None:
    limits.take("code", "ana", most=1, per=HOUR)
    clock.move(2 * HOUR)
    limits.take("code", "bo", most=1, per=HOUR)
    assert limits.forget_ended() == 1
    assert not limits.take("code", "bo", most=1, per=HOUR)


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_cannot_slip_past() -> None:
    def one(_number: int) -> bool:
        try:
            return limits.take("code", "ana", most=5, per=HOUR)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(one, range(40)))
    assert sum(taken) == 5
