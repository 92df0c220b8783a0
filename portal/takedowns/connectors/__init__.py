"""Every store an image is removed from, by name. A takedown has one step for each."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from matching.types import Store
from portal.takedowns.connectors.addresses import RefusedAddresses
from portal.takedowns.connectors.base import Connector, Erasure, LastLook
from portal.takedowns.connectors.caches import caches_at
from portal.takedowns.connectors.local import LocalStore
from portal.takedowns.connectors.recipients import Recipients


def configured() -> list[Connector]:
    """The index goes last: while a step before it fails, the row still says what to remove and whom to notify."""
    files = [LocalStore(Store.DERIVED), LocalStore(Store.IMAGES)]
    caches = caches_at(settings.CACHE_URL.split())
    return [Recipients(), RefusedAddresses(), *files, *caches, LocalStore(Store.INDEX)]


def by_name(found: Iterable[Connector]) -> dict[str, Connector]:
    """Errors: ImproperlyConfigured, if two stores have one name: one of them would never be emptied."""
    named: dict[str, Connector] = {}
    for connector in found:
        if connector.name in named:
            raise ImproperlyConfigured(f"Two stores are named {connector.name}.")
        named[connector.name] = connector
    return named


ALL: dict[str, Connector] = by_name(configured())


def before_index(erasures: Sequence[Erasure]) -> None:
    """What the other stores do at the last moment at which the index still knows these images."""
    for connector in ALL.values():
        if isinstance(connector, LastLook):
            connector.before_index(erasures)
