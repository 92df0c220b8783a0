#!/usr/bin/env python3
"""Checks a takedown receipt, or a whole ledger, without asking whoever runs it.

    python verify.py --key KEY RECEIPT [CHECKPOINT] [--leaves FILE] [--key-changes FILE] [--language fr]
    python verify.py --key KEY --leaves FILE CHECKPOINT [CHECKPOINT …]
    python verify.py --key KEY --consistency FILE RECEIPT|CHECKPOINT CHECKPOINT

One file on its own: it needs Python 3.11 and the package `cryptography`, shares no code with the portal, opens no
connection, and takes nothing on trust but KEY. KEY is the log's public key (`name+id+base64`), or a file of such keys,
one a line; have it from a regulator, a newspaper or a friend, never from the receipt or from the portal alone.

What mail programs and editors do to a text (line ends, quoting, broken lines, encodings) is undone first, which is
safe: only what the signature covers is believed then.

Exit status: 0 everything asked was shown; 1 something is false: a signature, a hash or a history does not fit; 2 it was
called wrongly, or what was given cannot be read: it is missing, damaged or of another kind; 3 the receipt is good, but
could not be compared with everything that was given beside it; 4 none of the keys given signed it, so nothing can be
said: the right key is missing, or it is forged.

Formats: C2SP signed-note, tlog-checkpoint, tlog-proof and the body of tlog-witness (c2sp.org), RFC 6962 Merkle trees
over SHA-256.
"""

import argparse
import base64
import binascii
import codecs
import hashlib
import hmac
import html
import json
import os
import quopri
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SHOWN, FORGED, MISUSED, UNCOMPARED, UNSIGNED = 0, 1, 2, 3, 4
LEAF_DOMAIN = b"takedown-portal/leaf/v1\x00"
RECORD_DOMAIN = b"takedown-portal/record/v1\x00"
STEP_DOMAIN = b"takedown-portal/step/v1\x00"
# What a step was, by the store that the record names; a name that is not known here is told as it stands.
KIND_OF_STORE = {
    **dict.fromkeys(("index", "images", "derived", "caches"), "gone"),
    "recipients": "notice",
    "addresses": "refused",
}
KINDS_OF_STEP = ("gone", "notice", "refused", "other")
FIRST_LINE = "c2sp.org/tlog-proof@v1"
CHANGE_LINE = "takedown-portal/key-change@v1"
# A receipt with a record of 100,000 steps is 30 MB; a path has a line for each bit of the size at most.
MOST_BYTES, MOST_PATH, MOST_SIGNATURES, MOST_KEYS = 1 << 28, 64, 64, 64
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
HEX32 = re.compile(r"[0-9a-f]{64}")
# "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus (U+002B) characters."
NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
T = TypeVar("T")


class Rejected(Exception):
    """Something is not what it claims to be: a key of SENTENCES with its values, and of what it is said."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self.sentence, self.values, self.about = sentence, values, ""

    def in_words(self, language: str = "en") -> str:
        return in_words(self.sentence, {**self.values, "about": self.about}, language)


@contextmanager
def of(about: str, **values: object) -> Iterator[None]:
    """Whatever is rejected within is said of `about`, another key of SENTENCES."""
    try:
        yield
    except Rejected as rejected:
        rejected.about = rejected.about or about
        rejected.values = {**values, **rejected.values}
        raise


# --- what mail programs and editors do to a text ----------------------------------------------------------------------

MARKED = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Base64 ends in "=" at most, so these are found where quoted-printable was left as it came.
QUOTED_PRINTABLE = re.compile(r"=3D\s*$|=E2=80=94", re.MULTILINE)
ENTITY = re.compile(r"&(gt|mdash|nbsp|#\d+|#x[0-9a-f]+);", re.IGNORECASE)
FENCE = re.compile(r"(`{3,}|~{3,})\w*")
QUOTE = re.compile(r"([>|] ?)+")
DASH = re.compile(r"[^A-Za-z0-9+/=\s]{1,4}")
ENCODED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
# A text that is none of ours, by how it begins.
OTHER_FILES = (
    (re.compile(rb"\s*%PDF-"), "is_pdf"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh"), "is_archive"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|....ftyp", re.DOTALL), "is_picture"),
    (re.compile(rb"\s*<(!doctype|html|head|body|\?xml)|{\\rtf", re.IGNORECASE), "is_page"),
    (re.compile(rb"(From |[A-Z][A-Za-z-]{1,40}: )[^\n]*\n([A-Z][A-Za-z-]{1,40}:|[ \t])"), "is_mail"),
)


def understood(raw: bytes, read: Callable[[str], T], report: "Report | None" = None) -> T:
    """What `read` finds in it as it stands, else once what mail programs and editors do to a text is undone. That is
    safe: nothing is believed but what signature and hashes cover."""
    try:
        return read(text_of(raw))
    except Rejected as rejected:
        first = rejected
    try:
        found = read(mended(raw))
    except Rejected as rejected:
        kind = kind_of_text(raw) if rejected.sentence in ("bad_format", "bad_leaves", "cut_leaves") else None
        raise (rejected if kind is None else Rejected(kind)) if first.sentence not in FALSE else first from None
    if report is not None and ("note", "mended", {}) not in report.lines:
        report.say("note", "mended")
    return found


def text_of(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Rejected("bad_format") from None


def plain(raw: bytes) -> str:
    """Its letters, with one kind of line end."""
    text = decoded(raw)
    if QUOTED_PRINTABLE.search(text):
        text = quopri.decodestring(text.encode()).decode(errors="replace")
    if ENTITY.search(text):
        text = html.unescape(text)
    return "\n".join(re.sub(r"\r{1,3}\n", "\n", text).splitlines())


def decoded(raw: bytes) -> str:
    for mark, encoding in MARKED:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, errors="replace")
    if b"\0" in raw[:2]:
        return raw.decode("utf-16-be" if raw.startswith(b"\0") else "utf-16-le", errors="replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def mended_lines(raw: bytes) -> list[str]:
    """One line each, without marks of quoting; empty ones too."""
    lines = [bare(line) for line in plain(raw).strip().split("\n")]
    quoted = [place for place, line in enumerate(lines) if QUOTE.match(line)]
    if quoted:
        lines = [QUOTE.sub("", line, count=1) if QUOTE.match(line) else line for line in lines[quoted[0] :]]
    # Some put an empty line behind every line.
    return lines[::2] if len(lines) > 3 and not any(lines[1::2]) else lines


def bare(line: str) -> str:
    line = " ".join(INVISIBLE.sub("", line).split())
    return "" if FENCE.fullmatch(line) else line


def mended(raw: bytes) -> str:
    """The notes in it and nothing around them, each line whole and each signature behind its dash."""
    text = "\n".join(mended_lines(raw)).strip("\n")
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", text)]
    notes = [note_at(blocks, place) for place in range(1, len(blocks)) if is_signatures(blocks[place])]
    if not notes:
        return f"{text}\n" if text else ""
    proofs = [note for note in notes if len(note) == 3]
    changes = [note for note in notes if note[0][0] == CHANGE_LINE]
    return "\n".join(
        "\n\n".join("\n".join(block) for block in note) + "\n" for note in changes or [*proofs, *notes][:1]
    )


def note_at(blocks: list[list[str]], place: int) -> list[list[str]]:
    """The note whose signatures are the block at `place`: its text before them, and the proof before that, if any."""
    text = blocks[place - 1]
    if CHANGE_LINE in text:
        text = text[text.index(CHANGE_LINE) :]
    note = [text, whole_signatures(blocks[place])]
    before = blocks[place - 2] if place >= 2 else []
    begins = [at for at, line in enumerate(before) if line == FIRST_LINE or re.fullmatch(r"old [0-9]+", line)]
    return [whole_proof(before[begins[0] :]), *note] if begins else note


def is_signatures(block: list[str]) -> bool:
    return is_signature(block[0]) and any(ENCODED.fullmatch(word) for line in block for word in line.split(" "))


def is_signature(line: str) -> bool:
    """A dash, a name, base64. The dash is signed by nobody, and becomes another or is lost on the way."""
    first, *others = line.split(" ")
    return bool(DASH.fullmatch(first) or (len(others) == 1 and ENCODED.fullmatch(others[0])))


def whole_signatures(block: list[str]) -> list[str]:
    found, words_so_far = list[list[str]](), 0
    for line in block:
        words = line.split(" ")
        if is_signature(line):
            words = ["—", *(words[1:] if DASH.fullmatch(words[0]) else words)]
            found.append([" ".join(words)])
            words_so_far = len(words)
        elif words_so_far < 3:
            found[-1] += [" ", line]
            words_so_far += len(words)
        elif len(words) == 1:
            found[-1].append(line)
        else:
            break  # what follows is no signature
    return [whole for pieces in found if (whole := "".join(pieces)) != "—"]


def whole_proof(lines: list[str]) -> list[str]:
    """A receipt's long line in one piece."""
    places = [at for at, line in enumerate(lines) if line.partition(" ")[0] == "index"]
    if not places or not lines[1].startswith("extra"):
        return lines
    extra = "".join(lines[1 : places[0]]).replace(" ", "").removeprefix("extra")
    return [lines[0], f"extra {extra}", *lines[places[0] :]]


