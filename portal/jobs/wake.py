"""Waking the workers is a courtesy: when the broker is away, the next sweep finds the work."""

import structlog

from portal.celery import app

log = structlog.get_logger()


def workers() -> None:
    try:
        app.send_task("portal.drain", ignore_result=True, retry=False)
    except Exception as error:  # whatever a broker or its library raises: the transaction has been committed
        log.warning("wake_failed", error=type(error).__name__)
