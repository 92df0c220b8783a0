"""Celery executes; the queue is the job table (portal.jobs). A lost message costs at most one sweep."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings
from django.utils.log import configure_logging
from kombu.transport import TRANSPORT_ALIASES

from portal.core import env
from portal.policies import timetable

app = Celery("portal")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    imports=["portal.operations.tasks"],
    beat_schedule={
        "sweep": {"task": "portal.sweep", "schedule": settings.SWEEP_SECONDS},
        "hourly": {"task": "portal.hourly", "schedule": timetable.RETENTION_RUN_EVERY},
    },
    timezone=settings.TIME_ZONE,
)
# In place of kombu's own transport of this name, whose messages ended workers.
TRANSPORT_ALIASES["filesystem"] = "portal.jobs.folder_broker:Transport"
if settings.CELERY_BROKER_URL.startswith("filesystem://"):
    app.conf.broker_transport_options = {"folder": str(settings.BROKER_FOLDER)}


@celeryd_init.connect
@beat_init.connect
def refuse_what_is_unsafe(**_kwargs: Any) -> None:
    """SystemExit, because Celery only writes a line about an exception, and goes on."""
    if fault := env.unsafe(
        site_url=settings.SITE_URL, secret_key=settings.SECRET_KEY, demo=settings.DEMO, debug=settings.DEBUG
    ):
        raise SystemExit(fault)


@setup_logging.connect
def write_log(*, loglevel: int, **_kwargs: Any) -> None:
    """Celery's own handlers would write what an error says; with a receiver of this signal it adds none."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    logging.getLogger().setLevel(loglevel)