def kind_of_text(raw: bytes) -> str | None:
    """What it is instead, as a key of SENTENCES."""
    for begins, kind in OTHER_FILES:
        if begins.match(raw):
            return kind
    lines = [line for line in mended_lines(raw) if line]
    if not lines:
        return "is_empty"
    if sum(not letter.isprintable() for letter in "".join(lines)[:1000]) > 10:
        return "is_no_text"
    if FIRST_LINE in lines:
        return "is_part_of_receipt"
    if all(len(line) == 44 and ENCODED.fullmatch(line) for line in lines):
        return "is_leaves"
    if all(re.fullmatch(r"[^\s+]+\+[0-9a-f]{8}\+\S+", line) for line in lines):
        return "is_keys"
    return None


# --- keys and signed notes (C2SP signed-note) -------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    def __str__(self) -> str:
        material = base64.b64encode(b"\x01" + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{material}"


def parse_key(text: str) -> Key:
    if text.strip().startswith("PRIVATE+KEY+"):
        raise Rejected("private_key")
    name, _plus, rest = text.strip().partition("+")
    key_id, _plus, material = rest.partition("+")
    if not NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{8}", key_id):
        raise Rejected("bad_key")
    try:
        raw = unbase64(material)
        key = Key(name, raw[1:])
        named = key.id.hex()
    except (Rejected, UnicodeEncodeError):
        raise Rejected("bad_key") from None
    if raw and raw[0] != 1:
        raise Rejected("other_algorithm")
    if len(raw) != 33 or key_id != named:
        raise Rejected("mistyped_key")
    return key


def parse_keys(raw: bytes) -> list[Key]:
    """One a line, each once. Errors: Rejected, with the line."""
    # A key's base64 never ends in "=": where a line does, quoted-printable broke it.
    text = re.sub(r"= *\n", "", plain(raw))
    lines = [QUOTE.sub("", bare(line), count=1).strip("\"'`") for line in text.split("\n")]
    numbers = {line: number for number, line in reversed(list(enumerate(lines, 1))) if line}
    if not numbers:
        raise Rejected("no_key")
    if len(numbers) > MOST_KEYS:
        raise Rejected("many_keys", most=MOST_KEYS)
    keys = list[Key]()
    for line, number in sorted(numbers.items(), key=lambda one: one[1]):
        with of("about_line", line=number):
            keys.append(parse_key(line))
    return keys


def unbase64(text: str) -> bytes:
    """Standard base64 in its canonical form only: no file says the same in two ways."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise Rejected("bad_format") from None
    if base64.b64encode(raw).decode() != text:
        raise Rejected("bad_format")
    return raw


def signed_text(note: str, keys: list[Key]) -> str:
    """The note's text, once one of `keys` signed it and none of them signed it wrongly."""
    text, signed_by = read_note(note, keys)
    if not signed_by:
        raise Rejected("unsigned")
    return text


def read_note(note: str, keys: list[Key]) -> tuple[str, list[Key]]:
    """The note's text, and those of `keys` that signed it, in their order; none of them signed it wrongly."""
    text, signatures = split_note(note)
    known = {(key.name, key.id): list[Key]() for key in keys}
    for key in dict.fromkeys(keys):
        known[key.name, key.id].append(key)
    signed_by = set[Key]()
    for name, raw in signatures:
        for key in known.get((name, raw[:4]), ()):
            check_signature(key, raw[4:], text)
            signed_by.add(key)
    return text, [key for key in dict.fromkeys(keys) if key in signed_by]


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and each signature line once, as name and key id ‖ signature."""
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in note):
        raise Rejected("bad_format")
    lines = dict.fromkeys(block[:-1].split("\n"))
    if len(lines) > MOST_SIGNATURES:
        raise Rejected("many_signatures", most=MOST_SIGNATURES)
    signatures = []
    for line in lines:
        dash, _space, rest = line.partition(" ")
        name, _space, encoded = rest.rpartition(" ")
        if dash != "—" or not name:
            raise Rejected("bad_format")
        if not NAME.fullmatch(name):
            raise Rejected("bad_name", name=name)
        raw = unbase64(encoded)
        if len(raw) <= 4:
            raise Rejected("bad_format")
        signatures.append((name, raw))
    return f"{text}\n", signatures


def check_signature(key: Key, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        raise Rejected("bad_signature") from None


# --- changes of the key -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A statement of the log: from here on `new` signs. `why`: rotated, signed by both; compromised, by `new` alone."""

    why: str
    old: Key
    new: Key


def parse_changes(raw: bytes, report: "Report | None" = None) -> list[Change]:
    """The log's file of them: notes, parted by an empty line. Each is signed as its kind must be."""
    return understood(raw, read_changes, report)


def read_changes(text: str) -> list[Change]:
    parts = re.split(rf"\n\n(?={re.escape(CHANGE_LINE)}\n)", text.removesuffix("\n")) if text else []
    return [parse_change(f"{part}\n") for part in parts]


def parse_change(note: str) -> Change:
    first, *lines = note.rpartition("\n\n")[0].split("\n")
    if first != CHANGE_LINE or len(lines) != 5 or lines[1] not in ("rotated", "compromised"):
        raise Rejected("bad_format")
    name, why, size = lines[:3]
    old, new = parse_key(lines[3]), parse_key(lines[4])
    if not NUMBER.fullmatch(size) or {old.name, new.name} != {name}:
        raise Rejected("bad_format")
    must = [old, new] if why == "rotated" else [new]
    if read_note(note, must)[1] != must:
        raise Rejected("bad_change")
    return Change(why, old, new)


# --- checkpoints (C2SP tlog-checkpoint) -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    note: str = field(default="", compare=False)


def parse_checkpoint(note: str, keys: list[Key]) -> Checkpoint:
    # What is no checkpoint at all is not called a forged one.
    lines = split_note(note)[0][:-1].split("\n")
    if len(lines) < 3 or "" in lines or not NUMBER.fullmatch(lines[1]):
        raise Rejected("bad_format")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise Rejected("bad_format")
    signed_text(note, keys)
    if lines[0] not in {key.name for key in keys}:
        raise Rejected("other_log")
    return Checkpoint(lines[0], int(lines[1]), root, note)


# --- Merkle trees (RFC 6962, section 2.1) -----------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def roots(entries: Iterable[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """The root at each of `sizes` that is reached, and at the end: complete subtrees, folded from the right."""
    wanted, peaks, size = set(sizes), list[bytes](), 0
    found = {0: folded(peaks)} if 0 in wanted else {}
    for entry in entries:
        size += 1
        peaks.append(leaf_hash(entry))
        complete = size
        while complete % 2 == 0:
            right = peaks.pop()
            peaks.append(node_hash(peaks.pop(), right))
            complete //= 2
        if size in wanted:
            found[size] = folded(peaks)
    found[size] = folded(peaks)
    return found


def folded(peaks: list[bytes]) -> bytes:
    if not peaks:
        return hashlib.sha256(b"").digest()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def check_inclusion(entry: bytes, index: int, path: list[bytes], checkpoint: Checkpoint) -> None:
    """RFC 9162, section 2.1.3.2."""
    check_inclusion_of(leaf_hash(entry), index, path, checkpoint)


def check_inclusion_of(hashed: bytes, index: int, path: list[bytes], checkpoint: Checkpoint) -> None:
    node, last = index, checkpoint.size - 1
    if index > last:
        raise Rejected("not_included")
    for step in path:
        if last == 0:
            raise Rejected("not_included")
        if node & 1 or node == last:
            hashed = node_hash(step, hashed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, step)
        node, last = node >> 1, last >> 1
    if last != 0 or hashed != checkpoint.root:
        raise Rejected("not_included")


def check_consistency(old: Checkpoint, new: Checkpoint, path: list[bytes]) -> None:
    """RFC 9162, section 2.1.4.2: the tree of `new` begins with that of `old`."""
    if not 0 < old.size <= new.size:
        raise Rejected("not_consistent")
    if old.size == new.size:
        if path or old.root != new.root:
            raise Rejected("not_consistent")
        return
    steps = [old.root, *path] if old.size & (old.size - 1) == 0 else list(path)
    if not path:
        raise Rejected("not_consistent")
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Rejected("not_consistent")
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, step)
        node, last = node >> 1, last >> 1
    if last != 0 or before != old.root or after != new.root:
        raise Rejected("not_consistent")


