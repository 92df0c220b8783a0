"""One line of log that names what failed and where, and nothing of what it failed on.

The text of an exception quotes what it was given: PostgreSQL writes the whole key of a duplicate row, a parser the
line it stumbled over. A path may hold a reference. So neither is ever written.
"""

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging

HIDDEN = "…"
# Raised before there is any visitor, with words of our own or of Python's, which say what to mend.
_HARMLESS = (ImproperlyConfigured, ImportError)
# What Celery hands its log about a task besides the task's name and number.
_OF_TASKS = ("exc", "traceback", "args", "kwargs", "return_value")
_LOCAL_PATH = re.compile(r"(?<![\w:/])/\S+")
_PATH_OF_SITE = re.compile(r"(https?://[^/\s,]+)/[^\s,]*")
_MAIL_ADDRESS = re.compile(r"\S+@\S+")


class Line(logging.Formatter):
    """Time (UTC), level, logger and message without paths; of an exception its class and the places it passed."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record)} {record.levelname} {record.name} {_message(record)}".rstrip()
        return "\n".join([head, *(line for error in _chain(record) for line in _told(error))])


class WebLogger(glogging.Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's own log, in the same form."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(Line())


def _message(record: logging.LogRecord) -> str:
    # These messages quote what was sent; the logger is named after the kind of attempt.
    if record.name.startswith("django.security"):
        return ""
    text = _filled(record)
    for error in _chain(record):
        if str(error):
            text = text.replace(str(error), type(error).__name__)
    for pattern, shown in ((_PATH_OF_SITE, r"\1"), (_LOCAL_PATH, HIDDEN), (_MAIL_ADDRESS, HIDDEN)):
        text = pattern.sub(shown, text)
    return " ".join(text.split())


def _filled(record: logging.LogRecord) -> str:
    template, args = str(_plain(record.msg)), record.args
    try:
        if isinstance(args, Mapping):
            return template % {name: HIDDEN if name in _OF_TASKS else _plain(arg) for name, arg in args.items()}
        return template % tuple(_plain(arg) for arg in args) if args else template
    except (TypeError, ValueError, KeyError):
        return template


def _plain(value: object) -> object:
    return type(value).__name__ if isinstance(value, BaseException) else value


def _chain(record: logging.LogRecord) -> Iterator[BaseException]:
    """The exception, then what it was raised from, and so on."""
    error = record.exc_info[1] if record.exc_info else None
    met: set[int] = set()
    while error is not None and id(error) not in met:
        met.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told(error: BaseException) -> Iterator[str]:
    kind = type(error)
    yield f"  {kind.__module__}.{kind.__qualname__}{_reason(error)}"
    for file, line in _places(error.__traceback__):
        yield f"    {file}:{line}"


def _reason(error: BaseException) -> str:
    if isinstance(error, _HARMLESS):
        return f": {error}"
    # Of a failed file operation the kind of failure, without the name of the file.
    return f": {os.strerror(error.errno)}" if isinstance(error, OSError) and error.errno else ""


def _places(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
