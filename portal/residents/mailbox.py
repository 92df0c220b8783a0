"""The mails of the demonstration, which never leave the machine."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

NEWEST = 20
# Django's file backend ends each mail with a line of 79 hyphens.
_END = re.compile(rb"^-{79}\n", re.MULTILINE)
_CODE = re.compile(r"\b([0-9]{6})\b")


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    sent_at: datetime
    paragraphs: tuple[tuple["Piece", ...], ...]


@dataclass(frozen=True)
class Piece:
    text: str
    is_code: bool


def newest(folder: Path) -> list[Mail]:
    mails = [mail for file in folder.glob("*.log") for mail in _read(file)]
    return sorted(mails, key=lambda mail: mail.sent_at, reverse=True)[:NEWEST]


def _read(file: Path) -> Iterator[Mail]:
    for raw in _END.split(file.read_bytes()):
        if raw.strip():
            message = email.message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
            yield Mail(
                to=str(message["To"]),
                subject=str(message["Subject"]),
                sent_at=_instant(str(message["Date"])),
                paragraphs=tuple(_paragraphs(message.get_content())),
            )


def _instant(date: str) -> datetime:
    # "-0000" is how a mail says UTC without saying where it was written; Python reads it as no zone at all.
    read = parsedate_to_datetime(date)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _paragraphs(text: str) -> Iterator[tuple[Piece, ...]]:
    for paragraph in text.strip().split("\n\n"):
        # Splitting by a group leaves the codes at the odd places.
        yield tuple(Piece(part, bool(n % 2)) for n, part in enumerate(_CODE.split(paragraph)) if part)
