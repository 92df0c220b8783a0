"""An object store that speaks S3, on loopback."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def running() -> Iterator[str]:
    """Its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of it; the environment names it, as an operator's would."""
    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    return boto3.client("s3")


def new_bucket(s3: Any, *, versioned: bool, locked: bool = False) -> str:
    name = f"b{uuid4().hex}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
    if versioned and not locked:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def drop_bucket(address: str, name: str) -> None:
    boto3.client("s3", endpoint_url=address).delete_bucket(Bucket=name)


def everything(s3: Any, bucket: str) -> list[str]:
    """Keys of all versions and markers that lie in the bucket."""
    page = s3.list_object_versions(Bucket=bucket)
    return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, [])]
