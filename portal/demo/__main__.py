"""`make demo`: the main job without a browser, over real HTTP, on a stack of its own that is torn down at the end."""

import csv
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from portal.demo import pictures
from portal.demo.browser import Browser, PageError
from portal.demo.staff import Colleague, Progress
from portal.demo.tally import Match, Tally
from portal.local import variables
from portal.local.console import Console
from portal.local.stack import PROJECT, Stack, StackError

SITE = "demo.example"
PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif"}
PATIENCE = 300.0  # seconds in which nothing moves
PAUSE = 0.1  # seconds between two looks at least
ADDRESS = "resident@demo.example"

# Whether a photo, by name, shows the subject; None where nobody says.
Identify = Callable[[str], bool | None]


class DemoError(Exception):
    """One sentence for the person at the terminal."""


@dataclass(frozen=True)
class Plan:
    """What is searched in what, and what must be found. Names are relative to `folder`."""

    folder: Path
    shown: str  # the folder as it was given, for the report
    selfie: Path
    names: tuple[str, ...]  # imported, without the selfie
    expected: tuple[str, ...] | None  # None: not known
    strangers: tuple[str, ...]  # known to show somebody else


# --- what to do ---


def plan(options: Mapping[str, str], folder: Path) -> Plan:
    """From FACES, SELFIE and LABELS; without them, the pictures that ship in the packages, written to `folder`.
    Errors: DemoError."""
    if not options.get("FACES"):
        if options.get("SELFIE") or options.get("LABELS"):
            raise DemoError("SELFIE and LABELS belong to a folder of photos: name it with FACES=DIR.")
        pictures.write(folder)
        faces, shown, selfie = folder, "", folder / pictures.SELFIE
    else:
        faces, shown = Path(options["FACES"]).absolute(), options["FACES"]
        if not faces.is_dir():
            raise DemoError(f"There is no folder {shown}: FACES names the folder of photos to import.")
        selfie = _selfie(options, faces)
    names = tuple(
        name
        for name in sorted(file.relative_to(faces).as_posix() for file in faces.rglob("*") if _is_photo(file))
        if not _same(faces / name, selfie)
    )
    if not names:
        raise DemoError(f"There is no photo below {shown} but the selfie.")
    labels = options.get("LABELS")
    identify = _by_label(Path(labels), faces, selfie) if labels else _by_folder(faces, selfie)
    if identify is None:
        return Plan(faces, shown, selfie, names, expected=None, strangers=())
    return Plan(
        faces,
        shown,
        selfie,
        names,
        expected=tuple(name for name in names if identify(name) is True),
        strangers=tuple(name for name in names if identify(name) is False),
    )


