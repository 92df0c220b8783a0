"""Edits, deletions, reorderings, truncations and forks of the ledger: verify.py, copied alone, finds every one.

`make drill-ledger` runs 10,000 of them; the short form is part of the tests. Each round first shows that the true files
are accepted, so a verifier that refused everything would fail as well.
"""

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from django.db import connection, transaction

from portal.ledger import leaves, log, publication, sequencer, verify
from portal.ledger.note import Verifier, encode
from tests.ledger.world import KEY, OTHER, SIGNER, World

ROUNDS = int(os.environ.get("LEDGER_EDITS", "500"))
# A change of the tables takes a transaction and a rebuilt log, so fewer of them.
IN_TABLES = max(40, ROUNDS // 20)

Files = dict[str, bytes]
Tampering = Callable[[Random, Files], Files]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    copy = tmp_path_factory.mktemp("alone") / "verify_alone.py"
    copy.write_bytes(Path(verify.__file__).read_bytes())
    spec = importlib.util.spec_from_file_location("verify_alone", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_alone"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["verify_alone"]


# --- what is done to the files; each returns only what it changed, and always another file ---


def edit_a_byte(random: Random, files: Files) -> Files:
    name = random.choice(["leaves", "receipt", "checkpoint"])
    raw = bytearray(files[name])
    raw[random.randrange(len(raw))] ^= random.randint(1, 255)
    return {name: bytes(raw)}


def edit_an_entry(random: Random, files: Files) -> Files:
    lines = files["leaves"].splitlines(keepends=True)
    lines[random.randrange(len(lines))] = f"{encode(random.randbytes(32))}\n".encode()
    return {"leaves": b"".join(lines)}


def delete_entries(random: Random, files: Files) -> Files:
    lines = files["leaves"].splitlines(keepends=True)
    start = random.randrange(len(lines))
    del lines[start : start + random.randint(1, 3)]
    return {"leaves": b"".join(lines)}


def add_an_entry(random: Random, files: Files) -> Files:
    lines = files["leaves"].splitlines(keepends=True)
    lines.insert(random.randrange(len(lines)), f"{encode(random.randbytes(32))}\n".encode())
    return {"leaves": b"".join(lines)}


def repeat_an_entry(random: Random, files: Files) -> Files:
    lines = files["leaves"].splitlines(keepends=True)
    place = random.randrange(len(lines))
    return {"leaves": b"".join([*lines[:place], lines[place], *lines[place:]])}


def swap_entries(random: Random, files: Files) -> Files:
    lines = files["leaves"].splitlines(keepends=True)
    one, other = random.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return {"leaves": b"".join(lines)}


def cut_a_file_short(random: Random, files: Files) -> Files:
    name = random.choice(["leaves", "receipt", "checkpoint"])
    return {name: files[name][: random.randrange(len(files[name]))]}


def sign_with_another_key(random: Random, files: Files) -> Files:
    """By somebody who calls their key like the log's."""
    forged = World(random.randint(4, 20), seed=random.randint(1, 200), signer=OTHER)
    return {"checkpoint": forged.checkpoint(), "leaves": forged.leaves(), "receipt": forged.receipt(2)}


def change_a_checkpoints_text(random: Random, files: Files) -> Files:
    name = random.choice(["checkpoint", "receipt"])
    head, _gap, note = files[name].rpartition(f"{SIGNER.name}\n".encode())
    size, root, rest = note.split(b"\n", 2)
    if random.random() < 0.5:
        size = str(int(size) + random.choice([-2, -1, 1, 2, 1000])).encode()
    else:
        root = encode(random.randbytes(32)).encode()
    return {name: head + f"{SIGNER.name}\n".encode() + b"\n".join([size, root, rest])}


def change_a_receipts_place(random: Random, files: Files) -> Files:
    lines = files["receipt"].split(b"\n")
    index = int(lines[2].removeprefix(b"index "))
    lines[2] = f"index {random.choice([place for place in range(40) if place != index])}".encode()
    return {"receipt": b"\n".join(lines)}


def change_a_receipts_path(random: Random, files: Files) -> Files:
    head, _gap, note = files["receipt"].partition(b"\n\n")
    *first, path = [*head.split(b"\n")[:3], head.split(b"\n")[3:]]
    steps = list(path)
    match random.randrange(4):
        case 0:
            del steps[random.randrange(len(steps))]
        case 1:
            steps.insert(random.randint(0, len(steps)), encode(random.randbytes(32)).encode())
        case 2:
            steps[random.randrange(len(steps))] = encode(random.randbytes(32)).encode()
        case _:
            steps.append(steps[0])
    return {"receipt": b"\n".join([*first, *steps]) + b"\n\n" + note}


def fork_before_what_is_held(random: Random, files: Files) -> Files:
    """By the operator, with the true key: another history from some entry on, complete with its own receipts."""
    cases = random.choice([12, 12, 5, 17])
    fork = World(cases, seed=random.randint(1, 200))
    return {"receipt": fork.receipt(random.randrange(min(cases, 5))), "leaves": fork.leaves()}


TAMPERINGS: tuple[Tampering, ...] = (
    edit_a_byte,
    edit_an_entry,
    delete_entries,
    add_an_entry,
    repeat_an_entry,
    swap_entries,
    cut_a_file_short,
    sign_with_another_key,
    change_a_checkpoints_text,
    change_a_receipts_place,
    change_a_receipts_path,
    fork_before_what_is_held,
)


def test_every_change_of_the_published_files_is_found(alone: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    random, world = Random(20261122), World(12)
    keys, done, missed = [alone.parse_key(KEY)], Counter[str](), Counter[str]()
    for number in range(ROUNDS):
        tamper = TAMPERINGS[number % len(TAMPERINGS)]
        shown = {
            "leaves": world.leaves(),
            "checkpoint": world.checkpoint(),
            "receipt": world.receipt(random.randrange(world.cases), with_record=random.random() < 0.3),
        }
        assert _verdict(alone, keys, shown) == {alone.SHOWN}
        changed = tamper(random, shown)
        assert any(shown[name] != content for name, content in changed.items()), tamper.__name__
        if all(alone.mended(content).encode() == shown[name] for name, content in changed.items()):
            continue  # what a mail program might do is undone, and the very text comes back
        done[tamper.__name__] += 1
        if _verdict(alone, keys, {**shown, **changed}) == {alone.SHOWN}:
            missed[tamper.__name__] += 1
    with capsys.disabled():
        sys.stdout.write(f"\nledger: {done.total()} changes of files, {len(done)} kinds, missed {missed.total()}\n")
    assert missed == Counter()


def _verdict(alone: ModuleType, keys: list[object], files: Files) -> set[int]:
    """What someone finds who holds the checkpoint, and is handed receipt and leaves."""
    receipt = alone.examine(files["receipt"], keys, outside=[files["checkpoint"]], leaves=files["leaves"])
    return {receipt.status, alone.audit(files["leaves"], keys, [files["checkpoint"]]).status}


# --- what is done to the tables, by somebody who may do everything there ---


def edit_a_leaf(random: Random, size: int) -> list[str]:
    place = random.randrange(size)
    forged = f"decode('{random.randbytes(32).hex()}', 'hex')"
    which = f"(SELECT leaf_id FROM ledger_position WHERE index = {place})"
    return [f"UPDATE ledger_leaf SET hash = {forged} WHERE id = {which}"]


def take_a_place_out(random: Random, size: int) -> list[str]:
    place = random.randrange(size)
    return [f"DELETE FROM ledger_position WHERE index = {place}"]


def take_a_place_out_and_close_up(random: Random, size: int) -> list[str]:
    place = random.randrange(size)
    return [
        f"DELETE FROM ledger_position WHERE index = {place}",
        f"UPDATE ledger_position SET index = index + 1000 WHERE index > {place}",
        "UPDATE ledger_position SET index = index - 1001 WHERE index > 999",
    ]


def swap_places(random: Random, size: int) -> list[str]:
    one, other = random.sample(range(size), 2)
    return [
        f"UPDATE ledger_position SET index = 9999 WHERE index = {one}",
        f"UPDATE ledger_position SET index = {one} WHERE index = {other}",
        f"UPDATE ledger_position SET index = {other} WHERE index = 9999",
    ]


def cut_the_table(random: Random, size: int) -> list[str]:
    return [f"DELETE FROM ledger_position WHERE index >= {random.randrange(size)}"]


IN_TABLE_TAMPERINGS = (edit_a_leaf, take_a_place_out, take_a_place_out_and_close_up, swap_places, cut_the_table)


@pytest.mark.django_db
def test_every_change_of_the_tables_is_found_by_what_is_held_outside_and_stops_the_signing(
    alone: ModuleType, log_key: Verifier, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        for number in range(7):
            leaves.commit(leaves.Kind.TRAIL, {"n": str(number)})
        publication.publish()
    newest = publication.latest()
    assert newest is not None
    held, keys, size = newest.note.encode(), [alone.parse_key(str(log_key))], newest.size
    random, missed, signed = Random(7), Counter[str](), Counter[str]()
    assert alone.audit(_exported(), keys, [held]).status == alone.SHOWN
    for number in range(IN_TABLES):
        tamper = IN_TABLE_TAMPERINGS[number % len(IN_TABLE_TAMPERINGS)]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in tamper(random, size):
                cursor.execute(statement)
            missed[tamper.__name__] += alone.audit(_exported(), keys, [held]).status != alone.FORGED
            signed[tamper.__name__] += _is_signed()
            transaction.set_rollback(True)
    assert alone.audit(_exported(), keys, [held]).status == alone.SHOWN
    with capsys.disabled():
        sys.stdout.write(f"\nledger: {IN_TABLES} changes of tables, missed {missed.total()}, signed {signed.total()}\n")
    assert (missed.total(), signed.total()) == (0, 0)


def _exported() -> bytes:
    """The leaves as they would be served, as far as there is one after the other."""
    return "".join(f"{encode(entry)}\n" for entry in log.entries(0, sequencer.size())).encode()


def _is_signed() -> bool:
    try:
        publication.publish()
    except publication.Held:
        return False
    return True