# --- proofs that one checkpoint grew out of another (the body that C2SP tlog-witness takes) ---------------------------


@dataclass(frozen=True)
class Growth:
    """From the first `old` entries to all that `end`, a checkpoint, signs."""

    old: int
    path: list[bytes]
    end: Checkpoint


def parse_growth(text: str, keys: list[Key]) -> Growth:
    head, separator, note = text.partition("\n\n")
    first, *path = head.split("\n")
    number = first.removeprefix("old ")
    if not separator or number == first or not NUMBER.fullmatch(number):
        raise Rejected("bad_format")
    return Growth(int(number), parse_path(path), parse_checkpoint(note, keys))


def parse_path(lines: list[str]) -> list[bytes]:
    if len(lines) > MOST_PATH:
        raise Rejected("bad_format")
    path = [unbase64(line) for line in lines]
    if any(len(step) != 32 for step in path):
        raise Rejected("bad_format")
    return path


def grown(proofs: list[Growth], heads: list[Checkpoint]) -> list[tuple[int, int]]:
    """Which sizes of `heads`, or of a proof's own checkpoint, were shown to have grown into which."""
    known = one_root_a_size([*heads, *(proof.end for proof in proofs)])
    links = []
    for proof in proofs:
        if proof.old in known:
            check_consistency(known[proof.old], proof.end, proof.path)
            links.append((proof.old, proof.end.size))
    return links


def one_root_a_size(heads: list[Checkpoint]) -> dict[int, Checkpoint]:
    known = dict[int, Checkpoint]()
    for head in heads:
        if known.setdefault(head.size, head).root != head.root:
            raise Rejected("fork")
    return known


def histories(sizes: Iterable[int], links: list[tuple[int, int]]) -> list[set[int]]:
    """For each size, all that it begins with. Two sizes are of one history where one of these sets has both: that both
    begin with a third is not enough."""
    found = []
    for size in {*sizes, *(end for _old, end in links)}:
        within = {size}
        while more := {old for old, end in links if end in within} - within:
            within |= more
        found.append(within)
    return found


# --- receipts (C2SP tlog-proof) ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receipt:
    text: str
    opening: dict[str, Any]
    index: int
    path: list[bytes]
    signed: Checkpoint


def is_receipt(raw: bytes) -> bool:
    return raw.startswith(FIRST_LINE.encode()) or FIRST_LINE in mended_lines(raw)


def parse_receipt(text: str, keys: list[Key]) -> Receipt:
    """Errors: Rejected, also where none of `keys` signed its checkpoint."""
    head, separator, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    if not separator or first != FIRST_LINE or len(lines) < 2:
        raise Rejected("bad_format")
    extra, index, *path = lines
    number = index.removeprefix("index ")
    if not extra.startswith("extra ") or not index.startswith("index ") or not NUMBER.fullmatch(number):
        raise Rejected("bad_format")
    raw, steps, signed = unbase64(extra.removeprefix("extra ")), parse_path(path), parse_checkpoint(note, keys)
    return Receipt(text, parse_opening(raw), int(number), steps, signed)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_opening(raw: bytes) -> dict[str, Any]:
    """Canonical JSON only, so that an opening cannot be read in two ways."""
    try:
        opening = json.loads(raw)
        one_way = canonical(opening) == raw
    except (ValueError, RecursionError):
        raise Rejected("bad_opening") from None
    if not one_way or not isinstance(opening, dict) or not is_hash(opening.get("salt")):
        raise Rejected("bad_opening")
    body, named = opening.get("body"), set(opening)
    # Nothing else: a record under another name would pass for a receipt that opens none.
    if named not in ({"body", "salt"}, {"body", "salt", "blind", "record", "steps"}):
        raise Rejected("bad_opening")
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise Rejected("bad_opening")
    return opening


def is_hash(value: object) -> bool:
    return isinstance(value, str) and HEX32.fullmatch(value) is not None


