"""HTTP caches in front of the image store, purged as Varnish and most delivery networks expect it.

They come after the image store, because a cache that has nothing asks there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from portal.core.http import Answer, Client, NoAnswer, Refused
from portal.takedowns.connectors.base import Erasure, StoreError

PLACE = "{image}"
_GONE = (404, 410)
# Only what is cached was asked for, and nothing is (RFC 9111, section 5.2.1.7); or a gateway whose cache is away.
_NOT_CACHED = 504
_PURGED = (200, 201, 202, 204, _NOT_CACHED, *_GONE)


@dataclass(frozen=True)
class Cache:
    url: str  # with PLACE where the image's id goes
    client: Client = field(default_factory=Client)
    name: str = "caches"

    def remove(self, erasure: Erasure) -> None:
        """Send PURGE, with the surrogate key for a cache that holds several variants of an image."""
        answer = self._ask("PURGE", erasure, {"Surrogate-Key": str(erasure.image_id)})
        if answer.status not in _PURGED:
            raise StoreError(f"PURGE was answered {answer.status}", permanent=False)

    def present(self, erasure: Erasure) -> bool:
        answer = self._ask("HEAD", erasure, {"Cache-Control": "only-if-cached"})
        if answer.status == _NOT_CACHED:
            # A cache that works now asks the image store, which has none. A gateway without one says 504 again.
            answer = self._ask("HEAD", erasure, {})
        if answer.status in _GONE:
            return False
        if answer.ok:
            return True
        raise StoreError(f"HEAD was answered {answer.status}", permanent=False)

    def _ask(self, method: str, erasure: Erasure, headers: dict[str, str]) -> Answer:
        try:
            return self.client.send(method, self.url.replace(PLACE, str(erasure.image_id)), headers=headers)
        except Refused as error:
            raise StoreError(f"CACHE_URL: {error}", permanent=True) from error
        except NoAnswer as error:
            raise StoreError("no answer", permanent=False) from error


def caches_at(urls: Sequence[str]) -> Iterator[Cache]:
    """A store for each cache, named by its place in the setting, since steps that are open refer to it by name."""
    for place, url in enumerate(urls, 1):
        yield Cache(url) if place == 1 else Cache(url, name=f"caches-{place}")
