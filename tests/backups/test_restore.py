"""A drill: a backup from before a deletion is restored with the portal's own commands, and nothing reappears."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from portal.local.embedded import Cluster
from tests import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# Two images, a case that wants one of them gone, and a case that goes on.
WORLD = """
import json
from matching import service
from portal.cases.states import State
from tests.builders import indexed_image, make_case
gone, kept = indexed_image(), indexed_image()
case = make_case(State.RECEIVED, addresses=[service.provenance_of([gone])[gone].page])
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
open_removal(case.code, [UUID("{gone}")], job_when_removed="case.settle", job_when_purged="case.close")
run.drain()
for to in (State.REVIEW, State.ERASING, State.SETTLED, State.CLOSED):
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


# Other tests may have made them as superuser; in an installation their owner has made them, and may change them.
ROLES_ARE_THE_OWNERS = """
DO $$ DECLARE role text; BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolname IN ('takedown_app', 'takedown_regulator') LOOP
        EXECUTE format('GRANT %I TO takedown_owner WITH ADMIN OPTION', role);
    END LOOP;
END $$
"""


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The environment of an installation that nobody else uses: commands run as they do from a shell."""
    name = f"restore_{uuid4().hex}"
    superuser = os.environ["DATABASE_OWNER_URL"]
    cluster = Cluster(environment.folder() / "postgresql")
    # Its role and its password belong to the whole server, which parallel test processes share.
    with (environment.folder() / "roles.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster.create_database(name)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(ROLES_ARE_THE_OWNERS)
    url = cluster.owner_url(name)
    databases = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REGULATOR_URL"), url)
    places = {"KEY_STORE": str(tmp_path / "keys"), "IMAGE_STORE": f"file://{tmp_path / 'images'}"}
    yield {
        **os.environ,
        **databases,
        **places,
        "TOMBSTONES": str(tmp_path / "tombstones"),
        "EMAIL_URL": f"file://{tmp_path / 'mail'}",
        "COOLING_SECONDS": "0",
        "CRAWLER_TOKEN": "crawler-token",
    }
    with psycopg.connect(superuser, autocommit=True) as connection:
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


# Before the backup: three images to be removed, and the block of somebody who takes it back afterwards.
BEFORE = """
import json
from uuid import uuid4
from matching import service
from portal.accounts.models import Role, User
from portal.blocks import choices
from portal.blocks.models import Choice
from portal.core import clock, keys
from portal.takedowns.removals import open_removal
from tests.builders import indexed_image
from tests.matching.builders import unit_rows
User.objects.create(name="sam", role=Role.STAFF, password="x")
held, freed, gone = (indexed_image() for _ in range(3))
open_removal(uuid4(), [held, freed, gone], job_when_removed="hold.over", job_when_purged="hold.over")
case = uuid4()
keys.create(case)
choices.choose(case, key_id=case)
choices.begin(case, at=clock.now(), may_see_count=False)
block = Choice.objects.get(case=case).block
service.block(block, unit_rows(1, seed=1))
page = service.identifiers_of([gone])[gone].page
print(json.dumps({"held": str(held), "freed": str(freed), "gone": str(gone), "taken_back": str(block), "page": page,
    "edition": str(service.refused_list_edition())}))
