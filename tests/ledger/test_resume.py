"""After a restore nothing is signed until the newest checkpoint held outside is shown to be part of the log."""

from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.ledger import leaves, publication, sequencer, signers, verify
from portal.ledger.models import Checkpoint, Leaf
from portal.ledger.note import Verifier

pytestmark = pytest.mark.django_db


def publish(count: int = 3) -> Checkpoint:
    for _ in range(count):
        leaves.commit(leaves.Kind.TRAIL, {"n": str(uuid4())})
    made = publication.publish()
    assert made is not None
    return made


def restore_to(size: int) -> None:
    """The database as it was when the log had `size` leaves."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("CREATE TEMP TABLE lost AS SELECT leaf_id FROM ledger_position WHERE index >= %s", [size])
        cursor.execute("DELETE FROM ledger_position WHERE index >= %s", [size])
        cursor.execute("DELETE FROM ledger_leaf WHERE id IN (SELECT leaf_id FROM lost)")
        cursor.execute("DELETE FROM ledger_checkpoint WHERE size > %s", [size])
        cursor.execute("DROP TABLE lost")
        cursor.execute("SET session_replication_role = origin")


def ledger(*arguments: str | Path) -> str:
    output = StringIO()
    call_command("ledger", *map(str, arguments), stdout=output)
    return output.getvalue()


def test_a_restored_database_signs_nothing_by_itself(log_key: Verifier) -> None:
    old = publish()
    publish()
    restore_to(old.size)
    leaves.commit(leaves.Kind.TRAIL, {})
    with pytest.raises(publication.Held):
        publication.publish()
    # Nothing was placed on top of what is missing either.
    assert sequencer.size() == old.size


def test_it_goes_on_from_the_published_leaves_and_the_checkpoint_held_outside(
    log_key: Verifier, tmp_path: Path
) -> None:
    old, newest = publish(), publish()
    ledger("export", tmp_path)
    restore_to(old.size)
    waiting = leaves.commit(leaves.Kind.TRAIL, {})[0]
    said = ledger("resume", tmp_path / "checkpoint", "--leaves", tmp_path / "leaves")
    assert f"checkpoint of {newest.size} leaves" in said
    after = publication.publish()
    assert after is not None
    assert after.size == newest.size + 1
    assert Leaf.objects.get(pk=waiting.pk).position.index == newest.size
    key = verify.parse_key(str(log_key))
    ledger("export", tmp_path)
    notes = [one.note.encode() for one in (old, newest, after)]
    assert verify.audit((tmp_path / "leaves").read_bytes(), [key], notes).status == verify.SHOWN
    assert Entry.objects.filter(tag=Tag.LEDGER_RESUMED).count() == 1


def test_a_database_that_lost_nothing_resumes_with_the_checkpoint_alone(log_key: Verifier, tmp_path: Path) -> None:
    publish()
    ledger("export", tmp_path)
    ledger("hold")
    leaves.commit(leaves.Kind.TRAIL, {})
    with pytest.raises(CommandError, match="Nothing was signed"):
        ledger("publish")
    ledger("resume", tmp_path / "checkpoint")
    assert publication.publish() is not None


@pytest.mark.parametrize("fault", ["older", "forged", "leaves of another log", "no leaves"])
def test_what_does_not_fit_is_refused_and_it_stays_held(log_key: Verifier, tmp_path: Path, fault: str) -> None:
    old = publish()
    publish()
    ledger("export", tmp_path)
    restore_to(old.size)
    shown = (tmp_path / "checkpoint").read_text()
    if fault == "older":
        (tmp_path / "checkpoint").write_text(old.note)
    elif fault == "forged":
        (tmp_path / "checkpoint").write_text(shown.replace("\n6\n", "\n7\n"))
    elif fault == "leaves of another log":
        lines = (tmp_path / "leaves").read_text().splitlines(keepends=True)
        (tmp_path / "leaves").write_text("".join(reversed(lines)))
    arguments = [] if fault == "no leaves" else ["--leaves", str(tmp_path / "leaves")]
    with pytest.raises(CommandError):
        ledger("resume", tmp_path / "checkpoint", *arguments)
    with pytest.raises(publication.Held):
        publication.publish()
    assert sequencer.size() == old.size


def test_a_log_whose_key_folder_was_lost_is_held_as_well(log_key: Verifier, tmp_path: Path) -> None:
    publish()
    for name in ("head", "signers"):
        (signers.folder() / name).unlink()
    signers.create("log.example/ledger")
    leaves.commit(leaves.Kind.TRAIL, {})
    with pytest.raises(publication.Held):
        publication.publish()
