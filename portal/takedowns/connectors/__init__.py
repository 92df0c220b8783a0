"""Every store an image is removed from, by name. A takedown has one step for each."""

from django.conf import settings

from matching.types import Store
from portal.takedowns.connectors.addresses import RefusedAddresses
from portal.takedowns.connectors.base import Connector
from portal.takedowns.connectors.caches import Cache
from portal.takedowns.connectors.local import LocalStore
from portal.takedowns.connectors.recipients import Recipients


def configured() -> list[Connector]:
    """The index goes last: while a step before it fails, the row still says what is to be removed, and whom to tell."""
    caches = [Cache(settings.CACHE_URL)] if settings.CACHE_URL else []
    files = [LocalStore(Store.DERIVED), LocalStore(Store.IMAGES)]
    return [Recipients(), RefusedAddresses(), *files, *caches, LocalStore(Store.INDEX)]


ALL: dict[str, Connector] = {connector.name: connector for connector in configured()}
