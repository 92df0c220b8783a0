"""Every store an image is removed from, by name. A takedown has one step for each."""

from matching.types import Store
from portal.takedowns.connectors.base import Connector
from portal.takedowns.connectors.local import LocalStore

# The index goes last: while a step before it fails, the row still says what is to be removed.
ALL: dict[str, Connector] = {
    connector.name: connector for connector in map(LocalStore, (Store.DERIVED, Store.IMAGES, Store.INDEX))
}