"""
# Since: a hold that stays and one that was released again, a deletion, a block made and one taken back.
SINCE = """
import json
from uuid import UUID, uuid4
from matching import service
from portal.accounts.models import Role, User
from portal.blocks import choices
from portal.blocks.models import Choice
from portal.core import clock, keys
from portal.jobs import run
from portal.takedowns import holds
from portal.takedowns.models import HoldReason, ReleasedBecause
from tests.builders import look_at_hold
from tests.matching.builders import unit_rows
sam, lee = User.objects.get(name="sam"), User.objects.create(name="lee", role=Role.STAFF, password="x")
kept = holds.propose([UUID("{held}")], HoldReason.LITIGATION, by=sam)
look_at_hold(kept, kept.proposed_by, lee)
holds.confirm(kept, by=lee)
passing = holds.propose([UUID("{freed}")], HoldReason.LITIGATION, by=sam)
look_at_hold(passing, lee)
holds.decline(passing, by=lee)
run.drain()
choices.revoke(Choice.objects.get(block=UUID("{taken_back}")))
case = uuid4()
keys.create(case)
choices.choose(case, key_id=case)
choices.begin(case, at=clock.now(), may_see_count=False)
made = Choice.objects.get(case=case)
service.block(made.block, unit_rows(1, seed=2), files=[bytes(32)])
run.drain()
print(json.dumps({{"made": str(made.block), "case": str(case), "hold": str(kept.pk)}}))
"""
LOOK_AGAIN = """
import json
from uuid import UUID
from django.conf import settings
from django.test import Client
from matching import service
from matching.harvest import admission
from matching.types import Store
from portal.blocks import choices, codes
from portal.core import keys
from portal.jobs import run
from portal.takedowns.models import Hold
from tests.matching.builders import unit_rows
run.drain()
crawler = {{"Authorization": "Bearer " + settings.CRAWLER_TOKEN}}
feed = Client(SERVER_NAME="localhost").get("/api/v1/refused-addresses/?after=2&list={edition}", headers=crawler)
with admission.one_harvest():
    refused = service.screen(unit_rows(1, seed=2))[0], service.screen(unit_rows(1, seed=1))[0]
choice = choices.of_code(codes.of(UUID("{case}")))
print(json.dumps({{
    "held": [store.value for store in Store if service.present(UUID("{held}"), store)],
    "freed": [store.value for store in Store if service.present(UUID("{freed}"), store)],
    "searchable": len(service.searchable([UUID("{held}")])),
    "feed": feed.status_code,
    "hold": Hold.objects.get(pk=UUID("{hold}")).state,
    "refused": [bool(one) for one in refused],
    "in_force": sorted(map(str, service.active_blocks([UUID("{made}"), UUID("{taken_back}")]))),
    "keys": [keys.exists(UUID("{made}")), keys.exists(UUID("{taken_back}"))],
    "choice": str(choice.block) if choice else None,
    "addresses": [digest.hex() for digest in service.refused_addresses(after=0, most=100)[0]],
}}))
"""


def test_what_was_decided_since_a_backup_holds_after_it_was_restored(
    own_database: Mapping[str, str], tmp_path: Path
) -> None:
    env, backup = own_database, tmp_path / "backup.dump"
    with (environment.folder() / "roles.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manage(env, "migrate", "--database", "owner", "--verbosity", "0")
        manage(env, "roles")
        world = shell(env, BEFORE)
        manage(env, "backup", str(backup))
        world |= shell(env, SINCE.format(**world))
        before = shell(env, LOOK_AGAIN.format(**world))
        said = manage(env, "restore", str(backup), "--yes")
        after = shell(env, LOOK_AGAIN.format(**world))
    assert (before["held"], before["freed"]) == (["index", "images", "derived"], [])
    assert (before["hold"], before["refused"]) == ("placed", [True, False])
    assert (before["in_force"], before["keys"]) == ([world["made"]], [True, False])
    assert before["choice"] == world["made"]
    assert len(before["addresses"]) == 2  # of the two pages that something was removed from
    # The crawler had read both, the list had none of them in the backup: it reads it anew, and goes on from there.
    assert (before.pop("feed"), after.pop("feed")) == (200, 409)
    assert after == before
    for line in (
        "Legal holds: 2 brought back, 0 could not be.",
        "Batches of refused addresses: 1 brought back, 0 could not be.",
        "Blocks: 2 brought back, 0 could not be.",
        "Wishes to be kept out: 2 brought back, 0 could not be.",
        "1 legal holds belong to an account that the backup does not know.",
    ):
        assert line in said