def entry_of(opening: dict[str, Any]) -> bytes:
    salt = bytes.fromhex(opening["salt"])
    return hashlib.sha256(LEAF_DOMAIN + salt + canonical(opening["body"])).digest()


def check_record(opening: dict[str, Any]) -> dict[str, Any] | None:
    """The record beneath the body, where the receipt opens it: it must be the one that the leaf commits to."""
    if "record" not in opening:
        return None
    blind, record, steps = opening["blind"], opening["record"], opening["steps"]
    if not is_hash(blind) or not isinstance(record, dict) or not isinstance(steps, list):
        raise Rejected("bad_opening")
    secret = bytes.fromhex(str(blind))
    committed = hashlib.sha256(RECORD_DOMAIN + derived(secret, "summary") + canonical(record)).hexdigest()
    leaves = (
        hashlib.sha256(STEP_DOMAIN + derived(secret, f"step {number}") + canonical(step)).digest()
        for number, step in enumerate(steps)
    )
    root = roots(leaves, ())[len(steps)].hex()
    if committed != opening["body"].get("record") or root != record.get("root") or len(steps) != record.get("steps"):
        raise Rejected("other_record")
    return {**record, "rows": steps}


def derived(secret: bytes, of: str) -> bytes:
    return hmac.digest(secret, of.encode(), "sha256")


# --- the leaves file --------------------------------------------------------------------------------------------------


def parse_leaves(raw: bytes, report: "Report | None" = None) -> list[bytes]:
    """One entry a line, in base64."""
    return understood(raw, read_leaves, report)


def read_leaves(text: str) -> list[bytes]:
    # The last line ends too, so that a file cut short is seen.
    *lines, rest = text.split("\n")
    if rest:
        raise Rejected("cut_leaves")
    entries = list[bytes]()
    for number, line in enumerate(lines, 1):
        try:
            entry = unbase64(line)
        except Rejected:
            entry = b""
        if len(entry) != 32:
            raise Rejected("cut_leaves" if line and number == len(lines) else "bad_leaves", line=number)
        entries.append(entry)
    # Entries are salted, so no two are ever alike.
    if len(set(entries)) != len(entries):
        raise Rejected("repeated_leaves")
    return entries


def check_leaves(entries: list[bytes], checkpoints: list[Checkpoint]) -> None:
    """The one list of leaves must give the root of every checkpoint: so each is what the next grew out of."""
    found = roots(entries, [one.size for one in checkpoints])
    for one in checkpoints:
        if one.size > len(entries):
            raise Rejected("short_leaves")
        if found[one.size] != one.root:
            raise Rejected("other_leaves")


# --- what is asked ----------------------------------------------------------------------------------------------------


# What contradicts a signature, a hash or a history; whatever else is rejected is unsigned or cannot be read.
FALSE = frozenset(
    {
        *("bad_signature", "bad_change", "other_log", "not_included", "bad_opening", "other_record"),
        *("not_consistent", "fork", "repeated_leaves", "short_leaves", "other_leaves"),
    }
)
# Of these, what leaves a receipt as good as it was: the other thing is at fault, and may be too old or damaged.
HARMLESS = frozenset(("bad_signature", "other_log", "short_leaves"))


@dataclass
class Report:
    """What was found out, line by line: a mark, and a key of SENTENCES with its values."""

    status: int = SHOWN
    lines: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    receipt: Receipt | None = None  # once it is shown to be good, whatever is wrong with what was given beside it
    outside: list[Checkpoint] = field(default_factory=list)

    def say(self, mark: str, sentence: str, **values: object) -> None:
        self.lines.append((mark, sentence, values))

    def refuse(self, rejected: Rejected) -> None:
        # A key that is not here is no forgery: it may be the log's next one, or the one before.
        mark, status = "unread", MISUSED
        if rejected.sentence == "unsigned":
            mark, status = "unsigned", UNSIGNED
        elif rejected.sentence in FALSE:
            mark, status = "forged", FORGED
        if self.receipt is not None and (status != FORGED or rejected.sentence in HARMLESS):
            status = UNCOMPARED
        self.status = FORGED if self.status == FORGED else status
        self.say(mark, rejected.sentence, **rejected.values, **({"about": rejected.about} if rejected.about else {}))

    def spoken(self, language: str = "en") -> list[tuple[str, str]]:
        """Mark (shown, not_shown, forged, unsigned, unread, note) and sentence, in words."""
        return [(mark, in_words(key, values, language)) for mark, key, values in self.lines]


def in_words(sentence: str, values: dict[str, object], language: str) -> str:
    words = SENTENCES[language]
    about = words[str(values["about"])] if values.get("about") else ""
    return (about + words[sentence]).format(**printable(values))


def printable(values: dict[str, object]) -> dict[str, object]:
    """No file may write control characters to a terminal."""
    return {
        name: "".join(letter if letter.isprintable() else "?" for letter in str(value))
        for name, value in values.items()
    }


def examine(
    receipt: bytes,
    keys: list[Key],
    *,
    outside: Iterable[bytes] = (),
    leaves: bytes | None = None,
    growth: Iterable[bytes] = (),
    most_steps: int | None = None,
) -> Report:
    """A receipt, against the log's keys; against checkpoints from elsewhere, by the leaves file or by proofs of growth,
    where given. Of an opened record, `most_steps` are told one by one."""

    def look(report: Report) -> None:
        _examine(report, receipt, keys, most_steps)
        _compare_with(report, keys, list(outside), leaves, list(growth))

    return guarded(look)


def compare(checkpoints: Iterable[bytes], keys: list[Key], *, growth: Iterable[bytes] = ()) -> Report:
    """Checkpoints alone: all signed, none contradicts another of its size, and which grew out of which."""
    return guarded(lambda report: _compare(report, list(checkpoints), keys, list(growth)))


def audit(leaves: bytes, keys: list[Key], checkpoints: Iterable[bytes], *, growth: Iterable[bytes] = ()) -> Report:
    """The whole log: every checkpoint signed, and all of them roots of this one list of leaves."""
    return guarded(lambda report: _audit(report, leaves, keys, list(checkpoints), list(growth)))


def with_changes(keys: list[Key], changes: bytes | None) -> tuple[list[Key], Report]:
    """The keys to go by, and what there is to say of them."""
    found = list(keys)

    def look(report: Report) -> None:
        if changes is not None:
            with of("about_changes"):
                found[:] = follow(report, keys, changes)

    return found, guarded(look)


def follow(report: Report, keys: list[Key], raw: bytes) -> list[Key]:
    """`keys`, and every key that one of them vouches for: by a statement that both signed, in either direction. A key
    that a trusted one calls compromised counts no more, nor what it vouches for."""
    changes = parse_changes(raw, report)
    banned = set[Key]()
    while True:
        trusted = reached([key for key in keys if key not in banned], changes, banned)
        newly = {one.old for one in changes if one.why == "compromised" and one.new in trusted} - banned
        if not newly:
            break
        banned |= newly
    for key in trusted:
        if key not in keys:
            report.say("shown", "key_followed", key=key)
    stated = [one.old for one in changes if one.why == "compromised"]
    for key in dict.fromkeys(one for one in [*keys, *banned] if one in stated):
        report.say("not_shown", "key_compromised" if key in banned else "key_doubted", key=key)
    return trusted


