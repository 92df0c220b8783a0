"""An application for tests of the web server: says how much of the body reached it, or takes its time."""

import time
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    told = f"{environ.get('CONTENT_LENGTH', '')} {len(environ['wsgi.input'].read())}"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(told)))])
    return [told.encode()]
