"""Counting at fixed times, by a worker: a regulator who could count at will would see what one case changes."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from portal.core import clock, schedule
from portal.jobs import queue
from portal.jobs.models import Job
from portal.statistics import figures
from portal.statistics.figures import KeptOut, Numbers, PlaceCount, Timing, Week
from portal.statistics.models import Release

WEEKS_SHOWN = 12
MONTHS_SHOWN = 12
# An image counts as deleted once every store was read back without it.
DELETED_STATES = ("removed", "purged")
TIMED = ("closed", "hidden", "removed", "purged")


def plan_next() -> None:
    """Let the next release be due at its fixed time; the job's subject is that time."""
    at = schedule.fixed_time_after(clock.now() + timedelta(microseconds=1), every=settings.STATISTICS_EVERY)
    subject = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    if not Job.objects.filter(kind="statistics.release", subject=subject).exists():
        queue.enqueue("statistics.release", subject, run_at=at)


def release(_at: str) -> None:
    plan_next()
    publish()


@transaction.atomic
def publish() -> None:
    """In place of the release before."""
    Release.objects.all().delete()
    Release.objects.create(at=clock.now(), figures=figures.written(counted()))


def counted() -> Numbers:
    today = clock.today()
    states = dict(_rows("SELECT state, cases FROM statistics_states"))
    images = dict(_rows("SELECT state, images FROM statistics_images"))
    deleted, received = sum(images.get(state, 0) for state in DELETED_STATES), sum(states.values())
    (orders,) = _rows("SELECT confirmed, open, images_deleted FROM statistics_orders")
    (purges,) = _rows("SELECT purged, log_unseen FROM statistics_purges")
    closed, refused = states.get("closed", 0), states.get("refused", 0)
    return Numbers(
        as_of=today,
        received=received,
        open=received - closed - refused,
        closed=closed,
        refused=refused,
        overdue=sum(cases for due_on, cases in _rows("SELECT due_on, cases FROM statistics_due") if due_on < today),
        images_deleted=deleted,
        images_open=sum(images.values()) - deleted - images.get("restored", 0),
        orders=orders[0],
        orders_open=orders[1],
        images_deleted_by_order=orders[2],
        places=_places(),
        weeks=_weeks(today),
        blocks=next(iter(_rows("SELECT blocks FROM statistics_blocks")))[0],
        kept_out=_kept_out(),
        removals_purged=purges[0],
        removals_purged_log_unseen=purges[1],
        times=_times(),
    )


def _kept_out() -> tuple[KeptOut, ...]:
    rows = list(_rows("SELECT month, asked, refused FROM statistics_kept_out ORDER BY month"))
    return tuple(KeptOut(*row) for row in rows[-MONTHS_SHOWN:])


def _places() -> tuple[PlaceCount, ...]:
    rows = _rows("SELECT place, statute, received, open FROM statistics_places ORDER BY received DESC, place")
    return tuple(PlaceCount(*row) for row in rows)


def _times() -> dict[str, Timing]:
    rows = _rows("SELECT timed, measured, median, nine_in_ten FROM statistics_times")
    return {
        timed: Timing(measured, timedelta(seconds=median), timedelta(seconds=nine_in_ten))
        for timed, measured, median, nine_in_ten in rows
        if timed in TIMED
    }


def _weeks(today: date) -> tuple[Week, ...]:
    days = {row[0]: row[1:] for row in _rows("SELECT day, received, closed FROM statistics_days")}
    this_week = today - timedelta(days=today.weekday())
    starts = [this_week - timedelta(weeks=back) for back in reversed(range(WEEKS_SHOWN))]
    return tuple(_week(start, days) for start in starts)


def _week(start: date, days: dict[date, tuple[int, ...]]) -> Week:
    counts = [days.get(start + timedelta(days=day), (0, 0)) for day in range(7)]
    received, closed = (sum(column) for column in zip(*counts, strict=True))
    return Week(start, received, closed)


def _rows(query: str) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