def _is_photo(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in PHOTO_ENDINGS


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _selfie(options: Mapping[str, str], faces: Path) -> Path:
    if not options.get("SELFIE"):
        raise DemoError("SELFIE=FILE is missing: it names the photo that the resident sends.")
    for file in (Path(options["SELFIE"]), faces / options["SELFIE"]):
        if file.is_file():
            return file.absolute()
    raise DemoError(f"There is no file {options['SELFIE']}: SELFIE names the photo that the resident sends.")


def _by_folder(faces: Path, selfie: Path) -> Identify | None:
    """The photos in the selfie's own subfolder are the subject's and the rest are not, where it lies in one."""
    own = selfie.resolve().parent
    if own == faces.resolve() or faces.resolve() not in own.parents:
        return None
    return lambda name: (faces / name).resolve().parent == own


def _by_label(labels: Path, faces: Path, selfie: Path) -> Identify:
    """The photos that the CSV gives the same identity as the selfie. Errors: DemoError."""
    try:
        with labels.open(newline="", encoding="utf-8-sig") as rows:
            identities = {row["file"]: (row["identity"] or "").strip() for row in csv.DictReader(rows)}
    except (OSError, KeyError, UnicodeDecodeError):
        raise DemoError(f"{labels} cannot be read as a CSV file with the columns file and identity.") from None
    wanted = {identity for file, identity in identities.items() if identity and _same(faces / file, selfie)}
    if len(wanted) != 1:
        raise DemoError(f"{labels} gives the selfie no identity: nothing could be expected.")
    return lambda name: identities[name] in wanted if identities.get(name) else None


# --- doing it ---


@dataclass(frozen=True)
class Drawn:
    """The path of the case's page, whom the system drew for it, and who is left for second person."""

    case: str
    reviewer: Colleague
    second: Colleague


@dataclass
class Demo:
    plan: Plan
    stack: Stack
    console: Console
    tally: Tally
    _decided: set[str] = field(default_factory=set)

    def run(self) -> None:
        self._import()
        resident = Browser(self.stack.url)
        with self.step("confirm the contact with the mailed code", "contact"):
            self._confirm_contact(resident)
        with self.step("send selfie and request", "submit"):
            reference = self._submit(resident)
        submitted = time.monotonic()
        with self.step("sign in as two of staff", "sign in"):
            staff = self._staff()
        with self.step("search the index", "search"):
            drawn = self._searched(staff, reference)
            open_matches = self._look_up(reference)
        while drawn and self._decide(drawn, open_matches):
            with self.step("hide, remove from every store, read back", "remove"):
                self._wait_for(drawn, lambda seen: seen.rests, "the removal did not end")
            self.tally.seconds["submitted to removed"] = round(time.monotonic() - submitted, 2)
            # What was confirmed may have led to more.
            with self.step("look for what is left", "check"):
                open_matches = self._look_up(reference)

    @contextmanager
    def step(self, text: str, name: str) -> Iterator[None]:
        begun = time.monotonic()
        with self.console.step(text):
            yield
        self._took(name, begun)

    def _took(self, name: str, begun: float) -> None:
        """A step that is done twice took the sum."""
        seconds = self.tally.seconds
        seconds[name] = round(seconds.get(name, 0) + time.monotonic() - begun, 2)

    def _import(self) -> None:
        """The harvest of `manage.py harvest`; photos that hold no readable image are reported by it and skipped."""
        begun = time.monotonic()
        photos = len(self.plan.names)
        with (
            tempfile.TemporaryDirectory(dir=self.stack.folder) as folder,
            self.console.bar(f"import {photos} photos", photos) as advance,
        ):
            manifest = pictures.manifest(
                Path(folder) / "manifest.csv", self.plan.folder, self.plan.names, sites=(SITE,)
            )
            not_taken = self._harvest(manifest, lambda line: _advance(advance, line))
        if not_taken:
            self.console.line(f"  {not_taken}")
        self._took("import", begun)

    def _harvest(self, manifest: Path, on_line: Callable[[str], None]) -> str:
        """What the command says of photos that could not be taken; the others are in. Errors: StackError."""
        try:
            self.stack.manage("harvest", "--count", str(manifest), on_line=on_line)
        except StackError as error:
            if not str(error).startswith("Not taken: "):
                raise
            return str(error)
        return ""

    def _confirm_contact(self, resident: Browser) -> None:
        resident.open("/en/request/place/")
        resident.submit({"place": "CA-ON"})
        resident.submit({"contact": ADDRESS})
        patience = Patience(self.stack.mend, "the code did not come")
        while (code := _mailed_code(self.stack.url)) is None:
            patience.wait(code)
        resident.submit({"code": code})

    def _submit(self, resident: Browser) -> str:
        resident.submit({"route": "photo", "agreed": "on"})
        resident.submit({}, file=("photo", self.plan.selfie))
        resident.submit({"keep_out": "no"})
        page = resident.submit({})
        found = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", page)
        if found is None:
            raise DemoError("The portal gave no reference for the request.")
        return found.group()

    def _staff(self) -> tuple[Colleague, Colleague]:
        accounts = [one for one in self.stack.world["accounts"] if one["role"] == "staff"]
        first, second = (Colleague(self.stack.url, account) for account in accounts[:2])
        return first, second

    def _searched(self, staff: tuple[Colleague, Colleague], reference: str) -> Drawn | None:
        """Whom the system drew for the case, once the search is over; None where nothing was found to decide."""
        patience = Patience(self.stack.mend, "the search did not end")
        first, second = staff
        while True:
            for reviewer, other in ((first, second), (second, first)):
                if case := reviewer.find(reference):
                    return Drawn(case, reviewer, other)
            state = json.loads(self.stack.manage("demo_report", reference))["state"]
            if state in ("settled", "closed"):
                return None
            patience.wait(state)

    def _wait_for(self, drawn: Drawn, done: Callable[[Progress], bool], otherwise: str) -> None:
        """Look at the case's page until it is so; the patience begins anew whenever something moved."""
        patience = Patience(self.stack.mend, otherwise)
        while not done(seen := drawn.reviewer.progress(drawn.case)):
            if seen.is_stuck:
                raise DemoError("A store did not remove an image; the system page says which.")
            patience.wait(seen)

    def _decide(self, drawn: Drawn, open_matches: list[Match]) -> bool:
        """One approves what one may decide; two decide the rest, where it is known whom the photos show.

        False where there was nothing to decide."""
        certain = [match for match in open_matches if match.people == 1]
        expected = self.plan.expected
        probable = [match for match in open_matches if match.people > 1] if expected is not None else []
        if any(match.image in self._decided for match in (*certain, *probable)):
            raise DemoError("The portal did not take what staff decided.")
        self._decided |= {match.image for match in (*certain, *probable)}
        if certain:
            with self.step(f"look at the {len(certain)} certain as staff and approve them", "approve"):
                drawn.reviewer.approve(drawn.case)
        if probable:
            theirs = [match for match in probable if match.name in (expected or ())]
            kept = len(probable) - len(theirs)
            text = f"look at the {len(probable)} probable as two of staff, delete {len(theirs)}, leave {kept}"
            with self.step(text, "decide"):
                drawn.reviewer.propose(drawn.case, delete=[match.number for match in theirs])
                drawn.second.confirm(drawn.case)
            self.tally.kept |= {match.image for match in probable} - {match.image for match in theirs}
        return bool(certain or probable)

    def _look_up(self, reference: str) -> list[Match]:
        """Note what the case has found so far and what is left of it; returns the matches that are still open."""
        with tempfile.TemporaryDirectory(dir=self.stack.folder) as folder:
            pages = {pictures.page(name, site=SITE): name for name in self.tally.unfound()}
            asked = Path(folder) / "asked.json"
            asked.write_text(json.dumps({"images": list(self.tally.matches), "pages": list(pages)}), encoding="utf-8")
            report = json.loads(self.stack.manage("demo_report", reference, "--left-of", str(asked)))
        return self._noted(report, pages)

    def _noted(self, report: Mapping[str, Any], pages: Mapping[str, str]) -> list[Match]:
        tally = self.tally
        tally.still_there = set(report["left"])
        for found in report["matches"]:
            if found["image"] not in tally.matches:
                match = Match(
                    image=found["image"],
                    number=found["number"],
                    name=_name(found["page"]),
                    band=found["band"],
                    similarity=found["similarity"],
                    people=found["people"],
                )
                tally.matches[match.image] = match
                tally.still_there.add(match.image)
        still_open = [tally.matches[found["image"]] for found in report["matches"] if found["decision"] == "open"]
        tally.waiting = {match.image for match in still_open}
        tally.never_found = {pages[page] for page in report["indexed"]}.intersection(tally.unfound())
        return still_open


def _advance(advance: Callable[[int], None], line: str) -> None:
    """`harvest --count` prints how many photos it has dealt with, a number a line, and at last its sentence."""
    if line.isdigit():
        advance(int(line))


def _name(page: str) -> str:
    return unquote(urlsplit(page).path.lstrip("/"))


def _mailed_code(url: str) -> str | None:
    """The newest code in the demo's mailbox."""
    found = re.search(r'portal-mail__code">([0-9]{6})<', requests.get(f"{url}/en/mailbox/", timeout=30).text)
    return found.group(1) if found else None


class Patience:
    """Waits a moment between two looks, and gives up when nothing moved for long.

    `mend` starts again whatever part of the stack ended, as the supervisor of `make run` does.
    """

    def __init__(self, mend: Callable[[], None], otherwise: str) -> None:
        self._mend, self._otherwise = mend, otherwise
        self._seen: object = None
        self._moved_at = self._waited_at = time.monotonic()

    def wait(self, seen: object) -> None:
        """As long as the look took, so that looking takes no more than half of a core. Errors: DemoError."""
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._moved_at = seen, now
        if now - self._moved_at > PATIENCE:
            raise DemoError(f"Nothing moved for {PATIENCE:.0f} s: {self._otherwise}.")
        self._mend()
        time.sleep(max(PAUSE, now - self._waited_at))
        self._waited_at = time.monotonic()


# --- the command ---


def main() -> int:
    console = Console()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="takedown-demo-") as folder:
            return _demonstrate(dict(os.environ), Path(folder), console)
    except (DemoError, StackError, PageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing of the demo is left.\n")
        return 130


def _demonstrate(options: Mapping[str, str], folder: Path, console: Console) -> int:
    kept = {**variables.read_file(PROJECT / ".env"), **options}
    if kept.get("DATABASE_URL"):
        raise DemoError("DATABASE_URL is set: the demo searches and deletes, so it runs on a database of its own only.")
    begun = time.monotonic()
    chosen = plan(options, folder / "pictures")
    expected = None if chosen.expected is None else frozenset(chosen.expected)
    tally = Tally(expected, frozenset(chosen.strangers))
    stack = Stack(folder / "stack", port=0, demo=True, pictures=False, env=_pack(options), console=console)
    try:
        stack.start()
        Demo(chosen, stack, console, tally).run()
    finally:
        stack.destroy()
    tally.seconds["all"] = round(time.monotonic() - begun, 2)
    if file := options.get("JSON"):
        report = json.dumps(tally.as_json(shown=chosen.shown), indent=2, ensure_ascii=False)
        Path(file).write_text(report + "\n", encoding="utf-8")
    for line in (*tally.lines_by_band(), tally.last_line()):
        console.line(line)
    return 0 if tally.is_as_expected() else 1


def _pack(options: Mapping[str, str]) -> dict[str, str]:
    """PACK is a name or a folder; a relative folder is meant from here."""
    chosen = {name: options[name] for name in ("PACK", "PACKS_FOLDER", "ACCEPT_PACK_LICENCE") if options.get(name)}
    if "PACK" in chosen and Path(chosen["PACK"]).is_dir():
        chosen["PACK"] = str(Path(chosen["PACK"]).absolute())
    return chosen


if __name__ == "__main__":
    sys.exit(main())
