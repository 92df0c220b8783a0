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
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import requests

from portal.demo import pictures
from portal.demo.browser import Browser, PageError
from portal.local import variables
from portal.local.console import Console
from portal.local.stack import PROJECT, Stack, StackError

SITE = "demo.example"
PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif"}
PATIENCE = 300.0  # seconds for any one wait; a large folder takes its time
ADDRESS = "resident@demo.example"


T = TypeVar("T")


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

    def path(self, name: str) -> str:
        return str(Path(self.shown) / name)


@dataclass
class Result:
    matched: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


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
    expected = _by_label(Path(labels), faces, selfie, names) if labels else _by_folder(faces, selfie, names)
    return Plan(faces, shown, selfie, names, expected)


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


def _by_folder(faces: Path, selfie: Path, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """The other photos in the selfie's own subfolder, where it lies in one."""
    own = selfie.resolve().parent
    if own == faces.resolve() or faces.resolve() not in own.parents:
        return None
    return tuple(name for name in names if (faces / name).resolve().parent == own)


def _by_label(labels: Path, faces: Path, selfie: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """The photos that the CSV gives the same identity as the selfie. Errors: DemoError."""
    try:
        with labels.open(newline="", encoding="utf-8-sig") as rows:
            identities = {row["file"]: (row["identity"] or "").strip() for row in csv.DictReader(rows)}
    except (OSError, KeyError, UnicodeDecodeError):
        raise DemoError(f"{labels} cannot be read as a CSV file with the columns file and identity.") from None
    wanted = {identity for file, identity in identities.items() if identity and _same(faces / file, selfie)}
    if len(wanted) != 1:
        raise DemoError(f"{labels} gives the selfie no identity: nothing could be expected.")
    return tuple(name for name in names if identities.get(name) in wanted)


# --- doing it ---


@dataclass
class Demo:
    plan: Plan
    stack: Stack
    console: Console
    result: Result = field(default_factory=Result)

    def run(self) -> Result:
        with self.step(f"import {len(self.plan.names)} photos", "import"):
            self._import()
        resident = Browser(self.stack.url)
        with self.step("confirm the contact with the mailed code", "contact"):
            self._confirm_contact(resident)
        with self.step("send selfie and request", "submit"):
            reference = self._submit(resident)
        submitted = time.monotonic()
        staff = self._sign_in()
        with self.step("search the index", "search"):
            case = self._wait_for_search(staff, reference)
        report = self._report("--case", reference)
        self.result.matched = [self._shown(match) for match in report["matches"]]
        certain = [match for match in report["matches"] if match["band"] == "certain"]
        if certain:
            with self.step(f"approve the {len(certain)} certain as staff", "approve"):
                self._approve(staff, case)
            with self.step("hide, remove from every store, read back", "remove"):
                self._wait_for_removal(staff, case)
        self.result.seconds["submitted to removed"] = round(time.monotonic() - submitted, 2)
        with self.step("look for what is left", "check"):
            self._check(report["matches"], self._report("--case", reference))
        return self.result

    @contextmanager
    def step(self, text: str, name: str) -> Iterator[None]:
        begun = time.monotonic()
        with self.console.step(text):
            yield
        self.result.seconds[name] = round(time.monotonic() - begun, 2)

    def _import(self) -> None:
        """The harvest of `manage.py harvest`; photos that hold no readable image are reported by it and skipped."""
        with tempfile.TemporaryDirectory(dir=self.stack.folder) as folder:
            manifest = pictures.manifest(
                Path(folder) / "manifest.csv", self.plan.folder, self.plan.names, sites=(SITE,)
            )
            self.stack.manage("harvest", str(manifest))

    def _confirm_contact(self, resident: Browser) -> None:
        resident.open("/en/request/place/")
        resident.submit({"place": "CA-ON"})
        resident.submit({"contact": ADDRESS})
        code = _until(lambda: _mailed_code(self.stack.url), "the code did not come")
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

    def _sign_in(self) -> Browser:
        account = next(one for one in self.stack.world["accounts"] if one["role"] == "staff")
        staff = Browser(self.stack.url)
        staff.open("/en/staff/sign-in/")
        staff.submit({"name": account["name"], "password": account["password"]})
        return staff

    def _wait_for_search(self, staff: Browser, reference: str) -> str:
        """The path of the case's page, once the search is over."""
        found = re.search(r"/en/staff/cases/[0-9a-f-]{36}/", staff.open(f"/en/staff/?reference={reference}"))
        if found is None:
            raise DemoError("Staff do not see the case.")
        path = found.group()
        searching = {"received", "searching"}
        _until(lambda: _state(staff.open(path)) not in searching, "the search did not end", pause=0.5)
        return path

    def _approve(self, staff: Browser, case: str) -> None:
        """All that is ticked at first, which is the certain band and never the probable one; then "yes, delete"."""
        staff.open(case)
        for _asked_and_confirmed in range(2):
            staff.submit_to(f"{case}approve/")

    def _wait_for_removal(self, staff: Browser, case: str) -> None:
        def removed() -> bool:
            takedowns = re.findall(r'data-takedown="([a-z]+)"', staff.open(case))
            if "stuck" in takedowns:
                raise DemoError("A store did not remove an image; the system page says which.")
            return bool(takedowns) and set(takedowns) <= {"removed", "purged"}

        _until(removed, "the removal did not end", pause=0.5)

    def _check(self, before: list[dict[str, Any]], after: dict[str, Any]) -> None:
        """Read back in every store what was to go: what was decided, and what was expected."""
        expected = set(self.plan.expected or ())
        names = {match["image"]: _name(match["page"]) for match in before}
        takedowns = {match["image"]: match["takedown"] for match in after.get("matches", [])}
        if not takedowns:
            # A case that closed keeps no matches; what staff approved is what was certain.
            takedowns = {match["image"]: "removed" for match in before if match["band"] == "certain"}
        to_go = [image for image, name in names.items() if takedowns.get(image) or name in expected]
        unfound = sorted(expected - set(names.values()))
        pages = [pictures.page(name, site=SITE) for name in unfound]
        report = self._report("--images", *to_go, "--pages", *pages)
        left = set(report["left"])
        still = {names[image] for image in left} | {_name(page) for page in report["indexed"]}
        self.result.deleted = sorted(self.plan.path(names[image]) for image in to_go if image not in left)
        self.result.left = sorted(self.plan.path(name) for name in still)

    def _report(self, *arguments: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.stack.manage("demo_report", *arguments))
        return report

    def _shown(self, match: Mapping[str, Any]) -> dict[str, Any]:
        similarity = round(match["similarity"], 4) if match["similarity"] is not None else None
        return {"file": self.plan.path(_name(match["page"])), "similarity": similarity, "band": match["band"]}


def _name(page: str) -> str:
    return unquote(urlsplit(page).path.lstrip("/"))


def _state(page: str) -> str:
    found = re.search(r'data-state="([a-z]+)"', page)
    return found.group(1) if found else ""


def _mailed_code(url: str) -> str | None:
    """The newest code in the demo's mailbox."""
    found = re.search(r'portal-mail__code">([0-9]{6})<', requests.get(f"{url}/en/mailbox/", timeout=30).text)
    return found.group(1) if found else None


def _until(look: Callable[[], T | None], otherwise: str, *, pause: float = 0.2) -> T:
    """Look again and again until there is something. Errors: DemoError."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise DemoError(f"After {PATIENCE:.0f} s {otherwise}.")
        time.sleep(pause)
    return seen


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
    stack = Stack(folder / "stack", port=0, demo=True, pictures=False, env=_pack(options), console=console)
    try:
        stack.start()
        result = Demo(chosen, stack, console).run()
    finally:
        stack.destroy()
    result.seconds["all"] = round(time.monotonic() - begun, 2)
    return _tell(chosen, result, options.get("JSON", ""), console)


def _pack(options: Mapping[str, str]) -> dict[str, str]:
    """PACK is a name or a folder; a relative folder is meant from here."""
    chosen = {name: options[name] for name in ("PACK", "PACKS_FOLDER", "ACCEPT_PACK_LICENCE") if options.get(name)}
    if "PACK" in chosen and Path(chosen["PACK"]).is_dir():
        chosen["PACK"] = str(Path(chosen["PACK"]).absolute())
    return chosen


def _tell(plan: Plan, result: Result, file: str, console: Console) -> int:
    """The last line, the JSON, and whether everything expected was found and nothing is left."""
    expected = None if plan.expected is None else {plan.path(name) for name in plan.expected}
    matched = {match["file"] for match in result.matched}
    found = len(matched & expected) if expected is not None else len(matched)
    if file:
        report = {
            "expected": sorted(expected) if expected is not None else None,
            "matched": result.matched,
            "deleted": result.deleted,
            "left": result.left,
            "seconds": result.seconds,
        }
        Path(file).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    wanted = "?" if expected is None else str(len(expected))
    console.line(
        f"found {found} of {wanted} · deleted {len(result.deleted)} · left {len(result.left)}"
        f" · {result.seconds['all']:.1f} s"
    )
    complete = expected is None or expected <= matched
    return 0 if complete and not result.left else 1


if __name__ == "__main__":
    sys.exit(main())
