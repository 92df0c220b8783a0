"""Which headers of a request are believed, and what every answer says that our pages may do."""

from ipaddress import ip_network

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("proxies", "status"), [([], 301), (["127.0.0.1/32"], 200), (["10.0.0.0/8"], 301)])
def test_only_a_trusted_proxy_says_that_a_request_came_over_tls(
    settings: Settings, proxies: list[str], status: int
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = [ip_network(proxy) for proxy in proxies]
    answer = Client().get("/en/", HTTP_X_FORWARDED_PROTO="https")
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/en/", "/healthz", "/nothing-here", "/static/portal.css"])
def test_every_answer_grants_the_camera_to_our_own_pages_and_nothing_to_anybody(path: str) -> None:
    answer = Client().get(path)
    answer.close()
    granted = dict(part.split("=") for part in answer["Permissions-Policy"].split(", "))
    assert granted.pop("camera") == "(self)"
    assert {"microphone", "geolocation", "payment", "usb", "display-capture"} <= granted.keys()
    assert set(granted.values()) == {"()"}
