"""Deleting for good in S3, or in what speaks its protocol.

In a bucket that keeps versions, deleting an object only puts a marker on top of it and every byte stays readable. So
each version is deleted by its id, markers too, and reading back asks for versions. What else can keep bytes in S3 the
bucket's owner must rule out: uploads never finished (a lifecycle rule ends them), replicas, and object lock.

What answers may not be the store: a proxy's page of HTML with status 200 parses as an empty listing. So an answer
counts only if it says what every S3 server says, and everything else is an error, never "gone".
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

AT_ONCE = 1000  # DeleteObjects takes no more
LISTINGS = 16  # at a time: each is one request, which mostly waits
Version = dict[str, str]  # Key and VersionId


class NoListing(OSError):
    """The store answered something that is not the listing that was asked for."""


class Versions:
    """Of the objects in one bucket. Errors, those of the way to it too, are OSError."""

    def __init__(self, fs: Any, root: str) -> None:
        self.fs = fs
        self.bucket = str(fs.split_path(root)[0])

    def remove(self, prefixes: Sequence[str]) -> None:
        found = self._found(prefixes)
        for start in range(0, len(found), AT_ONCE):
            self._delete(found[start : start + AT_ONCE])

    def paths(self, prefixes: Sequence[str]) -> list[str]:
        return sorted({f"{self.bucket}/{version['Key']}" for version in self._found(prefixes)})

    def _found(self, prefixes: Sequence[str]) -> list[Version]:
        with ThreadPoolExecutor(LISTINGS) as pool:
            return [version for found in pool.map(self._listed, prefixes) for version in found]

    def write(self, path: str, content: bytes) -> None:
        answer = self._ask("put_object", Key=path.removeprefix(f"{self.bucket}/"), Body=content)
        if not answer.get("ETag"):
            raise OSError("the store did not say that it has the object")

    def _listed(self, prefix: str) -> list[Version]:
        """Every version and every delete marker; in a bucket without versions, each object as the version "null"."""
        wanted = prefix.removeprefix(f"{self.bucket}/")
        return [version for page in self._pages(wanted) for version in _versions(page, wanted)]

    def _pages(self, prefix: str) -> Iterator[dict[str, Any]]:
        position: dict[str, str] = {}
        while True:
            page = self._ask("list_object_versions", Prefix=prefix, **position)
            if page.get("Prefix") != prefix or not isinstance(page.get("IsTruncated"), bool):
                raise NoListing("an answer that is no listing of this prefix")
            yield page
            if not page["IsTruncated"]:
                return
            if not page.get("NextKeyMarker") or not page.get("NextVersionIdMarker"):
                raise NoListing("a truncated page that does not say where the next one begins")
            former, position = (
                position,
                {
                    "KeyMarker": page["NextKeyMarker"],
                    "VersionIdMarker": page["NextVersionIdMarker"],
                },
            )
            if position == former:
                raise NoListing("a truncated page whose next one is itself")

    def _delete(self, versions: list[Version]) -> None:
        answer = self._ask("delete_objects", Delete={"Objects": versions, "Quiet": True})
        # The request succeeds as a whole even where the bucket locks, or the account may not delete, some of them.
        if errors := answer.get("Errors"):
            raise PermissionError(f"{len(errors)} versions were not deleted: {errors[0].get('Code', 'unknown')}")

    def _ask(self, method: str, **asked: Any) -> dict[str, Any]:
        with errors_as_os_error():
            answer: dict[str, Any] = self.fs.call_s3(method, Bucket=self.bucket, **asked)
        return answer


def _versions(page: dict[str, Any], prefix: str) -> list[Version]:
    """Of one page. An entry that was not asked for would be deleted too, so that it makes the page an error."""
    entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
    if not all(entry.get("VersionId") and entry.get("Key", "").startswith(prefix) for entry in entries):
        raise NoListing("an entry of another prefix, or without its version")
    return [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]


@contextmanager
def errors_as_os_error() -> Iterator[None]:
    """The protocol's own errors are OSError already; those of the way there, and of reading the answer, are not."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(type(error).__name__) from error
