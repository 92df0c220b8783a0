"""What mail programs and editors do to a receipt, a checkpoint, a key: verify.py undoes it, or names what it is."""

import base64
import gzip
import quopri
import textwrap
from collections.abc import Callable

import pytest

from portal.ledger import note, verify
from tests.ledger.test_verify import change
from tests.ledger.world import KEY, OTHER, OTHER_KEY, SIGNER, World, keys_of

WORLD = World(cases=7)
RECEIPT, CHECKPOINT = WORLD.receipt(3), WORLD.checkpoint()
Mail = Callable[[str], bytes]


def each_line(text: str, made: Callable[[str], str]) -> bytes:
    return "".join(f"{made(line)}\n" for line in text.splitlines()).encode()


def broken(text: str, width: int) -> bytes:
    """Lines broken at words and within them, as some programs do."""
    return each_line(text, lambda line: "\n".join(textwrap.wrap(line, width, break_on_hyphens=False)) or "")


def flowed(text: str) -> bytes:
    """format=flowed (RFC 3676): a line is broken behind a space, which stays."""
    return each_line(text, lambda line: line.replace(" ", " \n") if len(line) > 76 else line)


MAILS: dict[str, Mail] = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "mark in the middle": lambda text: text.replace("\n", "\n\ufeff").encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR alone": lambda text: text.replace("\n", "\r").encode(),
    "CR CR LF": lambda text: text.replace("\n", "\r\r\n").encode(),
    "line separators": lambda text: text.replace("\n", "\u2028").encode(),
    "no last line end": lambda text: text.rstrip("\n").encode(),
    "empty line in front": lambda text: f"\n\n{text}".encode(),
    "empty lines behind": lambda text: f"{text}\n\n".encode(),
    "more empty lines between": lambda text: text.replace("\n\n", "\n\n\n\n").encode(),
    "an empty line after each": lambda text: text.replace("\n", "\n\n").encode(),
    "quoted": lambda text: each_line(text, lambda line: f"> {line}"),
    "quoted without space": lambda text: each_line(text, lambda line: f">{line}"),
    "quoted twice": lambda text: each_line(text, lambda line: f"> > {line}"),
    "quoted by bars": lambda text: each_line(text, lambda line: f"| {line}"),
    "quoted below what was written": lambda text: b"On Monday, R. wrote:\n" + each_line(text, lambda line: f"> {line}"),
    "in a letter": lambda text: f"Hello,\n\nhere it is:\n\n{text}\n-- \nR. Roe\nSent by telephone\n".encode(),
    "fenced": lambda text: f"```text\n{text}```\n".encode(),
    "indented": lambda text: each_line(text, lambda line: f"    {line}"),
    "spaces behind": lambda text: each_line(text, lambda line: f"{line} \t"),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0").encode(),
    "zero-width spaces": lambda text: text.replace("/", "/\u200b").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without its mark": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "Windows-1252": lambda text: text.encode("cp1252"),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()),
    "quoted-printable, CRLF": lambda text: quopri.encodestring(text.encode()).replace(b"\n", b"\r\n"),
    "entities": lambda text: each_line(text.replace("—", "&mdash;"), lambda line: f"&gt; {line}"),
    "hyphen for the dash": lambda text: text.replace("—", "-").encode(),
    "two hyphens": lambda text: text.replace("—", "--").encode(),
    "en dash": lambda text: text.replace("—", "–").encode(),
    "question mark": lambda text: text.encode("ascii", errors="replace"),
    "read as Windows-1252": lambda text: text.encode().decode("cp1252").encode(),
    "dash lost": lambda text: text.replace("— ", "").encode(),
    "flowed": flowed,
    "broken at 72": lambda text: broken(text, 72),
    "quoted, broken, CRLF, mark": lambda text: (
        b"\xef\xbb\xbf" + each_line(broken(text, 76).decode(), lambda line: f"> {line}").replace(b"\n", b"\r\n")
    ),
}
each_mail = pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)


@each_mail
def test_a_receipt_and_a_checkpoint_that_came_by_mail_are_good(mail: Mail) -> None:
    for receipt in (RECEIPT, WORLD.receipt(3, with_record=True)):
        changed = mail(receipt.decode())
        assert changed != receipt
        report = verify.examine(changed, keys_of(KEY), outside=[mail(CHECKPOINT.decode())])
        assert report.status == verify.SHOWN
        assert [line for line in report.lines if line[0] == "note"] == [("note", "mended", {})]
        assert ("shown", "same_history", {"size": 7}) in report.lines
        # A certificate is of the receipt as it was issued.
        assert report.receipt is not None
        assert report.receipt.text.encode() == receipt


