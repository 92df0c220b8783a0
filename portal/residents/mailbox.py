"""The mails of the demonstration, which never leave the machine. A mail that cannot be read never hides the others."""

import email
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from email import policy
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path

import structlog
from django.utils.html import strip_tags

NEWEST = 20
# Django's file backend ends each mail with a line of 79 hyphens. The next mail starts with a header, so that hyphens
# within a text end nothing.
_END = re.compile(rb"^-{79}\n(?=\Z|[A-Za-z-]+: )", re.MULTILINE)
_CODE = re.compile(r"\b([0-9]{6})\b")

log = structlog.get_logger()


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes


@dataclass(frozen=True)
class Piece:
    text: str
    is_code: bool


@dataclass(frozen=True)
class Mail:
    """`digest` names the mail in addresses. Of a mail that cannot be read only digest and time are known."""

    digest: str
    sent_at: datetime
    is_readable: bool = False
    is_whole: bool = True
    to: str = ""
    subject: str = ""
    paragraphs: tuple[tuple[Piece, ...], ...] = ()
    attachments: tuple[Attachment, ...] = ()


def newest(folder: Path) -> list[Mail]:
    mails: list[Mail] = []
    for written_at, file in sorted(_files(folder), reverse=True):
        mails += _mails(file, written_at)
        if len(mails) >= NEWEST:
            break
    return sorted(mails, key=lambda mail: mail.sent_at, reverse=True)[:NEWEST]


def attachment(folder: Path, *, digest: str, number: int) -> Attachment | None:
    """The `number`th attachment, counted from 1, of one of the newest mails."""
    attached = next((mail.attachments for mail in newest(folder) if mail.digest == digest), ())
    return attached[number - 1] if 0 < number <= len(attached) else None


def _files(folder: Path) -> Iterator[tuple[datetime, Path]]:
    for file in folder.glob("*.log"):
        with suppress(FileNotFoundError):  # deleted since the folder was listed
            yield datetime.fromtimestamp(file.stat().st_mtime, UTC), file


def _mails(file: Path, written_at: datetime) -> Iterator[Mail]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError:
        yield Mail(sha256(file.name.encode()).hexdigest(), written_at)
        return
    *ended, rest = _END.split(content)
    for raw in ended:
        yield _mail(raw, written_at)
    if rest.strip():  # still being written, or its writer was stopped
        yield replace(_mail(rest, written_at), is_whole=False)


def _mail(raw: bytes, written_at: datetime) -> Mail:
    digest = sha256(raw).hexdigest()
    # The parser of the standard library raises many kinds of errors at headers and bodies that are not well formed.
    try:
        message = email.message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
        if message["To"] is None:  # cut off within its headers, or no mail at all
            return Mail(digest, written_at)
        body = message.get_body(("plain", "html"))
        return Mail(
            digest=digest,
            sent_at=_instant(message) or written_at,
            is_readable=True,
            to=_printable(message["To"]),
            subject=_printable(message["Subject"] or ""),
            paragraphs=tuple(_paragraphs(_text(body))) if body is not None else (),
            attachments=tuple(_attachments(message)),
        )
    except Exception as error:
        log.warning("mail_unreadable", digest=digest, error=type(error).__name__)
        return Mail(digest, written_at)


def _instant(message: EmailMessage) -> datetime | None:
    with suppress(ValueError):
        read = parsedate_to_datetime(str(message["Date"]))
        # Near the ends of time a date cannot be told in every time zone.
        if MINYEAR < read.year < MAXYEAR:
            # "-0000" is how a mail says UTC without saying where it was written; Python reads it as no zone at all.
            return read if read.tzinfo else read.replace(tzinfo=UTC)
    return None


def _text(part: MIMEPart) -> str:
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):  # a character set that Python does not know, or no name of one
        text = _bytes(part).decode(errors="replace")
    return _printable(strip_tags(text) if part.get_content_subtype() == "html" else text)


def _printable(text: object) -> str:
    """Bytes that were no characters come out of the parser as halves of surrogate pairs, which no page can carry."""
    return str(text).encode(errors="replace").decode()


def _attachments(message: EmailMessage) -> Iterator[Attachment]:
    for number, part in enumerate(message.iter_attachments(), start=1):
        yield Attachment(_printable(part.get_filename() or f"attachment-{number}"), _bytes(part))


def _bytes(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)  # None of a part that holds further parts, such as a forwarded mail
    return content if isinstance(content, bytes) else part.as_bytes()


def _paragraphs(text: str) -> Iterator[tuple[Piece, ...]]:
    for paragraph in text.strip().split("\n\n"):
        # Splitting by a group leaves the codes at the odd places.
        yield tuple(Piece(part, bool(n % 2)) for n, part in enumerate(_CODE.split(paragraph)) if part)