def reached(keys: list[Key], changes: list[Change], banned: set[Key]) -> list[Key]:
    trusted = list(keys)
    for key in trusted:  # grows meanwhile
        for one in changes:
            other = {one.old: one.new, one.new: one.old}.get(key)
            if one.why == "rotated" and other is not None and other not in banned and other not in trusted:
                trusted.append(other)
    return trusted


def guarded(look: Callable[[Report], None]) -> Report:
    report = Report()
    with noted(report):
        look(report)
    return report


@contextmanager
def noted(report: Report) -> Iterator[None]:
    try:
        yield
    except Rejected as rejected:
        report.refuse(rejected)


def _examine(report: Report, raw: bytes, keys: list[Key], most_steps: int | None) -> None:
    receipt = understood(raw, lambda text: parse_receipt(text, keys), report)
    own = receipt.signed
    check_inclusion(entry_of(receipt.opening), receipt.index, receipt.path, own)
    record = check_record(receipt.opening)
    report.receipt = receipt
    report.say("shown", "included", number=receipt.index + 1, size=own.size, origin=own.origin)
    _tell_body(report, receipt.opening["body"])
    _tell_record(report, record, most_steps)


def _compare_with(
    report: Report, keys: list[Key], outside: list[bytes], leaves: bytes | None, growth: list[bytes]
) -> None:
    """What is wrong with these is said of them: the receipt was found to be good."""
    assert report.receipt is not None
    receipt, own, entries, proofs = report.receipt, report.receipt.signed, None, list[Growth]()
    for nth, note in enumerate(outside, 1):
        with noted(report), of("about_outside", nth=nth):
            report.outside.append(read_checkpoint(report, note, keys))
    for nth, proof in enumerate(growth, 1):
        with noted(report), of("about_growth", nth=nth):
            proofs.append(read_growth(report, proof, keys))
    if leaves is not None:
        with noted(report), of("about_leaves"):
            entries = parse_leaves(leaves, report)
    with noted(report), of("about_others"):
        others = report.outside
        one_root_a_size([own, *others])
        links = grown(proofs, [own, *others])
        same = set[int]().union(*(within for within in histories([own.size], links) if own.size in within))
        if entries is not None:
            check_leaves(entries, [own, *others])
            if entries[receipt.index] != entry_of(receipt.opening):
                raise Rejected("other_leaves")
            report.say("shown", "leaves_agree", size=own.size)
            same |= {other.size for other in others}
        _tell_comparison(report, own, others, same)
    report.say("not_shown", "not_the_deed")


def read_checkpoint(report: Report, raw: bytes, keys: list[Key]) -> Checkpoint:
    return understood(raw, lambda text: parse_checkpoint(text, keys), report)


def read_growth(report: Report, raw: bytes, keys: list[Key]) -> Growth:
    return understood(raw, lambda text: parse_growth(text, keys), report)


def read_all(
    report: Report, notes: list[bytes], growth: list[bytes], keys: list[Key]
) -> tuple[list[Checkpoint], list[Growth]]:
    heads, proofs = list[Checkpoint](), list[Growth]()
    for nth, note in enumerate(notes, 1):
        with of("about_checkpoint", nth=nth):
            heads.append(read_checkpoint(report, note, keys))
    for nth, proof in enumerate(growth, 1):
        with of("about_growth", nth=nth):
            proofs.append(read_growth(report, proof, keys))
    return heads, proofs


def _tell_body(report: Report, body: dict[str, str]) -> None:
    known = {"opened": "opened", "closed": "closed"}.get(body.get("kind", ""), "other_kind")
    values = {name: body.get(name, "?") for name in ("kind", "reference", "case", "received_on", "statute")}
    report.say("shown", known, **values)


def _tell_record(report: Report, record: dict[str, Any] | None, most_steps: int | None) -> None:
    if record is None:
        report.say("not_shown", "record_closed")
        return
    rows = [row for row in record["rows"] if isinstance(row, dict)]
    report.say("shown", "record_open" if record.get("finished") is True else "record_unfinished", steps=record["steps"])
    for kind in KINDS_OF_STEP:
        if count := sum(kind_of(row) == kind for row in rows):
            report.say("shown", f"counted_{kind}", count=count)
    for row in rows[:most_steps]:
        _tell_step(report, row)
    if most_steps is not None and len(rows) > most_steps:
        report.say("not_shown", "more_steps", more=len(rows) - most_steps)
    if any(kind_of(row) == "notice" for row in rows):
        report.say("not_shown", "not_the_recipients")
    if any(is_purged(row) and row.get("log") != "checked" for row in rows):
        report.say("not_shown", "not_the_log")


def kind_of(row: dict[str, Any]) -> str:
    """What was done is told by the store: a notice that was written takes nothing from whoever it is to be sent to."""
    return KIND_OF_STORE.get(str(row.get("store")), "other")


def _tell_step(report: Report, row: dict[str, Any]) -> None:
    values = {name: row.get(name) or "-" for name in ("image", "store", "verified_at")}
    report.say("shown", f"step_{kind_of(row)}", **values)
    if is_purged(row):
        how = "step_purged" if row.get("log") == "checked" else "step_purged_log_unseen"
        report.say("shown", how, image=values["image"], purged_at=row["purged_at"])


def is_purged(row: dict[str, Any]) -> bool:
    """What is purged are the files of the index's database; records of before said so of every store."""
    return row.get("store") == "index" and bool(row.get("purged_at"))


def _tell_comparison(report: Report, own: Checkpoint, others: list[Checkpoint], same: set[int]) -> None:
    """`same`: the sizes that are known to be of the same history as the receipt's checkpoint."""
    if not others:
        report.say("not_shown", "no_outside")
    for other in others:
        if other.size in same:
            report.say("shown", "same_history", size=other.size)
        else:
            report.status = report.status or UNCOMPARED
            report.say("not_shown", "uncompared", size=other.size, own=own.size)


def _compare(report: Report, notes: list[bytes], keys: list[Key], growth: list[bytes]) -> None:
    heads, proofs = read_all(report, notes, growth, keys)
    one_root_a_size(heads)
    links = grown(proofs, heads)
    for old, new in links:
        report.say("shown", "grown", old=old, new=new, origin=heads[0].origin)
    sizes = {head.size for head in heads}
    if not any(links and sizes <= within for within in histories(sizes, links)):
        report.status = UNCOMPARED
        for head in heads:
            report.say("not_shown", "signed_only", size=head.size, origin=head.origin)
    else:
        report.say("not_shown", "only_these")


def _audit(report: Report, leaves: bytes, keys: list[Key], checkpoints: list[bytes], growth: list[bytes]) -> None:
    heads, proofs = read_all(report, checkpoints, growth, keys)
    grown(proofs, heads)
    heads += [proof.end for proof in proofs]
    with of("about_leaves"):
        entries = parse_leaves(leaves, report)
    check_leaves(entries, heads)
    newest = max(head.size for head in heads)
    report.say("shown", "audited", size=newest, checkpoints=len(heads), origin=heads[0].origin)
    if len(entries) > newest:
        report.status = UNCOMPARED
        report.say("not_shown", "beyond", more=len(entries) - newest)
    report.say("not_shown", "only_these")


