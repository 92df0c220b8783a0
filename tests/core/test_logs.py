"""What goes wrong is logged with its class and place, never with what it went wrong on."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from celery import Celery
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from gunicorn.config import Config

from portal import urls
from portal.accounts.models import Role, User
from portal.core import logs

ADDRESS = "ana.tremblay@example.org"
WHERE = "test_logs.py:"


def ends_badly(_request: HttpRequest, way: str) -> HttpResponse:
    if way == "twice":  # PostgreSQL quotes the row that is there already
        for _ in range(2):
            User.objects.create(name=ADDRESS, role=Role.STAFF, password="x" * 12)
    if way == "suspicious":
        raise SuspiciousOperation(f"{ADDRESS} is not allowed")
    raise ValueError(f"cannot read {ADDRESS}")


urlpatterns = [path("fail/<str:way>/", ends_badly), *urls.urlpatterns]


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the process writes to its log."""
    ours = [each for each in logging.getLogger().handlers if isinstance(each.formatter, logs.Line)]
    (handler,) = ours
    assert isinstance(handler, logging.StreamHandler)
    log = StringIO()
    former = handler.setStream(log)
    yield log
    handler.setStream(former)


@pytest.mark.urls(__name__)
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("way", "kind"),
    [("plain", "builtins.ValueError"), ("twice", "psycopg.errors.UniqueViolation"), ("suspicious", "Suspicious")],
)
def test_a_page_that_fails_names_nobody(written: StringIO, way: str, kind: str) -> None:
    Client(raise_request_exception=False).get(f"/fail/{way}/?contact={ADDRESS}")
    log = written.getvalue()
    assert kind in log
    assert WHERE in log
    assert "tremblay" not in log
    assert "/fail/" not in log
    assert "DETAIL" not in log


@pytest.mark.parametrize(
    "message",
    [
        ("could not write to %s", ADDRESS),
        ("GET /en/staff/?reference=7K3M-Q9TX by %s", ADDRESS),
        ("failed: %s", ValueError(ADDRESS)),
        ("Invalid URL https://photos.example/tremblay.jpg", None),
        (ValueError(ADDRESS), None),
    ],
)
def test_a_message_holds_neither_path_nor_address(written: StringIO, message: tuple[object, object]) -> None:
    text, arg = message
    logging.getLogger("somebody.else").warning(text, *([arg] if arg else []))
    log = written.getvalue()
    assert "WARNING somebody.else" in log
    assert "tremblay" not in log
    assert "7K3M" not in log


def test_numbers_and_names_stay_readable(written: StringIO) -> None:
    logging.getLogger("portal").warning("worker %s gave up after %d tries, %.1f s", "one", 3, 0.25)
    assert written.getvalue().endswith("Z WARNING portal worker one gave up after 3 tries, 0.2 s\n")
    logging.getLogger("portal").warning("Listening at: %s (%d)", "http://127.0.0.1:80,http://[::1]:80", 12)
    assert written.getvalue().endswith("Listening at: http://127.0.0.1:80,http://[::1]:80 (12)\n")


def test_a_text_that_quotes_its_error_names_it_instead(written: StringIO) -> None:
    try:
        raise ValueError("Ana Tremblay, 1987")
    except ValueError as error:
        logging.getLogger("portal").exception(f"gave up: {error}")
    assert "gave up: ValueError" in written.getvalue()
    assert "Tremblay" not in written.getvalue()


def test_what_only_an_operator_can_mend_is_told(written: StringIO) -> None:
    for error in (ImproperlyConfigured("SECRET_KEY is not set."), OSError(28, "no room", "/srv/images/tremblay.jpg")):
        try:
            raise error
        except Exception:
            logging.getLogger("portal").exception("start failed")
    log = written.getvalue()
    assert "SECRET_KEY is not set." in log
    assert "No space left on device" in log
    assert "tremblay" not in log


def test_a_task_that_fails_names_nobody(written: StringIO) -> None:
    app = Celery("test", broker="memory://", set_as_current=False)

    @app.task(name="fails")
    def fails(address: str) -> None:
        raise ValueError(f"no such address: {address}")

    fails.apply((ADDRESS,))
    log = written.getvalue()
    assert "Task fails[" in log
    assert "builtins.ValueError" in log
    assert "tremblay" not in log


def test_the_web_servers_own_log_has_the_same_form() -> None:
    logger = logs.WebLogger(Config())
    assert logger.error_log.handlers
    assert all(isinstance(handler.formatter, logs.Line) for handler in logger.error_log.handlers)
