"""How the machinery does: the face pack, the index, the workers, and what waits for a person."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from matching import service
from matching.errors import PackError
from portal.accounts.access import StaffRequest, staff_required
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import queries
from portal.core import clock
from portal.core.faults import IllegalMove, Stale
from portal.jobs import queue
from portal.jobs.models import Heartbeat, Job
from portal.jobs.models import State as JobState
from portal.ledger import publication, signers
from portal.ledger.models import Leaf, Position
from portal.orders.models import Order
from portal.policies import operations
from portal.staff import labels
from portal.takedowns import overdue, removals
from portal.takedowns.models import Step, Takedown
from portal.takedowns.states import StepState

SHOWN = 50


@require_safe
@staff_required
def system(request: StaffRequest) -> HttpResponse:
    jobs = dict(Job.objects.values_list("state").annotate(count=Count("pk")).order_by())
    steps = Step.objects.filter(state=StepState.STUCK).select_related("takedown__removal")[:SHOWN]
    unhidden = removals.unhidden()[:SHOWN]
    origins = _origins([*(step.takedown for step in steps), *unhidden], by=request.user)
    oldest = Job.objects.filter(state=JobState.DUE, run_at__lte=clock.now()).order_by("run_at").first()
    context = {
        "here": "system",
        **_pack(),
        **_ledger(),
        "index_size": service.index_size(),
        "beats": [
            (labels.part_name(beat.part), beat.at, beat.at > clock.now() - operations.SILENT_AFTER)
            for beat in Heartbeat.objects.order_by("part")
        ],
        "waiting": jobs.get(JobState.DUE, 0),
        "running": jobs.get(JobState.RUNNING, 0),
        "oldest": oldest,
        "dead": [
            (job, labels.job_name(job.kind))
            for job in Job.objects.filter(state=JobState.DEAD).order_by("-created_at")[:SHOWN]
        ],
        "late": [(found, *labels.broken_promise(found.promise)) for found in overdue.overdue_promises()],
        "stuck_stores": [(store, labels.store_name(store), images) for store, images in _stuck_stores() if images > 1],
        "stuck": [(step, labels.store_name(step.store), origins[step.takedown.removal.origin]) for step in steps],
        "unhidden": [(takedown, origins[takedown.removal.origin]) for takedown in unhidden],
    }
    return render(request, "staff/system.html", context)


def _stuck_stores() -> list[tuple[str, int]]:
    """Each store, and search, with how many images it is stuck at."""
    steps = Step.objects.filter(state=StepState.STUCK).values_list("store").annotate(steps=Count("pk"))
    return [(removals.SEARCH, removals.unhidden().count()), *steps.order_by("store")]


def _origins(takedowns: Iterable[Takedown], *, by: User) -> dict[UUID, str]:
    """Whether an order or a case of theirs decided these; empty where whoever looks may open neither."""
    ids = {takedown.removal.origin for takedown in takedowns}
    orders = set(Order.objects.filter(pk__in=ids).values_list("pk", flat=True))
    cases = set(queries.cases_of(by).filter(pk__in=ids).values_list("pk", flat=True))
    return {origin: "order" if origin in orders else "case" if origin in cases else "" for origin in ids}


def _pack() -> dict[str, Any]:
    """The pack as far as it can be read, and why it cannot be used."""
    shown: dict[str, Any] = {}
    try:
        shown["pack"] = service.pack()
        shown["thresholds"] = service.thresholds(1)
    except PackError as fault:
        shown["pack_fault"] = str(fault)
    return shown


def _ledger() -> dict[str, Any]:
    """The newest checkpoint, whether a publication was missed, and what keeps the log from being signed."""
    newest = publication.latest()
    late = clock.now() - 2 * settings.PUBLISH_EVERY
    due = Leaf.objects.filter(appended_at__lt=late).order_by("-pk").first()
    waits = due is not None and not Position.objects.filter(leaf=due).exists()
    return {"checkpoint": newest, "ledger_late": waits, "ledger_held": signers.head() is None}


@require_POST
@staff_required
def retry_job(request: StaffRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(Job, pk=pk)
    with transaction.atomic():
        retried = queue.retry(job)
        if retried:
            append.append(Tag.JOB_RETRIED, about=job.pk, actor=request.user.pk, kind=job.kind)
    _say(request, retried)
    return redirect("staff:system")


@require_POST
@staff_required
def retry_step(request: StaffRequest, pk: int) -> HttpResponse:
    step = get_object_or_404(Step, pk=pk)
    return _retried(request, lambda: removals.retry(step, by=request.user.pk))


@require_POST
@staff_required
def retry_takedown(request: StaffRequest, pk: int) -> HttpResponse:
    """Hide again what search kept returning."""
    takedown = get_object_or_404(Takedown, pk=pk)
    return _retried(request, lambda: removals.retry_hiding(takedown, by=request.user.pk))


def _retried(request: StaffRequest, retry: Callable[[], None]) -> HttpResponse:
    try:
        retry()
    except (IllegalMove, Stale):
        _say(request, False)
    else:
        _say(request, True)
    return redirect("staff:system")


@require_POST
@staff_required
def retry_store(request: StaffRequest) -> HttpResponse:
    """Everything that one store is stuck at: after it was away, that may be thousands of images."""
    _say(request, bool(removals.retry_store(request.POST.get("store", ""), by=request.user.pk)))
    return redirect("staff:system")


def _say(request: StaffRequest, retried: bool) -> None:
    if retried:
        messages.success(request, _("It will be tried again."))
    else:
        messages.warning(request, _("Nothing was changed: it no longer waits for a person."))
