"""Carries out the retention table (policies.retention): nothing is kept longer than its row says."""

from django.contrib.sessions.models import Session

from matching import service
from portal.cases import forget
from portal.cases.models import Case, Code
from portal.cases.states import ENDED, State
from portal.core import clock, limits
from portal.jobs import queue
from portal.jobs import run as jobs
from portal.policies import retention


def run(_hour: str) -> None:
    now = clock.now()
    drafts = Case.objects.filter(state=State.DRAFT, opened_at__lt=now - retention.DRAFT.kept_for)
    for code in drafts.values_list("pk", flat=True):
        queue.enqueue("case.expire", code)
    for case in Case.objects.filter(photo__isnull=False, due_on__lt=clock.today()):
        forget.photo(case)
    # What ended and still is not closed has lost its job, or waited for something that came without a word.
    for code in Case.objects.filter(state__in=ENDED, slot_at__lt=now).values_list("pk", flat=True):
        queue.enqueue("case.close", code)
    for code in Case.objects.filter(state=State.ERASING).values_list("pk", flat=True):
        queue.enqueue("case.settle", code)
    queue.enqueue("removals.purge", "all")
    limits.forget_ended()
    Code.objects.filter(expires_at__lt=now).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    jobs.forget_done(older_than=retention.JOB.kept_for)
    service.clear_leftovers()
