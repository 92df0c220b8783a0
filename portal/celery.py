"""Celery executes; the queue is the job table (portal.jobs). A lost message costs at most one sweep."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings
from django.utils.log import configure_logging

from portal.core import env

app = Celery("portal")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    imports=["portal.operations.tasks"],
    beat_schedule={
        "sweep": {"task": "portal.sweep", "schedule": settings.SWEEP_SECONDS},
        "hourly": {"task": "portal.hourly", "schedule": 3600},
    },
    timezone=settings.TIME_ZONE,
)
if settings.CELERY_BROKER_URL.startswith("filesystem://"):
    folder = settings.BROKER_FOLDER
    for name in ("queue", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.2,
    }


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
