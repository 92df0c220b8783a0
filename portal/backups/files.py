"""Backups of the database: made into one folder, and gone before what was removed since could come back from them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from portal.backups.dumps import ENDING
from portal.core import clock
from portal.policies import retention

NAME = "takedown-{:%Y%m%dT%H%M%SZ}" + ENDING


class NoFolder(Exception):
    """BACKUPS is not set."""


@dataclass(frozen=True)
class Backup:
    file: Path
    age: timedelta
    is_ours: bool  # made by `manage.py backup`, which may also take it away


def new() -> Path:
    """Errors: NoFolder."""
    if settings.BACKUPS is None:
        raise NoFolder("Name a file, or set BACKUPS to a folder for backups.")
    return settings.BACKUPS / NAME.format(clock.now())


def past_deadline() -> list[Backup]:
    """Backups in BACKUPS that are older than the retention table allows, whoever made them."""
    if settings.BACKUPS is None or not settings.BACKUPS.is_dir():
        return []
    files = [path for path in sorted(settings.BACKUPS.rglob("*")) if path.is_file()]
    return [backup for backup in map(_backup, files) if backup.age > retention.BACKUP.kept_for]


def _backup(file: Path) -> Backup:
    is_ours = file.name.startswith("takedown-") and file.suffix == ENDING
    return Backup(file, timedelta(seconds=clock.now().timestamp() - file.stat().st_mtime), is_ours)


def forget_old() -> None:
    """Take away our own past their deadline. Others are listed by `manage.py purge`: what wrote them may need them."""
    for backup in past_deadline():
        if backup.is_ours:
            backup.file.unlink(missing_ok=True)