@each_mail
def test_what_was_changed_is_found_behind_what_a_mail_program_did(mail: Mail) -> None:
    root = note.encode(WORLD.tree.root())
    other = note.encode(World(7, seed=1).tree.root())
    report = verify.examine(mail(RECEIPT.decode().replace(root, other)), keys_of(KEY))
    assert [line[:2] for line in report.lines] == [("forged", "bad_signature")]
    moved = verify.examine(mail(RECEIPT.decode().replace("index 3\n", "index 2\n")), keys_of(KEY))
    assert moved.status == verify.FORGED


@each_mail
def test_a_proof_and_key_changes_that_came_by_mail_are_good(mail: Mail) -> None:
    growth = mail(WORLD.grown(cases=4).growth(7).decode())
    assert verify.compare([CHECKPOINT], keys_of(KEY), growth=[growth]).status == verify.SHOWN
    keys, report = verify.with_changes(keys_of(KEY), mail(change(SIGNER, OTHER).decode()))
    assert report.status == verify.SHOWN
    assert [str(key) for key in keys] == [KEY, OTHER_KEY]


def test_a_long_line_broken_at_998_letters_is_whole_again() -> None:
    """No line of a mail is longer (RFC 5321, section 4.5.3.1.6)."""
    receipt = WORLD.receipt(3, with_record=True).decode()
    for changed in (broken(receipt, 998), broken(receipt, 998).replace(b"\n", b"\r\n ")):
        assert verify.examine(changed, keys_of(KEY)).status == verify.SHOWN


KEEPS_LINES = [name for name in MAILS if not name.startswith(("in a letter", "quoted below", "broken"))]


@pytest.mark.parametrize("name", [name for name in KEEPS_LINES if "broken" not in name])
def test_keys_and_leaves_that_came_by_mail_are_read(name: str) -> None:
    assert [str(key) for key in verify.parse_keys(MAILS[name](f"{KEY}\n{OTHER_KEY}\n"))] == [KEY, OTHER_KEY]
    if name != "an empty line after each":
        assert verify.parse_leaves(MAILS[name](WORLD.leaves().decode())) == verify.parse_leaves(WORLD.leaves())


