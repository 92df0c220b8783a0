"""The numbers a regulator watches, as pictures, tables and a file. Each look is in the audit trail."""

import csv
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.accounts.access import RegulatorRequest, regulator_required
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import places
from portal.ledger import publication
from portal.policies import deadlines
from portal.regulators import charts
from portal.regulators.durations import duration
from portal.statistics import queries
from portal.statistics.figures import Numbers, Timing

# Checkpoints of the ledger on the page; the rest are in the public file.
SHOWN = 10


@require_GET
@regulator_required
def numbers(request: RegulatorRequest) -> HttpResponse:
    append.append(Tag.STATISTICS_VIEWED, about="numbers", actor=request.user.pk, form="page")
    newest = queries.released()
    if newest is None:
        return render(request, "regulators/nothing_yet.html", {"every": duration(settings.STATISTICS_EVERY)})
    shown = newest.numbers
    context = {
        "released_at": newest.at,
        "numbers": shown,
        "weeks": charts.weeks(shown.weeks),
        "states": charts.bars(_states(shown)),
        "places": charts.bars((_place(row.place), row.received) for row in shown.places),
        "place_rows": [(_place(row.place), row) for row in shown.places],
        "times": _times(shown),
        "checkpoints": publication.newest(SHOWN),
    }
    return render(request, "regulators/numbers.html", context)


@require_GET
@regulator_required
def numbers_csv(request: RegulatorRequest) -> HttpResponse:
    """One long table: group, name, measure, value. Codes, not translated names, so that a program can read it."""
    append.append(Tag.STATISTICS_VIEWED, about="numbers", actor=request.user.pk, form="csv")
    newest = queries.released()
    if newest is None:
        raise Http404
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    shown = newest.numbers
    response["Content-Disposition"] = f'attachment; filename="takedown-numbers-{shown.as_of.isoformat()}.csv"'
    table = csv.writer(response)
    table.writerow(["group", "name", "measure", "value"])
    table.writerows(_records(shown))
    return response


def _records(shown: Numbers) -> list[tuple[str, str, str, int | float]]:
    totals = (
        "received",
        "open",
        "closed",
        "refused",
        "overdue",
        "images_deleted",
        "images_open",
        "orders",
        "orders_open",
        "images_deleted_by_order",
        "removals_purged",
        "removals_purged_log_unseen",
    )
    rows: list[tuple[str, str, str, int | float]] = [("total", name, "count", getattr(shown, name)) for name in totals]
    rows += [("state", state, "cases", cases) for state, cases in sorted(shown.states.items())]
    for place in shown.places:
        rows.append(("place", f"{place.place} {place.statute}", "received", place.received))
        rows.append(("place", f"{place.place} {place.statute}", "open", place.open))
    for week in shown.weeks:
        for measure in ("received", "closed"):
            rows.append(("week", week.starts_on.isoformat(), measure, getattr(week, measure)))
    if shown.blocks is not None:
        rows.append(("total", "blocks", "count_rounded", shown.blocks))
    for month in shown.kept_out:
        told = {"images_asked_rounded": month.asked, "images_refused_rounded": month.refused}
        rows += [("month", month.month.isoformat(), measure, n) for measure, n in told.items() if n is not None]
    for name, timing in sorted(shown.times.items()):
        rows.append(("time", name, "measured", timing.measured))
        rows.append(("time", name, "median_seconds", round(timing.median.total_seconds(), 1)))
        rows.append(("time", name, "nine_in_ten_seconds", round(timing.nine_in_ten.total_seconds(), 1)))
    return rows


def _states(shown: Numbers) -> list[tuple[str, int]]:
    names = {"open": _("Open"), "closed": _("Closed"), "refused": _("Refused")}
    return [(names[state], cases) for state, cases in shown.states.items() if cases]


def _place(code: str) -> str:
    return str(places.NAMES.get(code, code))


@dataclass(frozen=True)
class Time:
    label: str
    measured: int
    median: str
    nine_in_ten: str
    promise: str
    kept: bool | None  # whether nine in ten stay within the promise; None where none was made or nothing measured


def _times(shown: Numbers) -> list[Time]:
    promised = {
        "hidden": deadlines.HIDDEN_WITHIN,
        "removed": deadlines.REMOVED_WITHIN,
        "purged": deadlines.PURGED_WITHIN,
    }
    labels = {
        "closed": _("From received to closed"),
        "hidden": _("From approved to hidden from search"),
        "removed": _("From approved to removed from every store"),
        "purged": _("From approved to purged from data files"),
    }
    return [_time(labels[name], shown.times.get(name), promised.get(name)) for name in labels]


def _time(label: str, timing: Timing | None, promise: timedelta | None) -> Time:
    promised = "" if promise is None else duration(promise)
    if timing is None:
        return Time(label, 0, "–", "–", promised, None)
    kept = None if promise is None else timing.nine_in_ten <= promise
    return Time(label, timing.measured, duration(timing.median), duration(timing.nine_in_ten), promised, kept)
