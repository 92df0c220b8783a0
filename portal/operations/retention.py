"""Carries out the retention table (policies.retention): nothing is kept longer than its row says."""

from datetime import UTC

from django.contrib.sessions.models import Session
from django.db.models import Q

from matching import service
from portal.backups import files
from portal.blocks import recovery
from portal.blocks import work as blocks
from portal.cases import personal
from portal.cases import work as cases
from portal.cases.models import Case, Code
from portal.cases.states import State
from portal.core import clock, limits
from portal.jobs import queue
from portal.jobs import run as jobs
from portal.operations import requeue
from portal.policies import deadlines, retention, statutes


def run(_hour: str) -> None:
    now = clock.now()
    drafts = Case.objects.filter(state=State.DRAFT, opened_at__lt=now - retention.DRAFT.kept_for)
    drafts.filter(has_keys=False).delete()  # nothing of them was ever recorded
    personal.forget_days()
    for code in drafts.values_list("pk", flat=True):
        queue.enqueue("case.expire", code)
    kept = Q(photos__isnull=False) | Q(probes__isnull=False)
    # In the time zone that is ahead of all others, the date is at most a day later than in UTC.
    for case in Case.objects.filter(kept, due_on__lte=now.astimezone(UTC).date()).distinct():
        if case.due_on and deadlines.is_over(case.due_on, now, statutes.PLACES[case.place]):
            cases.forget_overdue(case)
    blocks.end_terms()
    recovery.forget_asked(older_than=retention.LOST_CODE.kept_for)
    requeue.pick_up()
    limits.forget_ended()
    Code.objects.filter(expires_at__lt=now).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    jobs.forget_done(older_than=retention.JOB.kept_for)
    service.clear_leftovers()
    files.forget_old()
