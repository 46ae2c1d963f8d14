"""Clips in a bucket of S3, or of a server that speaks its protocol; the only importer of boto3."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from webapp.storage import CHUNK, NotStored, StorageFailed, check_name

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
DAYS = 7
"""After so long S3 deletes a clip by itself, should nobody else: longer than any is reused."""
PREFIX, RULE = "previews/", "prompt-repo-previews"
ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class Bucket:
    """One bucket. Who may use it is told to boto3 as usual: its variables, profile, or role."""

    def __init__(self, name: str, endpoint: str = "", region: str = "us-east-1") -> None:
        self._name, self._endpoint, self._region = name, endpoint, region
        self._lock, self._made = threading.Lock(), False

    def get_ready(self) -> None:
        """Makes what asks S3, which takes longer than S3 takes to answer."""
        self._client()

    def put(self, name: str, source: Path) -> int:
        """Keeps a copy of a file, in place of one of this name; gives its size."""
        size = source.stat().st_size

        def send() -> None:
            with source.open("rb") as body:
                self._client().put_object(
                    Bucket=self._name,
                    Key=_key(name),
                    Body=body,
                    ContentLength=size,
                    ContentType="video/mp4",
                )

        self._asked(name, send)
        self._hint()
        return size

    def size(self, name: str) -> int:
        """How many bytes a file has; raises NotStored."""
        key = _key(name)
        found = self._asked(name, lambda: self._client().head_object(Bucket=self._name, Key=key))
        return int(found["ContentLength"])

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """Part of a file, in pieces; raises NotStored before the first."""
        key, ends = _key(name), f"bytes={start}-{start + length - 1}"
        found = self._asked(
            name, lambda: self._client().get_object(Bucket=self._name, Key=key, Range=ends)
        )
        whole = "ContentRange" not in found  # as some servers answer whatever part is asked for
        return _pieces(found["Body"], start if whole else 0, length)

    def delete(self, name: str) -> None:
        """Takes a file away, if it is there."""
        key = _key(name)
        try:
            self._asked(name, lambda: self._client().delete_object(Bucket=self._name, Key=key))
        except NotStored:
            return

    def names(self) -> Iterator[str]:
        """Every file."""
        more: dict[str, Any] = {}
        while True:
            page = self._asked(self._name, partial(self._list, more))
            yield from (each["Key"].removeprefix(PREFIX) for each in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _list(self, more: dict[str, Any]) -> Any:
        return self._client().list_objects_v2(Bucket=self._name, Prefix=PREFIX, **more)

    def link(self, name: str, seconds: int, filename: str) -> str | None:
        """An address, signed for so long."""
        wanted = {
            "Bucket": self._name,
            "Key": _key(name),
            "ResponseContentDisposition": f'inline; filename="{filename}"',
            "ResponseContentType": "video/mp4",
        }
        signed: str = self._client().generate_presigned_url(
            "get_object", Params=wanted, ExpiresIn=max(1, seconds)
        )
        return signed

    def _client(self) -> Any:
        with self._lock:
            if not self._made:
                self._made = True
                self._kept = boto3.session.Session().client(
                    "s3",
                    endpoint_url=self._endpoint or None,
                    region_name=self._region,
                    config=Config(
                        signature_version="s3v4",
                        retries={"mode": "standard", "max_attempts": 4},
                        connect_timeout=5,
                        read_timeout=30,
                        request_checksum_calculation="when_required",
                        response_checksum_validation="when_required",
                        s3={"addressing_style": "path"} if self._endpoint else {},
                    ),
                )
            return self._kept

    def _asked(self, name: str, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except ClientError as error:
            told = error.response.get("Error", {})
            if told.get("Code") in ABSENT:
                raise NotStored(name) from None
            raise StorageFailed(
                f"bucket {self._name} refused: {told.get('Code')}: {told.get('Message', '')}"
            ) from error
        except BotoCoreError as error:
            raise StorageFailed(f"bucket {self._name} can't be reached: {error}") from error

    def _hint(self) -> None:
        """Asks S3 once a process to delete by itself what we should ever leave behind.

        A bucket that has rules of its own keeps them, for S3 knows no adding to them.
        """
        if self._name in _HINTED:
            return
        _HINTED.add(self._name)
        rule = {
            "ID": RULE,
            "Status": "Enabled",
            "Filter": {"Prefix": PREFIX},
            "Expiration": {"Days": DAYS},
        }
        try:
            if self._has_rules():
                return
            self._client().put_bucket_lifecycle_configuration(
                Bucket=self._name, LifecycleConfiguration={"Rules": [rule]}
            )
        except (ClientError, BotoCoreError) as error:
            log.info("the bucket takes no lifecycle rule", bucket=self._name, exc_info=error)

    def _has_rules(self) -> bool:
        try:
            self._client().get_bucket_lifecycle_configuration(Bucket=self._name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchLifecycleConfiguration":
                return False
            raise
        return True


_HINTED: set[str] = set()


def _key(name: str) -> str:
    return PREFIX + check_name(name)


def _pieces(body: Any, skip: int, length: int) -> Iterator[bytes]:
    """So many bytes of an answer, without the first `skip`."""
    try:
        for whole in body.iter_chunks(CHUNK):
            piece = whole[skip : skip + length]
            skip = max(0, skip - len(whole))
            length -= len(piece)
            if piece:
                yield piece
            if length <= 0:
                return
    except BotoCoreError as error:
        raise StorageFailed(f"a clip broke off: {error}") from error
    finally:
        body.close()