# --- words ------------------------------------------------------------------------------------------------------------

MARKS = {
    "en": {
        "shown": "SHOWN",
        "not_shown": "NOT SHOWN",
        "forged": "FALSE",
        "unsigned": "UNDECIDED",
        "unread": "UNREADABLE",
        "note": "NOTE",
    },
    "fr": {
        "shown": "PROUVÉ",
        "not_shown": "NON PROUVÉ",
        "forged": "FAUX",
        "unsigned": "INDÉCIS",
        "unread": "ILLISIBLE",
        "note": "À NOTER",
    },
}
SENTENCES = {
    "en": {
        "included": "Entry {number} of the {size} entries that the log {origin} signed is this receipt's.",
        "opened": "That entry says: request {reference} was received on {received_on} (statute {statute}, "
        "case {case}).",
        "closed": "That entry closes the record of request {reference}, received on {received_on} (statute {statute}, "
        "case {case}). The record was fixed then: it cannot be changed or replaced unnoticed.",
        "other_kind": "That entry is of the kind {kind}; it is not a case's.",
        "record_closed": "What the record says. This receipt does not open it, whatever was found; a regulator can "
        "have it opened and compared with this receipt.",
        "record_open": "The record is opened here and is the one that was fixed. It states {steps} steps, and that the "
        "case's deletions were complete.",
        "record_unfinished": "The record is opened here and is the one that was fixed. It states {steps} steps by "
        "then, and that the case's deletions were not complete yet.",
        "counted_gone": "Of these, removals from a store that held images, each read back afterwards: {count}.",
        "counted_notice": "Of these, images for which a notice to those who were shown it was written: {count}.",
        "counted_refused": "Of these, images whose address was put on the list of refused addresses: {count}.",
        "counted_other": "Of these, other steps: {count}.",
        "step_gone": "Image {image}: gone from “{store}”, read back at {verified_at}.",
        "step_notice": "Image {image}: a notice to those who, by the register, were shown it was written by "
        "{verified_at}.",
        "step_refused": "Image {image}: its address was put on the list of refused addresses by {verified_at}.",
        "step_other": "Image {image}: the step “{store}” was recorded as done at {verified_at}.",
        "step_purged": "Image {image}: purged from data files and log at {purged_at}.",
        "step_purged_log_unseen": "Image {image}: purged from data files at {purged_at}; log not seen.",
        "not_the_log": "That nothing is left in the log of the index's database: its server did not let it be looked "
        "at.",
        "not_the_recipients": "That those who were shown an image received their notice, or deleted it: a record holds "
        "only that the notices were written.",
        "leaves_agree": "The leaves file is the list of {size} entries that was signed, and holds this entry in its "
        "place.",
        "same_history": "The checkpoint of {size} entries and this receipt tell the same history.",
        "no_outside": "That everyone is shown this same history. Give a checkpoint from a regulator, or from anyone "
        "who is not the operator, to compare with.",
        "uncompared": "Whether the checkpoint of {size} entries and the one of {own} in this receipt tell the same "
        "history: give the log's leaves file (--leaves), or its proof for these two sizes (--consistency).",
        "grown": "The log {origin} of {new} entries grew out of that of {old}: none of the first {old} was changed, "
        "moved or taken out.",
        "not_consistent": "The proof does not lead from the one checkpoint to the other: it was changed, or the log "
        "showed two histories. Keep all the files, and compare with the leaves file (--leaves).",
        "not_the_deed": "That the deletions happened. The log shows what was stated, and when, and that it was not "
        "changed since; whether it is true is for auditors to check in the stores.",
        "audited": "All {size} entries are those that the log {origin} signed; the checkpoints given ({checkpoints}) "
        "are all of this one history.",
        "beyond": "The last {more} lines of the leaves file: no checkpoint that was given covers them.",
        "signed_only": "The checkpoint of {size} entries is signed by {origin}, and that is all that was looked at: "
        "give the log's leaves file (--leaves), or a proof that it grew out of another (--consistency).",
        "only_these": "That nobody was shown another history: that takes checkpoints from others, all given here.",
        "more_steps": "The other {more} steps that the record states, one by one: verify.py tells all of them.",
        "mended": "A mail program or an editor had changed how a text is written (line ends, quoting, broken lines or "
        "the "
        "like). That was undone before anything was checked.",
        "about_file": "{name}: ",
        "about_file_line": "{name}, line {line}: ",
        "about_line": "Line {line}: ",
        "about_key": "The key that was given: ",
        "about_changes": "The key changes that were given: ",
        "about_checkpoint": "Checkpoint {nth}: ",
        "about_growth": "The proof that the log grew ({nth}): ",
        "about_leaves": "The list of leaves: ",
        "about_outside": "The receipt is good; this is of checkpoint {nth} given beside it: ",
        "about_others": "The receipt itself is good; this is of what was given beside it: ",
        "bad_key": "That is not a log's public key: a name without spaces, +, eight digits, +, and letters.",
        "mistyped_key": "That key is mistyped or cut short: its parts do not fit each other.",
        "other_algorithm": "That is a public key of another kind, such as a witness has; a log's is Ed25519.",
        "private_key": "That is a private key: nobody but the log may have it. Tell whoever runs the log, and give the "
        "public key.",
        "no_key": "There is no key in it.",
        "many_keys": "There are more than {most} keys in it: give those that may have signed.",
        "bad_format": "This is damaged, cut short or of another kind. Get the file itself again, as it was sent.",
        "is_empty": "This is empty.",
        "is_pdf": "This is a PDF, perhaps the certificate. Give the text that is signed: of a receipt, the file whose "
        "name "
        "ends in .tlog-proof.",
        "is_archive": "This is packed (zip or the like). Unpack it, and give the file in it.",
        "is_picture": "This is a picture. If it shows the code of a receipt, scan that with a telephone.",
        "is_page": "This is a web page or a formatted document. Give the text that is signed, as plain text.",
        "is_mail": "This is a whole mail. Save the file attached to it, and give that.",
        "is_no_text": "This is no text.",
        "is_part_of_receipt": "This is a receipt that is damaged or cut short, or one where something else was asked "
        "for. Get the file itself again, as it was sent.",
        "is_leaves": "This is a list of leaves, which belongs behind --leaves.",
        "is_keys": "This is a list of keys, which belongs behind --key.",
        "bad_name": "A line of its signatures names a signer as “{name}”: the standard forbids names with a space or a "
        "plus, so this is no signed text.",
        "many_signatures": "It bears more than {most} signatures, which is more than are looked at.",
        "bad_signature": "A signature does not fit the text: what was signed was changed, or the signature is forged.",
        "unsigned": "None of the keys given signed this checkpoint: it is of another key of the log, or of nobody. "
        "Give the key of its time, or the log's key changes too (--key-changes).",
        "bad_change": "A change of the key is not signed as it must be.",
        "key_followed": "By the log's key changes, a key that was given vouches for this one: {key}",
        "key_compromised": "What this key signed: the log states that it was compromised, so it is not taken. {key}",
        "key_doubted": "That this key, which was given, is still good: a statement says that it was compromised, "
        "signed by a key that is not known here. Ask a regulator. {key}",
        "other_log": "The checkpoint is of another log.",
        "not_included": "The entry is not in the log that was signed: receipt or opening was changed.",
        "bad_opening": "What the receipt opens is not what an entry of the log holds: it was changed.",
        "other_record": "The record that is opened here is not the one that was fixed.",
        "cut_leaves": "The leaves file is cut short.",
        "bad_leaves": "Line {line} of the leaves file is not an entry.",
        "repeated_leaves": "The leaves file has an entry twice.",
        "short_leaves": "The leaves file has fewer entries than were signed: some were taken out, or it is too old.",
        "other_leaves": "The leaves file is not what was signed: entries were changed, added, moved or taken out.",
        "fork": "Two checkpoints of the same size contradict each other: the log showed two histories. Keep both "
        "files: together they prove it.",
        "no_file": "there is no such file.",
        "is_folder": "that is a folder, not a file.",
        "unreadable": "that cannot be read.",
        "too_large": "that is larger than {most} bytes, which is more than any receipt or list that is looked at.",
        "two_receipts": "More than one receipt was given: check them one by one.",
    },
    "fr": {
        "included": "L’entrée {number} des {size} entrées que le journal {origin} a signées est celle de ce reçu.",
        "opened": "Cette entrée dit : la demande {reference} a été reçue le {received_on} (loi {statute}, "
        "dossier {case}).",
        "closed": "Cette entrée clôt le compte rendu de la demande {reference}, reçue le {received_on} (loi {statute}, "
        "dossier {case}). Le compte rendu a été fixé alors : on ne peut ni le modifier ni le remplacer sans que cela "
        "se voie.",
        "other_kind": "Cette entrée est du genre {kind} ; ce n’est pas celle d’un dossier.",
        "record_closed": "Ce que dit le compte rendu. Ce reçu ne l’ouvre pas, quoi qu’on ait trouvé ; une autorité "
        "peut le faire ouvrir et le comparer à ce reçu.",
        "record_open": "Le compte rendu est ouvert ici et c’est bien celui qui a été fixé. Il déclare {steps} étapes, "
        "et que les suppressions du dossier étaient achevées.",
        "record_unfinished": "Le compte rendu est ouvert ici et c’est bien celui qui a été fixé. Il déclare {steps} "
        "étapes jusque-là, et que les suppressions du dossier n’étaient pas encore achevées.",
        "counted_gone": "Parmi elles, suppressions dans un dépôt qui contenait des images, chacune relue ensuite : "
        "{count}.",
        "counted_notice": "Parmi elles, images pour lesquelles un avis à ceux à qui elles ont été montrées a été "
        "rédigé : {count}.",
        "counted_refused": "Parmi elles, images dont l’adresse a été mise sur la liste des adresses refusées : "
        "{count}.",
        "counted_other": "Parmi elles, autres étapes : {count}.",
        "step_gone": "Image {image} : absente de « {store} », relu le {verified_at}.",
        "step_notice": "Image {image} : un avis à ceux à qui, selon le registre, elle a été montrée était rédigé le "
        "{verified_at}.",
        "step_refused": "Image {image} : son adresse était sur la liste des adresses refusées le {verified_at}.",
        "step_other": "Image {image} : l’étape « {store} » a été enregistrée comme faite le {verified_at}.",
        "step_purged": "Image {image} : purgée des fichiers de données et du journal le {purged_at}.",
        "step_purged_log_unseen": "Image {image} : purgée des fichiers de données le {purged_at} ; journal non vu.",
        "not_the_log": "Que rien ne reste dans le journal de la base de l’index : son serveur ne l’a pas laissé "
        "regarder.",
        "not_the_recipients": "Que ceux à qui une image a été montrée ont reçu leur avis, ou l’ont supprimée : un "
        "compte rendu dit seulement que les avis ont été rédigés.",
        "leaves_agree": "Le fichier des feuilles est la liste des {size} entrées signées, et cette entrée y est à sa "
        "place.",
        "same_history": "Le point de contrôle de {size} entrées et ce reçu racontent la même histoire.",
        "no_outside": "Que tout le monde voit cette même histoire. Donnez un point de contrôle obtenu d’une autorité, "
        "ou de quiconque n’est pas l’exploitant, pour comparer.",
        "uncompared": "Que le point de contrôle de {size} entrées et celui de {own} dans ce reçu racontent la même "
        "histoire : donnez le fichier des feuilles du journal (--leaves), ou sa preuve pour ces deux tailles "
        "(--consistency).",
        "grown": "Le journal {origin} de {new} entrées est issu de celui de {old} : aucune des {old} premières n’a été "
        "modifiée, déplacée ou retirée.",
        "not_consistent": "La preuve ne mène pas d’un point de contrôle à l’autre : elle a été modifiée, ou le journal "
        "a montré deux histoires. Gardez tous les fichiers, et comparez avec le fichier des feuilles (--leaves).",
        "not_the_deed": "Que les suppressions ont eu lieu. Le journal montre ce qui a été déclaré, quand, et que rien "
        "n’a changé depuis ; aux vérificateurs de contrôler dans les dépôts si c’est vrai.",
        "audited": "Les {size} entrées sont celles que le journal {origin} a signées ; les points de contrôle donnés "
        "({checkpoints}) sont tous de cette seule histoire.",
        "beyond": "Les {more} dernières lignes du fichier des feuilles : aucun point de contrôle donné ne les couvre.",
        "signed_only": "Le point de contrôle de {size} entrées est signé par {origin}, et c’est tout ce qui a été vu : "
        "donnez le fichier des feuilles du journal (--leaves), ou une preuve qu’il est issu d’un autre "
        "(--consistency).",
        "only_these": "Que personne n’a vu une autre histoire : il faut pour cela les points de contrôle des autres, "
        "tous donnés ici.",
        "more_steps": "Les {more} autres étapes que déclare le compte rendu, une à une : verify.py les dit toutes.",
        "mended": "Un logiciel de courriel ou un éditeur avait changé l’écriture d’un texte (fins de ligne, citation, "
        "lignes coupées, etc.). Cela a été défait avant toute vérification.",
        "about_file": "{name} : ",
        "about_file_line": "{name}, ligne {line} : ",
        "about_line": "Ligne {line} : ",
        "about_key": "La clé donnée : ",
        "about_changes": "Les changements de clé donnés : ",
        "about_checkpoint": "Point de contrôle {nth} : ",
        "about_growth": "La preuve que le journal a grandi ({nth}) : ",
        "about_leaves": "La liste des feuilles : ",
        "about_outside": "Le reçu est bon ; ceci concerne le point de contrôle {nth} donné avec lui : ",
        "about_others": "Le reçu lui-même est bon ; ceci concerne ce qui a été donné avec lui : ",
        "bad_key": "Ce n’est pas la clé publique d’un journal : un nom sans espace, +, huit chiffres, + et des "
        "lettres.",
        "mistyped_key": "Cette clé est mal copiée ou tronquée : ses parties ne vont pas ensemble.",
        "other_algorithm": "C’est une clé publique d’un autre genre, comme en a un témoin ; celle d’un journal est "
        "Ed25519.",
        "private_key": "C’est une clé privée : seul le journal peut l’avoir. Prévenez l’exploitant du journal, et "
        "donnez "
        "la clé publique.",
        "no_key": "Il n’y a aucune clé dedans.",
        "many_keys": "Il y a plus de {most} clés dedans : donnez celles qui peuvent avoir signé.",
        "bad_format": "Ceci est abîmé, tronqué ou d’un autre genre. Reprenez le fichier lui-même, tel qu’il a été "
        "envoyé.",
        "is_empty": "Ceci est vide.",
        "is_pdf": "Ceci est un PDF, peut-être le certificat. Donnez le texte signé : pour un reçu, le fichier dont le "
        "nom "
        "finit par .tlog-proof.",
        "is_archive": "Ceci est compressé (zip ou semblable). Décompressez-le et donnez le fichier qu’il contient.",
        "is_picture": "Ceci est une image. Si elle montre le code d’un reçu, lisez-le avec un téléphone.",
        "is_page": "Ceci est une page Web ou un document mis en forme. Donnez le texte signé, en texte brut.",
        "is_mail": "Ceci est un courriel entier. Enregistrez le fichier qui y est joint, et donnez celui-ci.",
        "is_no_text": "Ceci n’est pas un texte.",
        "is_part_of_receipt": "Ceci est un reçu abîmé ou tronqué, ou un reçu là où autre chose est attendu. Reprenez "
        "le "
        "fichier lui-même, tel qu’il a été envoyé.",
        "is_leaves": "Ceci est une liste de feuilles, qui va derrière --leaves.",
        "is_keys": "Ceci est une liste de clés, qui va derrière --key.",
        "bad_name": "Une ligne de ses signatures nomme un signataire « {name} » : la norme interdit les noms avec une "
        "espace ou un plus, ce n’est donc pas un texte signé.",
        "many_signatures": "Il porte plus de {most} signatures, c’est plus qu’on n’en regarde.",
        "bad_signature": "Une signature ne va pas avec le texte : ce qui a été signé a été modifié, ou la signature "
        "est "
        "fausse.",
        "unsigned": "Aucune des clés données n’a signé ce point de contrôle : il est d’une autre clé du journal, ou de "
        "personne. Donnez la clé de son époque, ou aussi les changements de clé du journal (--key-changes).",
        "bad_change": "Un changement de clé n’est pas signé comme il doit l’être.",
        "key_followed": "Selon les changements de clé du journal, une clé donnée répond de celle-ci : {key}",
        "key_compromised": "Ce que cette clé a signé : le journal déclare qu’elle a été compromise, elle n’est donc "
        "pas admise. {key}",
        "key_doubted": "Que cette clé, qui a été donnée, est encore bonne : une déclaration la dit compromise, signée "
        "par une clé inconnue ici. Demandez à une autorité. {key}",
        "other_log": "Le point de contrôle est d’un autre journal.",
        "not_included": "L’entrée n’est pas dans le journal signé : le reçu ou ce qu’il ouvre a été modifié.",
        "bad_opening": "Ce que le reçu ouvre n’est pas ce que contient une entrée du journal : il a été modifié.",
        "other_record": "Le compte rendu ouvert ici n’est pas celui qui a été fixé.",
        "cut_leaves": "Le fichier des feuilles est tronqué.",
        "bad_leaves": "La ligne {line} du fichier des feuilles n’est pas une entrée.",
        "repeated_leaves": "Le fichier des feuilles contient deux fois une entrée.",
        "short_leaves": "Le fichier des feuilles a moins d’entrées qu’il n’en a été signé : il en manque, ou il est "
        "trop ancien.",
        "other_leaves": "Le fichier des feuilles n’est pas ce qui a été signé : des entrées ont été modifiées, "
        "ajoutées, déplacées ou retirées.",
        "fork": "Deux points de contrôle de même taille se contredisent : le journal a montré deux histoires. Gardez "
        "les deux fichiers : ensemble, ils le prouvent.",
        "no_file": "il n’y a pas de tel fichier.",
        "is_folder": "c’est un dossier, pas un fichier.",
        "unreadable": "il est illisible.",
        "too_large": "il dépasse {most} octets, c’est plus que tout reçu ou toute liste qu’on regarde.",
        "two_receipts": "Plus d’un reçu a été donné : vérifiez-les un à un.",
    },
}


