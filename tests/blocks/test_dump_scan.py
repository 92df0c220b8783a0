"""Row 15 of the threat model: a stolen dump, image store or session holds no vector of a subject in the clear.

At every stage of a case the whole database is copied out, save the tables of the index, and so is the image store; each
is scanned for every probe and template, as numbers of any width and byte order, as hexadecimal, base64 and decimals.
"""

import base64
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from psycopg import sql

from matching import service
from matching.types import Embeddings
from portal.accounts.models import User
from portal.blocks import choices, codes
from portal.blocks.models import Choice
from portal.blocks.sealer import Sealer
from portal.cases import decisions, personal
from portal.cases.models import Case, Match, Route
from portal.core import clock
from tests import builders
from tests.builders import look_at

pytestmark = pytest.mark.django_db(transaction=True)
WINDOW = 16  # consecutive bytes that count as found
INDEX = "matching_face"


def forms(row: Embeddings) -> Iterator[bytes]:
    for kind in ("<f4", ">f4", "<f2", ">f2"):
        whole = row.astype(kind).tobytes()
        for start in (0, len(whole) // 2, len(whole) - WINDOW):
            piece = whole[start : start + WINDOW]
            yield piece
            yield piece.hex().encode()
            yield piece.hex().upper().encode()
        for shift in range(3):  # where base64 begins within the bytes is not known
            yield base64.b64encode(whole[shift : shift + 24])[:30]


def decimals(row: Embeddings) -> re.Pattern[bytes]:
    """Three consecutive numbers, to three digits, however they are separated."""
    at = next(n for n in range(len(row) - 2) if (np.abs(row[n : n + 3]) > 0.01).all())
    numbers = (rf"-?0?\.{f'{abs(value):.6f}'[2:5]}[0-9]*" for value in row[at : at + 3])
    return re.compile(rb"[^0-9.]{1,3}".join(number.encode() for number in numbers))


def is_in(dump: bytes, row: Embeddings) -> bool:
    return any(piece in dump for piece in forms(row)) or decimals(row).search(dump) is not None


def dumped(*, index: bool) -> bytes:
    """Every table of the database, or those of the index, in both forms of COPY."""
    out = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        tables = [name for (name,) in cursor.fetchall() if name.startswith(INDEX) == index]
        assert len(tables) > 10
        for table in tables:
            for form in ("text", "binary"):
                copy = sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(sql.Identifier(table), sql.SQL(form))
                with cursor.copy(copy) as rows:
                    out.append(b"".join(bytes(block) for block in rows))
    return b"".join(out)


def stored() -> bytes:
    folder = Path(str(settings.MATCHING["IMAGE_STORE"]).removeprefix("file://"))
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def nowhere(rows: Embeddings) -> bool:
    dump = dumped(index=False) + stored()
    return not any(is_in(dump, row) for row in rows)


def test_no_stage_of_a_case_leaves_a_vector_in_the_clear(drain: Callable[[], int], sam: User, tmp_path: Path) -> None:
    builders.harvest(tmp_path, {"a.jpg": builders.astronaut_jpeg(size=256)})
    case = builders.make_case(route=Route.PHOTO, keep_out=True)
    probes = personal.probes(case)
    assert nowhere(probes)
    builders.session_of(case).post("/en/request/check/")
    drain()
    assert nowhere(probes)  # searched, waiting for staff
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=Match.objects.filter(case=case).values_list("pk", flat=True))
    drain()
    block = Choice.objects.get().block
    assert service.active_blocks([block])
    assert nowhere(probes)  # settled, the block made
    assert builders.harvest(tmp_path, {"again.jpg": builders.astronaut_jpeg(size=256)}) == {}
    Client().post("/en/keep-out/", {"code": codes.of(case.key_id)})
    assert nowhere(probes)  # asked, and looked at by its holder
    clock.move(timedelta(days=8))
    drain()
    assert Case.objects.get().closed_at is not None
    choices.revoke(Choice.objects.get())
    drain()
    assert nowhere(probes)


def test_the_scan_finds_what_lies_in_the_clear(tmp_path: Path) -> None:
    """In the index, where it belongs; and every form of it, wherever it lay."""
    builders.harvest(tmp_path, {"a.jpg": builders.astronaut_jpeg()})
    (probe,) = service.read_selfie(builders.astronaut_jpeg()).probes
    assert is_in(dumped(index=True), probe)
    assert not is_in(dumped(index=False), probe)
    for clear in (
        probe.tobytes()[4:-4],
        probe.astype(">f2").tobytes(),
        base64.b64encode(b"x" + probe.tobytes()),
        str(probe.tolist()).encode(),
        ";".join(f"{value:.4f}" for value in probe).encode(),
        probe.tobytes().hex().encode(),
    ):
        assert is_in(b"before" + clear + b"after", probe)


def test_what_a_block_holds_is_readable_with_its_key_alone(drain: Callable[[], int]) -> None:
    case = builders.make_case(route=Route.PHOTO, keep_out=True)
    (probe,) = personal.probes(case)
    builders.session_of(case).post("/en/request/check/")
    drain()
    block = Choice.objects.get().block
    keys = b"".join(file.read_bytes() for file in Path(settings.KEY_STORE).rglob("*.key"))
    assert not is_in(keys, probe)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM matching_block WHERE id = %s", [block])
        sealed = bytes(cursor.fetchone()[0])
    assert is_in(Sealer().unseal(block, sealed), probe)
    with pytest.raises(ValueError, match="block"):
        Sealer().unseal(block, sealed[:-1] + bytes([sealed[-1] ^ 1]))