def test_a_checkpoint_is_taken_as_it_stands_before_anything_is_undone() -> None:
    """Other logs may sign lines that end in a space, or look quoted."""
    signed = note.sign(f"{CHECKPOINT.decode().partition(chr(10) * 2)[0]}\n> kept \n", [SIGNER]).encode()
    report = verify.compare([signed], keys_of(KEY))
    assert [line[1] for line in report.lines] == ["signed_only"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (b"", "is_empty"),
        (b" \r\n\r\n", "is_empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "is_pdf"),
        (b"PK\x03\x04\x14\x00\x00\x00", "is_archive"),
        (gzip.compress(RECEIPT), "is_archive"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is_picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is_picture"),
        (b"\x00\x00\x00\x18ftypheic", "is_picture"),
        (b"<!DOCTYPE html>\n<html><body>", "is_page"),
        (b"{\\rtf1\\ansi", "is_page"),
        (b"From: a@b.example\nSubject: x\n\n" + base64.encodebytes(RECEIPT), "is_mail"),
        (bytes(range(256)), "is_no_text"),
        (RECEIPT[:-200], "is_part_of_receipt"),
        (RECEIPT[:300], "is_part_of_receipt"),
        (WORLD.leaves(), "is_leaves"),
        (KEY.encode(), "is_keys"),
        (b"Hello, please find it attached.\n", "bad_format"),
        (CHECKPOINT.replace(b"\n7\n", b"\n07\n"), "bad_format"),
        (CHECKPOINT.replace(b"\n7\n", b"\n" + b"9" * 5000 + b"\n"), "bad_format"),
        (CHECKPOINT.replace(b"\n7\n", "\n٧\n".encode()), "bad_format"),
        (CHECKPOINT + "— wit+ness AAAAAAAA\n".encode(), "bad_name"),
        (CHECKPOINT + "— wit ness+a AAAAAAAA\n".encode(), "bad_name"),
        (CHECKPOINT + "— wit ness AAAAAAAA\n".encode(), "bad_name"),
        (CHECKPOINT + "— wit\u3000ness AAAAAAAA\n".encode(), "bad_name"),
        (CHECKPOINT + b"".join(f"— w{n} AAAAAAAA\n".encode() for n in range(99)), "many_signatures"),
    ],
)
def test_what_cannot_be_undone_is_named_and_not_called_forged(given: bytes, named: str) -> None:
    alone, as_receipt = verify.compare([given], keys_of(KEY)), verify.examine(given, keys_of(KEY))
    assert [line[:2] for line in alone.lines] == [("unread", named)]
    assert as_receipt.lines[0][:2] in (("unread", named), ("unread", "bad_format"))
    assert alone.status == as_receipt.status == verify.MISUSED
    beside = verify.examine(RECEIPT, keys_of(KEY), outside=[given])
    assert beside.receipt is not None
    assert not [line for line in beside.lines if line[0] == "forged"]


def test_what_is_wrong_with_a_checkpoint_is_said_of_it_and_the_receipt_stays_good() -> None:
    forged = CHECKPOINT.replace(b"\n7\n", b"\n8\n")
    unsigned = World(7, signer=OTHER).checkpoint()
    for given, key in ((forged, "bad_signature"), (unsigned, "unsigned"), (CHECKPOINT[:60], "bad_format")):
        report = verify.examine(RECEIPT, keys_of(KEY), outside=[CHECKPOINT, given])
        assert report.status == verify.UNCOMPARED
        assert report.lines[0][:2] == ("shown", "included")
        about = [values for _mark, said, values in report.lines if said == key]
        assert about == [{"about": "about_outside", "nth": 2}]
        assert ("shown", "same_history", {"size": 7}) in report.lines
        words = {key: words for (_mark, key, _values), (_m, words) in zip(report.lines, report.spoken(), strict=True)}
        assert words[key].startswith("The receipt is good; this is of checkpoint 2 given beside it: ")


def test_what_is_wrong_with_leaves_and_proofs_is_said_of_them() -> None:
    later = WORLD.grown(cases=4)
    for leaves in (b"", later.leaves()[:-7], RECEIPT, WORLD.leaves()):
        report = verify.examine(RECEIPT, keys_of(KEY), outside=[later.checkpoint()], leaves=leaves)
        assert (report.status, report.receipt is not None) == (verify.UNCOMPARED, True)
    report = verify.examine(RECEIPT, keys_of(KEY), outside=[later.checkpoint()], growth=[b"old 7\n", later.growth(7)])
    assert ("shown", "same_history", {"size": 11}) in report.lines
    assert report.status == verify.UNCOMPARED
    # Two signed things that contradict each other are another matter, though the receipt is as good as before.
    fork = verify.examine(RECEIPT, keys_of(KEY), outside=[World(7, seed=1).checkpoint()])
    assert (fork.status, fork.receipt is not None) == (verify.FORGED, True)
    assert ("forged", "fork", {"about": "about_others"}) in fork.lines
    assert not [line for line in fork.lines if line[1] == "same_history"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("# note", "bad_key"),
        ("nonsense", "bad_key"),
        ("a b+01234567+AAAA", "bad_key"),
        (KEY.replace("log.example", "log+example"), "bad_key"),
        (KEY.replace("log.example", "log.exbmple"), "mistyped_key"),
        (KEY[:-4], "mistyped_key"),
        (f"PRIVATE+KEY+{KEY}", "private_key"),
        ("w.example+01234567+" + base64.b64encode(b"\4" + bytes(32)).decode(), "other_algorithm"),
    ],
)
def test_a_key_that_is_none_is_named_with_its_line(line: str, named: str) -> None:
    with pytest.raises(verify.Rejected) as rejected:
        verify.parse_keys(f"{OTHER_KEY}\n\n{line}\n{KEY}\n".encode())
    assert (rejected.value.sentence, rejected.value.values) == (named, {"line": 3})


def test_a_key_given_twice_is_one_key() -> None:
    assert len(verify.parse_keys(f"{KEY}\n{KEY}\n".encode() * 1000)) == 1
    many = "".join(f"log{n}\n" for n in range(verify.MOST_KEYS + 1))
    with pytest.raises(verify.Rejected, match="many_keys"):
        verify.parse_keys(many.encode())
