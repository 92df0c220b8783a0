"""verify.py: what it accepts, what it finds, and in which words."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cryptography
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger import note, verify
from portal.ledger.note import Signer
from tests.ledger.world import KEY, NAME, OTHER, OTHER_KEY, SIGNER, World, keys_of

Write = Callable[[str, bytes], str]
WORLD = World(cases=7)
REFUSED = (verify.FORGED, verify.UNSIGNED, verify.MISUSED)


def is_undone(changed: bytes, original: bytes) -> bool:
    """Whether a change is one that a mail program might make, so that the very text comes back."""
    return verify.mended(changed).encode() == original


def status(receipt: bytes, *, outside: tuple[bytes, ...] = (), leaves: bytes | None = None, key: str = KEY) -> int:
    return verify.examine(receipt, keys_of(key), outside=outside, leaves=leaves).status


def said(report: verify.Report) -> set[str]:
    return {sentence for _mark, sentence, _values in report.lines}


def test_a_receipt_is_good_and_what_it_does_not_show_is_said() -> None:
    report = verify.examine(WORLD.receipt(3), keys_of(KEY))
    assert report.status == verify.SHOWN
    assert said(report) == {"included", "closed", "record_closed", "no_outside", "not_the_deed"}
    assert ("not_shown", "no_outside", {}) in report.lines


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_receipt_that_opens_its_record_says_of_each_step_what_was_done_and_no_more(language: str) -> None:
    report = verify.examine(WORLD.receipt(3, with_record=True), keys_of(KEY))
    assert report.status == verify.SHOWN
    words = [sentence for mark, sentence in report.spoken(language) if mark == "shown"]
    assert len([words for words in words if words.startswith("Image ")]) == WORLD.steps_of(3) + 3  # the index's purge
    gone, notice, refused = {
        "en": ("gone from", "a notice to those who", "list of refused addresses"),
        "fr": ("absente de", "un avis à ceux", "liste des adresses refusées"),
    }[language]
    steps = [sentence for sentence in words if sentence.startswith("Image ")]
    assert [sum(part in sentence for sentence in steps) for part in (gone, notice, refused)] == [9, 3, 3]
    assert not any(gone in sentence and ("recipients" in sentence or "addresses" in sentence) for sentence in steps)
    counts = {key: values["count"] for _mark, key, values in report.lines if key.startswith("counted_")}
    assert counts == {"counted_gone": 9, "counted_notice": 3, "counted_refused": 3}
    assert ("not_shown", "not_the_recipients", {}) in report.lines


@pytest.mark.parametrize(
    ("language", "claimed", "unseen"),
    [
        ("en", "purged from data files and log", "log not seen"),
        ("fr", "purgée des fichiers de données et du journal", "journal non vu"),
    ],
)
def test_a_log_that_was_not_seen_is_not_called_purged(language: str, claimed: str, unseen: str) -> None:
    report = verify.examine(WORLD.receipt(3, with_record=True), keys_of(KEY))
    words = [sentence for _mark, sentence in report.spoken(language)]
    assert [sum(part in sentence for sentence in words) for part in (claimed, unseen)] == [2, 1]
    assert ("not_shown", "not_the_log", {}) in report.lines


def test_a_record_of_before_claims_nothing_of_the_log() -> None:
    report = verify.Report()
    verify._tell_step(report, {"image": "x", "store": "index", "verified_at": "t", "purged_at": "u"})
    verify._tell_step(report, {"image": "x", "store": "recipients", "verified_at": "t", "purged_at": "u"})
    assert [key for _mark, key, _values in report.lines] == ["step_gone", "step_purged_log_unseen", "step_notice"]


def test_a_store_that_it_does_not_know_is_told_as_it_stands() -> None:
    assert verify.kind_of({"store": "elsewhere"}) == "other"


def test_a_case_without_steps_has_a_record_as_well() -> None:
    assert WORLD.steps_of(0) == 0
    assert status(WORLD.receipt(0, with_record=True)) == verify.SHOWN


def test_the_key_comes_from_the_caller_and_from_nowhere_else() -> None:
    report = verify.examine(WORLD.receipt(3), keys_of(OTHER_KEY))
    assert (report.status, said(report)) == (verify.UNSIGNED, {"unsigned"})
    # What is signed by that key and wrongly so is another thing.
    changed = WORLD.receipt(3).replace(b"\n7\n", b"\n8\n")
    assert verify.examine(changed, keys_of(KEY)).status == verify.FORGED


def change(old: Signer, new: Signer, why: str = "rotated", by: tuple[Signer, ...] | None = None) -> bytes:
    """As the log states it, and signs it for its kind."""
    text = f"takedown-portal/key-change@v1\n{NAME}\n{why}\n7\n{old.verifier}\n{new.verifier}\n"
    return note.sign(text, by or ((new, old) if why == "rotated" else (new,))).encode()


def followed(*changes: bytes, key: str) -> tuple[set[str], set[str]]:
    """The keys that are believed then, and what is said of it."""
    keys, report = verify.with_changes(keys_of(key), b"\n".join(changes))
    assert report.status == verify.SHOWN
    return {str(key) for key in keys}, said(report)


THIRD = Signer(NAME, bytes([9]) * 32)
THIRD_KEY = str(THIRD.verifier)


@pytest.mark.parametrize("key", [KEY, OTHER_KEY, THIRD_KEY])
def test_a_key_leads_to_those_before_and_after_it(key: str) -> None:
    """Both sign each statement, so either vouches for the other."""
    changes = change(SIGNER, OTHER), change(OTHER, THIRD)
    assert followed(*changes, key=key) == ({KEY, OTHER_KEY, THIRD_KEY}, {"key_followed"})
    assert followed(*reversed(changes), key=key) == ({KEY, OTHER_KEY, THIRD_KEY}, {"key_followed"})


def test_no_key_leads_to_one_that_only_speaks_for_itself() -> None:
    stated = change(SIGNER, OTHER, "compromised")
    assert followed(stated, key=KEY) == ({KEY}, {"key_doubted"})
    assert followed(stated, key=OTHER_KEY) == ({OTHER_KEY}, {"key_compromised"})


def test_a_key_that_a_trusted_one_calls_compromised_counts_no_more_nor_what_it_vouches_for() -> None:
    stolen = change(SIGNER, OTHER), change(OTHER, THIRD, "compromised")
    keys, report = verify.with_changes(keys_of(OTHER_KEY, THIRD_KEY), b"\n".join(stolen))
    assert [str(key) for key in keys] == [THIRD_KEY]
    assert said(report) == {"key_compromised"}
    thief = Signer(NAME, bytes([10]) * 32)
    keys, _report = verify.with_changes(
        keys_of(OTHER_KEY, THIRD_KEY), b"\n".join([change(OTHER, thief), *stolen, change(OTHER, thief)])
    )
    assert [str(key) for key in keys] == [THIRD_KEY]


@pytest.mark.parametrize(
    "forged",
    [
        change(SIGNER, OTHER, by=(OTHER,)),
        change(SIGNER, OTHER, by=(SIGNER,)),
        change(SIGNER, OTHER, by=(THIRD,)),
        change(SIGNER, OTHER, "compromised", by=(SIGNER,)),
        change(SIGNER, OTHER).replace(b"\n7\n", b"\n8\n"),
        change(SIGNER, OTHER).replace(b"rotated", b"renewed"),
        change(SIGNER, Signer("another.example/log", bytes(32))),
        change(SIGNER, OTHER)[:-100],
        b"%PDF-1.7\n",
    ],
)
def test_a_statement_that_is_not_signed_as_its_kind_must_be_is_refused(forged: bytes) -> None:
    keys, report = verify.with_changes(keys_of(KEY), forged)
    assert report.status in (verify.FORGED, verify.MISUSED)
    assert [str(key) for key in keys] == [KEY]
    assert [values["about"] for _mark, _key, values in report.lines] == ["about_changes"]


@given(st.data())
def test_key_changes_with_any_byte_changed_lead_nowhere(data: st.DataObject) -> None:
    raw = bytearray(change(SIGNER, OTHER))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    keys, report = verify.with_changes(keys_of(KEY), bytes(raw))
    if not is_undone(bytes(raw), change(SIGNER, OTHER)):
        assert report.status in (verify.FORGED, verify.MISUSED)
        assert [str(key) for key in keys] == [KEY]


def test_an_outside_checkpoint_of_the_same_size_must_be_the_same() -> None:
    assert status(WORLD.receipt(3), outside=(WORLD.checkpoint(),)) == verify.SHOWN
    fork = World(cases=7, seed=1)
    report = verify.examine(WORLD.receipt(3), keys_of(KEY), outside=[fork.checkpoint()])
    assert (report.status, said(report) & {"fork"}) == (verify.FORGED, {"fork"})


def test_an_outside_checkpoint_of_another_size_needs_the_leaves() -> None:
    later = WORLD.grown(cases=4)
    assert status(WORLD.receipt(3), outside=(later.checkpoint(),)) == verify.UNCOMPARED
    assert status(WORLD.receipt(3), outside=(later.checkpoint(),), leaves=later.leaves()) == verify.SHOWN
    # Older than the receipt, too.
    assert status(later.receipt(9), outside=(WORLD.checkpoint(),), leaves=later.leaves()) == verify.SHOWN


def test_a_proof_of_growth_compares_as_the_leaves_do() -> None:
    later = WORLD.grown(cases=4)
    growth, notes = [later.growth(WORLD.cases)], [WORLD.checkpoint(), later.checkpoint()]
    for receipt, other in ((WORLD.receipt(3), later), (later.receipt(9), WORLD)):
        report = verify.examine(receipt, keys_of(KEY), outside=[other.checkpoint()], growth=growth)
        assert report.status == verify.SHOWN
        assert ("shown", "same_history", {"size": other.cases}) in report.lines
    assert verify.compare(notes, keys_of(KEY), growth=growth).status == verify.SHOWN
    assert verify.compare(notes, keys_of(KEY)).status == verify.UNCOMPARED
    # The proof brings its own checkpoint, so the older one alone is enough.
    assert verify.compare(notes[:1], keys_of(KEY), growth=growth).status == verify.SHOWN


def test_proofs_of_growth_lead_over_several_checkpoints() -> None:
    middle = WORLD.grown(cases=4)
    last = middle.grown(cases=9)
    steps = [middle.growth(7), last.growth(11)]
    notes = [last.checkpoint(), WORLD.checkpoint()]
    assert verify.compare(notes, keys_of(KEY), growth=steps).status == verify.SHOWN
    assert verify.compare(notes, keys_of(KEY), growth=steps[:1]).status == verify.UNCOMPARED
    assert verify.compare(notes, keys_of(KEY), growth=steps[1:]).status == verify.UNCOMPARED


def test_two_histories_that_begin_alike_are_not_taken_for_one() -> None:
    """Each grew provably out of the first seven entries, and the true key signed all of it."""
    one = WORLD.grown(cases=4)
    other = World(20, made=[*WORLD.made, *World(20, seed=1).made[7:]])
    growth = [one.growth(7), other.growth(7)]
    report = verify.examine(one.receipt(3), keys_of(KEY), outside=[other.checkpoint()], growth=growth)
    assert report.status == verify.UNCOMPARED
    notes = [one.checkpoint(), other.checkpoint()]
    assert verify.compare(notes, keys_of(KEY), growth=growth).status == verify.UNCOMPARED
    assert verify.compare(notes, keys_of(KEY), growth=[other.growth(11)]).status == verify.FORGED


def test_a_rewritten_history_has_no_proof_of_growth() -> None:
    rewritten = World(cases=11, seed=2)
    report = verify.compare([WORLD.checkpoint()], keys_of(KEY), growth=[rewritten.growth(7)])
    assert (report.status, said(report)) == (verify.FORGED, {"not_consistent"})


@given(st.integers(1, 40), st.integers(0, 30))
def test_every_log_grows_provably_out_of_every_earlier_one(old: int, more: int) -> None:
    before = World(old)
    after = before.grown(cases=more)
    assert verify.compare([before.checkpoint()], keys_of(KEY), growth=[after.growth(old)]).status == verify.SHOWN


@given(st.data())
def test_a_proof_of_growth_with_any_byte_changed_proves_nothing(data: st.DataObject) -> None:
    growth = WORLD.grown(cases=4).growth(7)
    raw = bytearray(growth)
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    report = verify.compare([WORLD.checkpoint()], keys_of(KEY), growth=[bytes(raw)])
    # Another number of entries makes it a proof from something that is not held.
    assert report.status in (*REFUSED, verify.UNCOMPARED) or is_undone(bytes(raw), growth)


@given(st.integers(1, 20), st.integers(1, 20), st.data())
def test_a_proof_of_growth_with_a_hash_changed_moved_added_or_taken_out_is_found(
    old: int, more: int, data: st.DataObject
) -> None:
    before = World(old)
    head, _gap, note_of_new = before.grown(cases=more).growth(old).partition(b"\n\n")
    first, *path = head.split(b"\n")
    place, other = (data.draw(st.integers(0, len(path) - 1)) for _ in range(2))
    strange = base64.b64encode(data.draw(st.binary(min_size=32, max_size=32)))
    changed = {
        "changed": [*path[:place], strange, *path[place + 1 :]],
        "added": [*path[:place], strange, *path[place:]],
        "repeated": [*path[:place], path[place], *path[place:]],
        "taken out": [*path[:place], *path[place + 1 :]],
        "moved": [path[other] if at == place else path[place] if at == other else one for at, one in enumerate(path)],
        "cut short": path[:place],
    }[data.draw(st.sampled_from(["changed", "added", "repeated", "taken out", "moved", "cut short"]))]
    raw = b"\n".join([first, *changed]) + b"\n\n" + note_of_new
    expected = verify.SHOWN if changed == path else verify.FORGED
    assert verify.compare([before.checkpoint()], keys_of(KEY), growth=[raw]).status == expected


@pytest.mark.realfaces
def test_all_vectors_of_transparency_dev_pass(shared: Path) -> None:
    """The consistency proofs and the proofs of inclusion, by this program's own arithmetic, which is given nothing but
    hashes: what is of another length is refused where a file is read."""
    files = sorted((shared / "vectors" / "merkle").rglob("*.json"))
    assert len(files) == 196
    wrong = [file.name for file in files if is_refused(vector := json.loads(file.read_text())) != vector["wantErr"]]
    assert wrong == []


def is_refused(vector: dict[str, Any]) -> bool:
    proof = [base64.b64decode(step) for step in vector["proof"] or []]
    raw = {name: base64.b64decode(vector[name] or "") for name in ("root", "root1", "root2") if name in vector}
    if "leafHash" in vector and not len(raw["root"]) == len(base64.b64decode(vector["leafHash"] or "")) == 32:
        return True
    try:
        if "size1" in vector:
            old = verify.Checkpoint("", vector["size1"], raw["root1"])
            verify.check_consistency(old, verify.Checkpoint("", vector["size2"], raw["root2"]), proof)
        else:
            head = verify.Checkpoint("", vector["treeSize"], raw["root"])
            hashed = base64.b64decode(vector["leafHash"] or "")
            verify.check_inclusion_of(hashed, vector["leafIdx"], proof, head)
    except verify.Rejected:
        return True
    return False


def test_a_rewritten_history_is_found_although_the_true_key_signed_it() -> None:
    held_outside = WORLD.checkpoint()
    rewritten = World(cases=11, seed=2)
    assert status(rewritten.receipt(3)) == verify.SHOWN
    assert status(rewritten.receipt(3), outside=(held_outside,), leaves=rewritten.leaves()) == verify.FORGED


def test_a_whole_log_is_audited_against_every_checkpoint_there_is() -> None:
    later = WORLD.grown(cases=4)
    notes = [WORLD.checkpoint(), later.checkpoint()]
    assert verify.audit(later.leaves(), keys_of(KEY), notes).status == verify.SHOWN
    assert verify.audit(WORLD.leaves(), keys_of(KEY), notes).status == verify.FORGED
    assert verify.audit(later.leaves(), keys_of(KEY), notes[:1]).status == verify.UNCOMPARED


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    for receipt in (raw, b"c2sp.org/tlog-proof@v1\n" + raw):
        assert status(receipt) in REFUSED
    assert verify.audit(raw, keys_of(KEY), [raw]).status in REFUSED
    assert status(WORLD.receipt(1), outside=(raw,)) == verify.UNCOMPARED
    assert status(WORLD.receipt(1), leaves=raw) != verify.SHOWN
    assert verify.compare([WORLD.checkpoint()], keys_of(KEY), growth=[raw, b"old 7\n" + raw]).status in REFUSED
    assert verify.with_changes(keys_of(KEY), raw)[1].status in (verify.SHOWN, *REFUSED)


@given(st.data())
def test_a_receipt_with_any_byte_changed_is_found(data: st.DataObject) -> None:
    original = WORLD.receipt(5, with_record=True)
    receipt = bytearray(original)
    place = data.draw(st.integers(0, len(receipt) - 1))
    receipt[place] ^= data.draw(st.integers(1, 255))
    # A byte of the line that names the key makes it a signature of nobody known.
    assert status(bytes(receipt)) in REFUSED or is_undone(bytes(receipt), original)


def test_a_record_under_another_name_is_not_taken_for_a_receipt_that_opens_none() -> None:
    opening = WORLD.made[3].opening(with_record=True).replace(b'"record":{', b'"secord":{')
    assert status(WORLD.with_opening(3, opening)) == verify.FORGED


@pytest.mark.parametrize("opening", [b"[" * 100_000, b"1" * 10_000, b'{"salt":"\\ud800"}', b'{"a":1,"a":2}', b"NaN"])
def test_a_hostile_opening_is_refused(opening: bytes) -> None:
    assert status(WORLD.with_opening(3, opening)) == verify.FORGED


def test_nothing_of_a_file_reaches_a_terminal_as_a_command() -> None:
    hostile = World(cases=1, reference="\x1b[2J\x1b]0;owned\x07")
    report = verify.examine(hostile.receipt(0), keys_of(KEY))
    assert report.status == verify.SHOWN
    for language in verify.SENTENCES:
        assert all(sentence.isprintable() for _mark, sentence in report.spoken(language))


def test_both_languages_say_the_same_things_of_the_same_values() -> None:
    english, french = verify.SENTENCES["en"], verify.SENTENCES["fr"]
    assert english.keys() == french.keys()
    for key in english:
        named = [set(re.findall(r"{(\w+)}", words[key])) for words in (english, french)]
        assert named[0] == named[1], key
        assert english[key] != french[key]


def run_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A copy of the one file, in an interpreter that can import the standard library and `cryptography` alone."""
    site = Path(cryptography.__file__).parent.parent
    for name in ("cryptography", "cffi", "_cffi_backend"):
        for found in site.glob(f"{name}*"):
            if not found.name.endswith(("-info", ".txt")) and not (folder / "packages" / found.name).exists():
                (folder / "packages").mkdir(exist_ok=True)
                (folder / "packages" / found.name).symlink_to(found)
    alone = folder / "verify.py"
    alone.write_bytes(Path(verify.__file__).read_bytes())
    begin = f"import runpy, sys; sys.path.append({str(folder / 'packages')!r}); sys.argv = sys.argv[1:]; "
    command = [
        sys.executable,
        "-I",
        "-S",
        "-W",
        "error",
        "-c",
        f"{begin}runpy.run_path(sys.argv[0], run_name='__main__')",
    ]
    return subprocess.run(
        [*command, str(alone), *arguments], capture_output=True, text=True, check=False, cwd=folder, timeout=60
    )


