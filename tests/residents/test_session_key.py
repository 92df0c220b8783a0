"""Whoever enters gets a new session key, so that a key which somebody else planted in the browser gains nothing."""

from collections.abc import Callable
from importlib import import_module

import pytest
from django.conf import settings
from django.test import Client

from portal.blocks import codes
from portal.cases.models import Route
from portal.cases.states import State
from tests import builders
from tests.builders import mailed_code

pytestmark = pytest.mark.django_db
Entry = Callable[[Client], None]


def begin_a_request(client: Client) -> None:
    assert client.post("/en/request/place/", {"place": "CA-ON"})["Location"] == "/en/request/contact/"


def come_back_with_a_code(client: Client) -> None:
    case = builders.make_case(State.RECEIVED)
    client.post("/en/status/", {"reference": case.reference, "contact": "ana@example.org"})
    assert client.post("/en/status/code/", {"code": mailed_code(case)})["Location"] == "/en/status/case/"


def enter_a_keep_out_code(client: Client) -> None:
    case = builders.make_case(State.RECEIVED, route=Route.PHOTO, keep_out=True)
    answer = client.post("/en/keep-out/", {"code": codes.of(case.key_id)})
    assert answer["Location"] == "/en/keep-out/yours/"


@pytest.mark.parametrize("enter", [begin_a_request, come_back_with_a_code, enter_a_keep_out_code])
def test_a_planted_key_opens_nothing(enter: Entry) -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    planted = store()
    planted["planted"] = True
    planted.save()
    victim = Client()
    victim.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
    enter(victim)
    entered = victim.cookies[settings.SESSION_COOKIE_NAME].value
    assert entered != planted.session_key
    assert set(store(session_key=entered).load()) > {"planted"}
    assert not store().exists(planted.session_key)
