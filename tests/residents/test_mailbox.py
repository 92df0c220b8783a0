"""The demonstration's mailbox, and that nothing else has one."""

import os
import re
import threading
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from portal.residents import mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def page() -> str:
    answer = Client().get("/en/mailbox/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_mails_with_the_code_marked(folder: Path) -> None:
    EmailMessage("Your code", "Your code is 123456\n\nBye <b>", to=["ana@example.org"]).send()
    EmailMessage("Élu", "Déjà reçu", to=["bo@example.org"]).send()
    text = page()
    assert '<strong class="portal-mail__code">123456</strong>' in text
    assert "Bye &lt;b&gt;" in text
    assert "Déjà reçu" in text


def test_it_tells_the_time_of_the_reader(folder: Path, settings: Settings) -> None:
    settings.TIME_ZONE = "America/Toronto"
    mail = EmailMessage("Your code", "123456", to=["ana@example.org"])
    mail.extra_headers["Date"] = "Sun, 22 Nov 2026 18:43:00 -0000"
    mail.send()
    assert "November 22, 2026, 1:43 p.m." in page()


def test_it_says_when_there_is_none(folder: Path) -> None:
    assert "No mail yet" in page()


def test_it_exists_in_the_demonstration_alone(folder: Path, settings: Settings) -> None:
    with_attachment("receipt.tlog-proof", b"content")
    (address,) = re.findall(r'href="(/en/mailbox/[^"]+/1/)"', page())
    settings.DEMO = False
    for closed in ("/en/mailbox/", address):
        assert Client().get(closed).status_code == 404


def with_attachment(name: str, content: bytes) -> None:
    mail = EmailMessage("Your receipt", "It is attached.", to=["ana@example.org"])
    mail.attach(name, content, "application/octet-stream")
    mail.send()


def test_an_attachment_is_named_and_can_be_kept(folder: Path) -> None:
    with_attachment("receipt.tlog-proof", b"c2sp.org/tlog-proof@v1\n\xff")
    assert "It is attached." in page()
    (address,) = re.findall(r'href="(/en/mailbox/[^"]+/1/)" download>receipt.tlog-proof<', page())
    answer = Client().get(address)
    assert answer.content == b"c2sp.org/tlog-proof@v1\n\xff"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="receipt.tlog-proof"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    for wrong in (address.replace("/1/", "/2/"), address.replace("/1/", "/0/"), "/en/mailbox/nothing/1/"):
        assert Client().get(wrong).status_code == 404


@pytest.mark.parametrize("name", ["../../etc/passwd", 'a"b.txt', "<script>.html", "reçu.txt", "a\\..\\b"])
def test_a_name_of_an_attachment_stays_a_name(folder: Path, name: str) -> None:
    with_attachment(name, b"content")
    assert "<script>.html" not in page()
    (address,) = re.findall(r'href="(/en/mailbox/[^"]+/1/)"', page())
    answer = Client().get(address)
    assert answer.content == b"content"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "/" not in answer["Content-Disposition"]


END = b"-" * 79 + b"\n"
HEAD = b"Content-Type: text/plain\nSubject: Odd\nTo: bo@example.org\nDate: Sun, 22 Nov 2026 18:43:00 -0000\n"
NESTED = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\nTo: bo@example.org\nSubject: Odd\n\n'
ODD = {
    "only HTML": (HEAD.replace(b"plain", b"html") + b"\n<p>Hello <b>there</b>", "Hello there"),
    "unknown charset": (HEAD.replace(b"plain", b"plain; charset=klingon") + b"\nHello \xff", "Hello"),
    "charset that is no name": (HEAD.replace(b"plain", b'plain; charset="u\0"') + b"\nHello", "Hello"),
    "wrong bytes": (HEAD.replace(b"plain", b"plain; charset=utf-8") + b"\nHello \xff\xed\xa0\x80", "Hello"),
    "binary": (HEAD.replace(b"text/plain", b"application/pdf") + b"\n%PDF", "Odd"),
    "a mail within": (NESTED + b"--x\nContent-Type: message/rfc822\n\nSubject: In\n\nIn\n--x--\n", "attachment-1"),
    "boundary never closed": (NESTED + b"--x\nContent-Type: text/plain\n\nHello\n", "Hello"),
    "boundary not named": (NESTED.replace(b'; boundary="x"', b"") + b"--x\n\nHello\n", "Odd"),
    "broken base64": (HEAD + b"Content-Transfer-Encoding: base64\n\nSGVsbG8=!!!=A", "Hello"),
    "hyphens in the text": (HEAD + b"\nHello\n" + END + b"there", "there"),
    "no date": (HEAD.replace(b"Date: Sun, 22 Nov 2026 18:43:00 -0000\n", b"") + b"\nHello", "Hello"),
    "no real date": (HEAD.replace(b"Sun, 22 Nov 2026", b"Someday") + b"\nHello", "Hello"),
    "the first of days": (
        HEAD.replace(b"22 Nov 2026 18:43:00 -0000", b"1 Jan 0001 00:00:00 +1400") + b"\nHello",
        "Hello",
    ),
    "the last of days": (
        HEAD.replace(b"22 Nov 2026 18:43:00 -0000", b"31 Dec 9999 23:59:59 -1200") + b"\nHello",
        "Hello",
    ),
    "no subject": (HEAD.replace(b"Subject: Odd\n", b"") + b"\nHello", "No subject"),
    "odd subject": (HEAD.replace(b"Odd", b"=?klingon?q?=ff?= \xff =?utf-8?b?!!!?=") + b"\nHello", "Hello"),
    "odd address": (HEAD.replace(b"bo@example.org", b'"<@>, :;@[') + b"\nHello", ""),
    # The parser of Python 3.11 fails at these two with an IndexError and an AttributeError.
    "address that ends early": (HEAD.replace(b"bo@example.org", b"bo@example.org, <") + b"\nHello", ""),
    "host that is not closed": (HEAD.replace(b"bo@example.org", b"bo@[example.org") + b"\nHello", ""),
    "no headers": (b"Hello", "This mail cannot be read"),
    "zeros": (b"\0" * 500, "This mail cannot be read"),
    "cut within its headers": (b"Content-Type: text/pl", "This mail cannot be read"),
}


@pytest.mark.parametrize("kind", ODD)
def test_no_odd_mail_hides_the_others(folder: Path, kind: str) -> None:
    raw, shown = ODD[kind]
    EmailMessage("Your code", "Your code is 123456", to=["ana@example.org"]).send()
    (folder / "odd.log").write_bytes(raw + b"\n" + END + HEAD + b"\nIn the same file\n" + END)
    text = page()
    assert text.count("<article") == 3
    assert "In the same file" in text
    assert '<strong class="portal-mail__code">123456</strong>' in text
    assert shown in text
    assert "The end of this mail is missing" not in text


@pytest.mark.parametrize("size", range(0, 1400, 50))
def test_a_mail_that_is_half_written_is_shown_as_such(folder: Path, size: int) -> None:
    with_attachment("receipt.tlog-proof", b"content " * 100)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    assert len(whole) > 1400
    # Django may name the next file the same, within a second, and would append to it.
    file.rename(folder / "half.log").write_bytes(whole[:size])
    EmailMessage("Your code", "Your code is 123456", to=["ana@example.org"]).send()
    text = page()
    assert "123456" in text
    assert ("The end of this mail is missing" in text) == (size > 0)


def test_a_file_that_cannot_be_read_is_shown_as_such(folder: Path) -> None:
    EmailMessage("Your code", "Your code is 123456", to=["ana@example.org"]).send()
    (folder / "folder.log").mkdir()  # reading it is an error for every account, root's too
    (folder / "gone.log").symlink_to(folder / "nowhere")  # listed, and not there
    text = page()
    assert "123456" in text
    assert text.count("This mail cannot be read") == 1


def test_files_may_vanish_while_the_page_is_made(folder: Path) -> None:
    for number in range(50):
        (folder / f"{number}.log").write_bytes(HEAD + b"\nHello\n" + END)
    files = list(folder.iterdir())

    def empty() -> None:
        for file in files:
            file.unlink()

    vanishing = threading.Thread(target=empty)
    vanishing.start()
    answers = {Client().get("/en/mailbox/").status_code for _ in range(5)}
    vanishing.join()
    assert answers == {200}


def test_the_newest_are_shown_however_many_there_are(folder: Path) -> None:
    for number in range(mailbox.NEWEST + 5):
        file = folder / f"{number}.log"
        file.write_bytes(HEAD.replace(b"Odd", b"Number %d." % number) + b"\nHello\n" + END)
        os.utime(file, (number, number))
    text = page()
    assert text.count("<article") == mailbox.NEWEST
    assert "Number 4." not in text
    assert f"Number {mailbox.NEWEST + 4}." in text
