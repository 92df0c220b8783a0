"""`manage.py accounts`: who signs in is made, disabled and changed at a terminal, and each change is in the trail."""

import os
import pty
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from portal.accounts.models import Role, User
from portal.audit.models import Entry
from portal.audit.tags import Tag

pytestmark = pytest.mark.django_db
PROJECT = Path(__file__).resolve().parents[2]


def accounts(*arguments: str) -> str:
    output = StringIO()
    call_command("accounts", *arguments, stdout=output)
    return output.getvalue()


def password_in(said: str) -> str:
    found = re.search(r"shown this once: (\S+)", said)
    assert found is not None
    return found[1]


def signs_in(name: str, password: str) -> bool:
    return Client().post("/en/staff/sign-in/", {"name": name, "password": password}).status_code == 302


def audited() -> list[tuple[str, str]]:
    return list(Entry.objects.filter(tag__startswith="operator:").order_by("pk").values_list("tag", "about"))


def test_a_new_account_signs_in_with_the_password_that_was_shown_once() -> None:
    password = password_in(accounts("create", "mia", "--role", "staff", "--random"))
    account = User.objects.get(name="mia")
    assert len(password) >= 20
    assert (account.role, account.is_active) == (Role.STAFF, True)
    assert signs_in("mia", password)
    assert audited() == [(Tag.ACCOUNT_CREATED, str(account.pk))]
    assert password not in str(list(Entry.objects.values()))
    assert "mia" not in str(list(Entry.objects.values()))


def test_it_lists_everybody_with_role_and_state() -> None:
    accounts("create", "mia", "--role", "staff", "--random")
    accounts("create", "rex", "--role", "regulator", "--mail", "rex@example.org", "--random")
    accounts("disable", "rex")
    first, second = accounts("list").splitlines()
    assert first.split()[:2] == ["mia", "staff"]
    assert second.split()[:2] == ["rex", "regulator"]
    assert second.endswith("disabled")
    assert User.objects.get(name="rex").mail == "rex@example.org"


def test_staff_are_made_senior_and_junior_again_and_nobody_else(rita: User) -> None:
    accounts("create", "mia", "--role", "staff", "--random")
    account = User.objects.get(name="mia")
    assert not account.is_supervisor
    accounts("senior", "mia")
    assert User.objects.get(name="mia").is_supervisor
    assert "senior" in accounts("list")
    accounts("junior", "mia")
    assert not User.objects.get(name="mia").is_supervisor
    assert audited()[1:] == [(Tag.ACCOUNT_SENIORITY_CHANGED, str(account.pk))] * 2
    with pytest.raises(CommandError, match="not of staff"):
        accounts("senior", "rita")


def test_whoever_is_disabled_is_signed_out_and_may_come_back(client: Client) -> None:
    password = password_in(accounts("create", "mia", "--role", "staff", "--random"))
    client.post("/en/staff/sign-in/", {"name": "mia", "password": password})
    assert client.get("/en/staff/").status_code == 200
    accounts("disable", "mia")
    assert client.get("/en/staff/").status_code == 302
    assert not signs_in("mia", password)
    accounts("enable", "mia")
    assert signs_in("mia", password)
    assert [tag for tag, _about in audited()][1:] == [Tag.ACCOUNT_DISABLED, Tag.ACCOUNT_ENABLED]


def test_a_new_password_ends_the_old_one_and_its_sessions(client: Client) -> None:
    old = password_in(accounts("create", "mia", "--role", "staff", "--random"))
    client.post("/en/staff/sign-in/", {"name": "mia", "password": old})
    new = password_in(accounts("reset", "mia", "--random"))
    assert client.get("/en/staff/").status_code == 302
    assert not signs_in("mia", old)
    assert signs_in("mia", new)
    assert audited()[-1][0] == Tag.ACCOUNT_PASSWORD_RESET


def test_another_role_opens_other_pages(client: Client) -> None:
    password = password_in(accounts("create", "mia", "--role", "staff", "--random"))
    client.post("/en/staff/sign-in/", {"name": "mia", "password": password})
    accounts("role", "mia", "regulator")
    assert client.get("/en/staff/").status_code == 404
    entry = Entry.objects.get(tag=Tag.ACCOUNT_ROLE_GIVEN)
    assert entry.detail == {"role": "regulator", "before": "staff"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "mia", "--role", "staff"], "add --random"),  # no terminal
        (["create", "SAM", "--role", "staff", "--random"], "There is an account SAM already"),
        (["create", " ", "--role", "staff", "--random"], "1 to 80 printable characters"),
        (["create", "rex", "--role", "regulator", "--mail", "rex", "--random"], "valid email"),
        (["reset", "nobody", "--random"], "There is no account nobody"),
        (["disable", "nobody"], "There is no account nobody"),
        (["create", "mia", "--role", "king", "--random"], "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(sam: User, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        accounts(*arguments)
    assert User.objects.count() == 1
    assert audited() == []


@pytest.mark.parametrize(
    ("command", "instead"),
    [("createsuperuser", "manage.py accounts create"), ("changepassword", "manage.py accounts reset")],
)
def test_djangos_own_commands_say_what_to_use_instead(command: str, instead: str) -> None:
    with pytest.raises(CommandError, match=instead):
        call_command(command)


def test_at_a_terminal_it_asks_and_refuses_a_weak_password() -> None:
    """Over a real terminal; nothing is written, since the password is refused before."""
    terminal, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", "accounts", "create", "mia", "--role", "staff"],
        cwd=PROJECT,
        env={**os.environ, **database_of_the_test()},
        stdin=other,
        stdout=other,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as asked:
        assert asked.stderr is not None
        said = ""
        while not said.endswith("Password: ") and (more := asked.stderr.read(1)):
            said += more
        os.write(terminal, b"short\n")
        said += asked.stderr.read()
    os.close(other)
    os.close(terminal)
    assert asked.returncode == 1
    assert "This password is too short" in said


def database_of_the_test() -> dict[str, str]:
    there = os.environ["DATABASE_URL"]
    return {"DATABASE_URL": there.replace("/postgres?", f"/{connection.settings_dict['NAME']}?")}