def test_it_works_as_one_file_on_its_own(tmp_path: Path, write: Write) -> None:
    (tmp_path / "alone").mkdir()
    receipt = write("receipt", WORLD.receipt(3))
    held = write("held", WORLD.checkpoint())
    leaves = write("leaves", WORLD.leaves())
    forged = write("forged", WORLD.receipt(3).replace(b"index 3", b"index 2"))
    keys = write("keys", f"{OTHER_KEY}\n{KEY}\n".encode())

    def result(*arguments: str) -> tuple[int, str]:
        ran = run_alone(tmp_path / "alone", *arguments)
        assert ran.stderr == ""
        return ran.returncode, ran.stdout

    code, words = result("--key", KEY, receipt)
    assert code == 0
    assert words.startswith("SHOWN       Entry ")
    assert "NOT SHOWN" in words
    assert result("--key", keys, "--leaves", leaves, receipt, held)[0] == 0
    assert result("--key", KEY, "--leaves", leaves, held)[0] == 0
    code, words = result("--key", KEY, "--language", "fr", forged)
    assert code == 1
    assert words.startswith("FAUX")
    later = WORLD.grown(cases=4)
    grown = write("grown", later.growth(7))
    assert result("--key", KEY, "--consistency", grown, receipt, write("later", later.checkpoint()))[0] == 0
    assert result("--key", KEY, "--consistency", grown, held)[0] == 0
    assert result("--key", OTHER_KEY, receipt)[0] == 4
    changes = write("changes", change(OTHER, SIGNER))
    assert result("--key", OTHER_KEY, "--key-changes", changes, receipt)[0] == 0
    assert result("--key", KEY, str(tmp_path / "nothing"))[0] == 2
    assert result("--key", "nonsense", receipt)[0] == 2
    assert run_alone(tmp_path / "alone", receipt).returncode == 2


