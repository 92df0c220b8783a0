"""The public ledger's machinery, for whoever runs the portal."""

import secrets
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit import append, roots
from portal.audit.tags import Tag
from portal.cases import receipts
from portal.cases.models import Case
from portal.core.keys import KeyDestroyed
from portal.ledger import log, publication, resume, rotation, sequencer, signers
from portal.ledger.note import KEY_BYTES, NoteError, encode
from portal.ledger.receipt import NotPublished
from portal.operations import publication as publications

NO_KEY = "The log has no key yet: make one with `manage.py ledger create-key`."


class Command(BaseCommand):
    help = "The public ledger: keys, publication, state, and what to do after a restore."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create-key", help="make the log's first key, and with it the log")
        create.add_argument(
            "--name", default="", help="the log's name for good; SITE_URL's host and /ledger by default"
        )
        create.add_argument("--unless-there", action="store_true", help="leave a key that exists as it is")
        verbs.add_parser("status", help="size, newest checkpoint, keys, and whether anything holds it back")
        verbs.add_parser("publish", help="publish now instead of at the next fixed time")
        export = verbs.add_parser("export", help="write checkpoint, leaves and keys to a folder")
        export.add_argument("folder", type=Path)
        verbs.add_parser("hold", help="sign nothing until `resume`; part of restoring any backup")
        resumed = verbs.add_parser("resume", help="sign again, once the newest checkpoint held outside is shown")
        resumed.add_argument("checkpoint", type=Path)
        resumed.add_argument("--leaves", type=Path, help="the published leaves file, when the backup lacks leaves")
        rotated = verbs.add_parser("rotate-key", help="sign with a new key as well, and state it")
        rotated.add_argument("--compromised", action="store_true", help="the old key signs nothing any more")
        verbs.add_parser("retire-key", help="end the overlap: only the newest key signs")
        verbs.add_parser("check", help="read leaves and audit trail anew and compare them with what was signed")
        disclose = verbs.add_parser("disclose", help="print a case's receipt with its record, for an auditor")
        disclose.add_argument("reference")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        carry_out = getattr(self, f"_{verb.replace('-', '_')}")
        try:
            carry_out(options)
        except signers.NoKey:
            raise CommandError(NO_KEY) from None
        except publication.Held as held:
            raise CommandError(f"Nothing was signed: {held}. `manage.py ledger resume` says how to go on.") from None
        except (NoteError, resume.Inconsistent) as fault:
            raise CommandError(f"{fault}.") from None

    def _create_key(self, options: dict[str, Any]) -> None:
        try:
            key = signers.create(options["name"])
        except signers.KeyExists:
            if not options["unless_there"]:
                raise CommandError("The log has a key: `rotate-key` changes it.") from None
            return
        self.stdout.write(f"The log's key, to be given to everybody: {key}")

    def _status(self, _options: dict[str, Any]) -> None:
        newest = publication.latest()
        for key in signers.verifiers():
            self.stdout.write(f"key         {key}")
        self.stdout.write(f"numbered    {sequencer.size()} leaves")
        if newest is None:
            self.stdout.write("checkpoint  none yet")
        else:
            self.stdout.write(f"checkpoint  {newest.size} leaves, {newest.published_at:%Y-%m-%d %H:%M:%S} UTC")
        held = "" if signers.head() is not None else "yes: show the newest checkpoint held outside to `ledger resume`"
        self.stdout.write(f"held back   {held or 'no'}")

    def _publish(self, _options: dict[str, Any]) -> None:
        publications.publish("")
        self._status({})

    def _export(self, options: dict[str, Any]) -> None:
        folder, newest = options["folder"], publication.latest()
        if newest is None:
            raise CommandError("Nothing was published yet.")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "leaves").open("w", encoding="ascii") as file:
            file.writelines(f"{encode(entry)}\n" for entry in log.entries(0, newest.size))
        (folder / "checkpoint").write_text(newest.note, encoding="utf-8")
        (folder / "keys").write_text("".join(f"{key}\n" for key in signers.verifiers()), encoding="utf-8")
        self.stdout.write(f"{newest.size} leaves and their checkpoint are in {folder}")

    def _hold(self, _options: dict[str, Any]) -> None:
        signers.load()
        signers.hold()
        append.append(Tag.LEDGER_HELD, about="ledger")
        self.stdout.write("Nothing is signed until `ledger resume` is shown the newest checkpoint held outside.")

    def _resume(self, options: dict[str, Any]) -> None:
        leaves = options["leaves"]
        entries = resume.read_leaves(_read(leaves).splitlines()) if leaves else []
        shown = resume.resume(_read(options["checkpoint"]), entries)
        append.append(Tag.LEDGER_RESUMED, about="ledger", size=shown.size)
        self.stdout.write(f"Consistent with the checkpoint of {shown.size} leaves: the log is signed again.")

    def _rotate_key(self, options: dict[str, Any]) -> None:
        changes = rotation.rotate(secrets.token_bytes(KEY_BYTES), compromised=options["compromised"])
        append.append(Tag.LEDGER_KEY_CHANGED, about="ledger", compromised=options["compromised"])
        self.stdout.write("\n".join(change.note for change in changes))

    def _retire_key(self, _options: dict[str, Any]) -> None:
        for key in rotation.retire():
            self.stdout.write(f"signs no more: {key}")
        append.append(Tag.LEDGER_KEY_CHANGED, about="ledger", retired=True)

    def _check(self, _options: dict[str, Any]) -> None:
        signed = publication.newest_signed()
        tree = log.reread(signed.size)
        if tree.size < signed.size or tree.root(signed.size) != signed.root:
            raise CommandError("The leaves are not those that were signed.")
        wrong = list(roots.mismatches())
        for found in wrong:
            self.stdout.write(
                f"The audit trail from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC was changed: "
                f"{found.entries_then} entries then, {found.entries_now} now."
            )
        if wrong:
            raise CommandError(f"{len(wrong)} stretches of the audit trail are not what the ledger says they were.")
        self.stdout.write(f"{signed.size} leaves and the audit trail are what was signed.")

    def _disclose(self, options: dict[str, Any]) -> None:
        case = Case.objects.filter(reference=options["reference"].strip().upper()).first()
        try:
            if case is None:
                raise CommandError("There is no such case.")
            opened = receipts.issue(case, with_record=True)
        except (NotPublished, KeyDestroyed):
            raise CommandError("Its record is not published yet, or what opened it is gone.") from None
        append.append(Tag.RECORD_DISCLOSED, about=case.code)
        self.stdout.write(opened.decode(), ending="")


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{path} cannot be read.") from None
