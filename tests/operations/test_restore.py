"""A drill: a backup from before a deletion is restored with the portal's own commands, and nothing reappears."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests import environment

ROOT = Path(__file__).resolve().parents[2]

# Two images, a case that wants one of them gone, and a case that goes on.
WORLD = """
import json
from matching import service
from portal.cases.states import State
from tests.builders import indexed_image, make_case
gone, kept = indexed_image(), indexed_image()
case = make_case(State.RECEIVED, addresses=[service.provenance([gone])[gone].page])
other = make_case(State.REVIEW, address="bo@example.org")
print(json.dumps({"gone": str(gone), "kept": str(kept), "case": str(case.code), "other": str(other.code)}))
"""
# As workers would: removed, read back, purged; the case closed and its key destroyed.
REMOVE = """
from uuid import UUID
from portal.cases import forget, moves
from portal.cases.models import Case
from portal.cases.states import State
from portal.jobs import run
from portal.takedowns.removals import open_removal
case = Case.objects.get(pk=UUID("{case}"))
open_removal(case.code, [UUID("{gone}")], then="case.settle", at_last="case.close")
run.drain()
for to in (State.ERASING, State.SETTLED, State.CLOSED):
    case.refresh_from_db()
    moves.move(case, to)
forget.key(case)
"""
LOOK = """
import json
from uuid import UUID
from django.test import Client
from matching import service
from matching.types import Store
from portal.cases.models import Case
print(json.dumps({{
    "gone": [store.value for store in Store if service.present(UUID("{gone}"), store)],
    "kept": [store.value for store in Store if service.present(UUID("{kept}"), store)],
    "behind": service.is_behind(),
    "case": Case.objects.get(pk=UUID("{case}")).state,
    "other": Case.objects.get(pk=UUID("{other}")).state,
    "page": Client(SERVER_NAME="localhost").get("/en/").status_code,
}}))
"""


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The environment of an installation that nobody else uses: commands run as they do from a shell."""
    name = f"restore_{uuid4().hex}"
    owner = os.environ["DATABASE_OWNER_URL"]
    url = urlunsplit(urlsplit(owner)._replace(path=f"/{name}"))
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    databases = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REGULATOR_URL"), url)
    places = {"KEY_STORE": str(tmp_path / "keys"), "IMAGE_STORE": f"file://{tmp_path / 'images'}"}
    yield {
        **os.environ,
        **databases,
        **places,
        "TOMBSTONES": str(tmp_path / "tombstones"),
        "EMAIL_URL": f"file://{tmp_path / 'mail'}",
        "COOLING_SECONDS": "0",
    }
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def attempt(env: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def manage(env: Mapping[str, str], *arguments: str) -> str:
    done = attempt(env, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(env: Mapping[str, str], script: str) -> Any:
    lines = manage(env, "shell", "--verbosity", "0", "-c", script).splitlines()
    return json.loads(lines[-1]) if lines else None


def test_a_backup_from_before_a_deletion_brings_nothing_back(own_database: Mapping[str, str], tmp_path: Path) -> None:
    env, backup = own_database, tmp_path / "backup.dump"
    # Roles belong to the whole server, which parallel test processes share.
    with (environment.folder() / "roles.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manage(env, "migrate", "--database", "owner", "--verbosity", "0")
        manage(env, "roles")
        world = shell(env, WORLD)
        manage(env, "backup", str(backup))
        shell(env, REMOVE.format(**world))
        before = shell(env, LOOK.format(**world))
        damaged = tmp_path / "damaged.dump"
        damaged.write_bytes(backup.read_bytes()[:-2000])
        refused = attempt(env, "restore", str(damaged), "--yes")
        unchanged = shell(env, LOOK.format(**world))
        said = manage(env, "restore", str(backup), "--yes")
        after = shell(env, LOOK.format(**world))
    everywhere = ["index", "images", "derived"]
    assert (before["gone"], before["kept"], before["behind"]) == ([], everywhere, False)
    assert (before["case"], before["other"], before["page"]) == ("closed", "review", 200)
    assert refused.returncode != 0
    assert "Nothing was changed" in refused.stderr
    assert unchanged == before
    assert after == before
    assert "1 erased images looked for, 1 had come back and were erased again" in said
    assert "1 cases whose keys were destroyed since are closed again" in said


def test_a_database_restored_by_hand_serves_nothing_until_the_sweep(own_database: Mapping[str, str]) -> None:
    """Nobody ran the command: what is outside the database alone knows better."""
    env = own_database
    with (environment.folder() / "roles.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manage(env, "migrate", "--database", "owner", "--verbosity", "0")
    world = shell(env, WORLD)
    Path(env["TOMBSTONES"]).mkdir()
    (Path(env["TOMBSTONES"]) / "tombstones").write_text(f"2026-01-01T00:00:00+00:00 gone {world['gone']}\n")
    closed = shell(env, LOOK.format(**world))
    assert closed["behind"]
    assert closed["page"] == 503
    shell(env, "from portal.operations.tasks import sweep; sweep()")
    opened = shell(env, LOOK.format(**world))
    assert (opened["gone"], opened["behind"], opened["page"]) == ([], False, 200)
