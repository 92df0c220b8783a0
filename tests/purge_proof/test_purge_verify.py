"""`manage.py purge --verify`: what was planted and destroyed lies in no file; what was not destroyed is found."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from matching import service
from matching.types import PurgeReport
from portal.cases.models import Case, Photo
from portal.purge_proof import canaries, disk_scan

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def run(**options: Any) -> str:
    output = StringIO()
    call_command("purge", verify=True, stdout=output, **options)
    return output.getvalue()


def test_of_a_thousand_canaries_none_is_left() -> None:
    said = run(canaries=1000)
    assert "canaries 1000 · left 0" in said
    kinds = [line.split()[-3:] for line in said.splitlines() if line.startswith(("vectors", "sealed", "keys"))]
    assert kinds == [["250", "250", "0"]] * 4
    assert not Case.objects.exists()
    assert not Photo.objects.exists()


def test_without_the_purge_it_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scan after deleting alone, or it could not fail."""
    monkeypatch.setattr(service, "purge", lambda **_options: PurgeReport((), (), log_recycled=False))
    with pytest.raises(CommandError, match=r"left [1-9]"):
        run(canaries=40)


def test_a_key_that_lies_about_elsewhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = canaries.plant

    def plant_and_copy(each: int) -> canaries.Canaries:
        planted = plant(each)
        (tmp_path / "backup").write_bytes(b"junk" + planted.keys[0] + b"junk")
        return planted

    monkeypatch.setattr(canaries, "plant", plant_and_copy)
    with pytest.raises(CommandError, match="left 1"):
        run(canaries=40, also=[tmp_path])


def test_where_the_server_shows_no_files_it_says_so_and_claims_nothing() -> None:
    options = connections["owner"].settings_dict["OPTIONS"]
    options["options"] = "-c role=takedown_app"
    try:
        with pytest.raises(CommandError, match="its tables and its log were not seen"):
            run(canaries=40)
    finally:
        del options["options"]


@pytest.mark.parametrize("cut", [0, 1, 7, 15])
def test_a_piece_is_found_across_two_blocks_and_at_any_byte(cut: int) -> None:
    needle = bytes(range(100, 132))
    needles = disk_scan.Needles([b"x" * 16, needle])
    needles.look_through([b"." * (64 + cut) + needle[cut:20], needle[20:] + b"." * 40])
    assert needles.found == {1}


def test_half_a_piece_is_not_found() -> None:
    needle = bytes(range(100, 132))
    needles = disk_scan.Needles([needle])
    needles.look_through([b"." * 50 + needle[:15] + b"." * 50])
    assert needles.found == set()
