"""Tells somebody: every trouble is in the log each hour; it is mailed when it is new, and once a day while it lasts."""

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.attention import troubles
from portal.attention.models import Alert
from portal.attention.troubles import Trouble
from portal.core import clock, mailing
from portal.policies import timetable

log = structlog.get_logger()


def tell(_hour: str) -> None:
    """Errors: mailing.Undeliverable, OSError; then nobody counts as told, and the next hour tries again."""
    found = troubles.all_of_them()
    for trouble in found:
        log.warning("needs_attention", kind=trouble.kind, count=trouble.count, since=trouble.since)
    with transaction.atomic():
        Alert.objects.exclude(kind__in=[trouble.kind for trouble in found]).delete()
        told_lately = Alert.objects.filter(told_at__gt=clock.now() - timetable.ALERT_AGAIN_AFTER)
        told = set(told_lately.values_list("kind", flat=True))
        untold = [trouble for trouble in found if trouble.kind not in told]
        for trouble in untold:
            Alert.objects.update_or_create(kind=trouble.kind, defaults={"told_at": clock.now()})
        if untold and settings.ALERTS_TO:
            _mail(untold)


def _mail(untold: list[Trouble]) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        context = {
            "troubles": untold,
            "count": len(untold),
            "system_url": f"{settings.SITE_URL}{reverse('staff:system')}",
        }
        subject = render_to_string("mail/alert.subject.txt", context).strip()
        text = render_to_string("mail/alert.txt", context)
    mailing.deliver(EmailMessage(subject, text, to=[settings.ALERTS_TO]))