# --- the command ------------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify.py", description="Check a takedown receipt, or a whole ledger.")
    parser.add_argument("--key", action="append", required=True, help="the log's public key, or a file of them")
    parser.add_argument("--leaves", help="the log's leaves file")
    parser.add_argument(
        "--consistency", action="append", default=[], help="a proof that one checkpoint grew out of another"
    )
    parser.add_argument("--key-changes", help="the log's key changes, to follow from the key that is given to others")
    parser.add_argument("--language", choices=sorted(SENTENCES), default="en")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a receipt, then checkpoints; or checkpoints alone")
    options = parser.parse_args(arguments)
    report = Report()
    try:
        keys = [key for given in options.key for key in read_keys(given)]
        files = [read(name) for name in options.files]
        leaves = None if options.leaves is None else read(options.leaves)
        growth = [read(name) for name in options.consistency]
        changes = None if options.key_changes is None else read(options.key_changes)
    except Rejected as rejected:
        report.say("unread", rejected.sentence, **rejected.values, about=rejected.about)
        report.status = MISUSED
        return write(report, options.language)
    keys, followed = with_changes(list(dict.fromkeys(keys)), changes)
    if followed.status != SHOWN:
        return write(followed, options.language)
    receipts = [raw for raw in files if is_receipt(raw)]
    others = [raw for raw in files if raw not in receipts]
    if len(set(receipts)) > 1:
        report.refuse(Rejected("two_receipts"))
    elif receipts:
        report = examine(receipts[0], keys, outside=others, leaves=leaves, growth=growth)
    elif leaves is None:
        report = compare(others, keys, growth=growth)
    else:
        report = audit(leaves, keys, others, growth=growth)
    report.lines = followed.lines + report.lines
    return write(report, options.language)


def read(name: str) -> bytes:
    with of("about_file", name=name):
        try:
            with Path(name).open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            raise Rejected("no_file") from None
        except IsADirectoryError:
            raise Rejected("is_folder") from None
        except (OSError, ValueError):
            raise Rejected("unreadable") from None
        if len(raw) > MOST_BYTES:
            raise Rejected("too_large", most=MOST_BYTES)
    return raw


def read_keys(given: str) -> list[Key]:
    """A key as it stands, or a file with one a line."""
    if is_file(given) or "+" not in given:
        raw = read(given)
        try:
            return parse_keys(raw)
        except Rejected as rejected:
            rejected.about = "about_file_line" if "line" in rejected.values else "about_file"
            rejected.values["name"] = given
            raise
    with of("about_key"):
        return [parse_key(given)]


def is_file(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def write(report: Report, language: str) -> int:
    words = MARKS[language]
    width = max(len(word) for word in words.values())
    lines = [f"{words[mark]:<{width}}  {sentence}\n" for mark, sentence in report.spoken(language)]
    try:
        sys.stdout.buffer.write("".join(lines).encode(sys.stdout.encoding or "utf-8", errors="replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return report.status


if __name__ == "__main__":
    sys.exit(main())