def test_whatever_it_is_given_on_the_command_line_it_says_in_words(
    tmp_path: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    receipt, held = write("receipt", WORLD.receipt(3)), write("held", WORLD.checkpoint())
    binary, empty = write("binary", bytes(range(256)) * 50), write("empty", b"")
    keys = write("keys", f"{KEY}\r\nnonsense\r\n".encode("utf-16"))
    mangled = write("mangled", b"\xef\xbb\xbf" + WORLD.checkpoint().replace(b"\n", b"\r\n"))

    def result(*arguments: str) -> tuple[int, str]:
        return verify.main([*arguments]), capfd.readouterr().out

    for arguments, status, words in (
        ((str(tmp_path),), 2, "that is a folder"),
        ((str(tmp_path / "nothing"),), 2, "there is no such file"),
        (("a\udcffb",), 2, "there is no such file"),
        (("x" * 5000,), 2, "that cannot be read"),
        (("/dev/zero",), 2, "larger than"),
        ((binary,), 2, "This is no text"),
        ((empty,), 2, "This is empty"),
        ((receipt, binary), 3, "this is of checkpoint 1 given beside it: This is no text"),
        ((receipt, held, empty), 3, "this is of checkpoint 2 given beside it: This is empty"),
        ((receipt, "--leaves", binary), 3, "The list of leaves: This is no text"),
        ((receipt, "--consistency", held), 3, "The proof that the log grew (1): "),
        ((receipt, "--key-changes", binary), 2, "The key changes that were given: This is no text"),
        ((receipt, "--key-changes", empty), 0, "Entry 4 of the 7 entries"),
        ((held, receipt), 0, "tell the same history"),
        ((receipt, receipt), 0, "Entry 4 of the 7 entries"),
        ((receipt, write("other", WORLD.receipt(2))), 2, "More than one receipt"),
        ((receipt, mangled), 0, "A mail program or an editor had changed"),
        ((write("key", KEY.encode()), receipt), 3, "which belongs behind --key"),
        ((write("key", KEY.encode()),), 2, "which belongs behind --key"),
    ):
        code, said = result("--key", KEY, *arguments)
        assert (code, words in said) == (status, True), said
    for key, words in (
        (keys, "keys, line 2: That is not a log's public key"),
        (str(tmp_path), "that is a folder"),
        (empty, "There is no key in it"),
        (receipt, "line 1: That is not a log's public key"),
        ("x+" * 4000, "The key that was given: That is not"),
        (f"PRIVATE+KEY+{KEY}", "The key that was given: That is a private key"),
        ("a\udcff+01234567+AAAA", "The key that was given: That is not"),
    ):
        code, said = result("--key", key, receipt)
        assert (code, words in said) == (2, True), said


def test_it_ends_quietly_where_nobody_reads_on(tmp_path: Path, write: Write) -> None:
    receipt = write("receipt", WORLD.receipt(3, with_record=True))
    command = f"{sys.executable} {verify.__file__} --key {KEY} {receipt} | true"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stderr == ""


def test_alone_it_could_not_have_used_the_portal(tmp_path: Path) -> None:
    run_alone(tmp_path)
    probe = (
        f"import sys; sys.path.append({str(tmp_path / 'packages')!r}); sys.path.insert(0, {str(tmp_path)!r}); "
        "import verify; print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) <= {"__main__", "verify", "cryptography", "cffi", "_cffi_backend", "_openssl"}
