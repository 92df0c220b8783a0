"""The database as its owner sees it: for the commands that migrate, grant, back up, restore and look at raw files.

Web, worker and beat are not told the owner's address, so whoever takes one of them over cannot change what may be done.
"""

from django.core.management.base import CommandError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = "owner"


def connection() -> BaseDatabaseWrapper:
    """Errors: CommandError where this process was not told the owner's address."""
    if ALIAS not in connections:
        raise CommandError("This command runs as the owner of the database: set DATABASE_OWNER_URL for it alone.")
    return connections[ALIAS]
