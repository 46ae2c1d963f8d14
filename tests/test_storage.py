"""Both homes of clips, by the same tests; the bucket's server checks every signature."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests import servers
from webapp.config import Settings
from webapp.storage import NotStored, Storage, StorageFailed, StorageMisconfigured, storage
from webapp.storage_folder import Folder
from webapp.storage_s3 import Bucket

NAME, OTHER = "00000000-0000-4000-8000-000000000001.mp4", "2.mp4"
BYTES = os.urandom(700_000)


@pytest.fixture(scope="module")
def s3() -> Iterator[servers.S3]:
    """A server with a bucket for each environment."""
    with servers.s3("clips-staging", "clips-production") as server:
        yield server


@pytest.fixture(autouse=True)
def _keys(s3: servers.S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "bucket"])
def home(request: pytest.FixtureRequest, tmp_path: Path, s3: servers.S3) -> Iterator[Storage]:
    """An empty storage."""
    if request.param == "folder":
        yield Folder(tmp_path / "clips")
        return
    bucket = Bucket("clips-staging", s3.endpoint)
    yield bucket
    for name in list(bucket.names()):
        bucket.delete(name)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "made.mp4"
    path.write_bytes(BYTES)
    return path


def test_what_is_put_is_read_whole_and_in_parts(home: Storage, clip: Path) -> None:
    """Byte for byte, across the pieces it is read in."""
    assert len(BYTES) == home.put(NAME, clip)

    assert len(BYTES) == home.size(NAME)
    assert BYTES == b"".join(home.read(NAME, 0, len(BYTES)))
    assert BYTES[300_000:650_001] == b"".join(home.read(NAME, 300_000, 350_001))
    assert BYTES[-1:] == b"".join(home.read(NAME, len(BYTES) - 1, 1))


def test_a_second_put_takes_the_firsts_place(home: Storage, clip: Path) -> None:
    """One file of a name."""
    home.put(NAME, clip)
    clip.write_bytes(b"shorter")

    home.put(NAME, clip)

    assert b"shorter" == b"".join(home.read(NAME, 0, home.size(NAME)))
    assert [NAME] == list(home.names())


def test_what_is_not_there_is_said(home: Storage) -> None:
    """And deleting it is no failure."""
    home.delete(NAME)

    with pytest.raises(NotStored):
        home.size(NAME)
    with pytest.raises(NotStored):
        home.read(NAME, 0, 1)
    assert [] == list(home.names())


def test_a_deleted_file_is_gone(home: Storage, clip: Path) -> None:
    """The others stay."""
    home.put(NAME, clip)
    home.put(OTHER, clip)

    home.delete(NAME)

    assert [OTHER] == list(home.names())


@pytest.mark.parametrize(
    "name", ["../x.mp4", "/etc/passwd", "x", "a/b.mp4", "", "A.mp4", "x.mp4\n"]
)
def test_names_lead_nowhere_else(home: Storage, clip: Path, name: str) -> None:
    """Only what we call clips is a name."""
    with pytest.raises(ValueError, match="no file of ours"):
        home.put(name, clip)


def test_a_folder_that_cant_be_written_is_said_and_nothing_half_is_left(
    tmp_path: Path, clip: Path
) -> None:
    """The place is taken by a file."""
    (tmp_path / "clips").write_text("in the way")

    with pytest.raises(StorageFailed, match="can't be written"):
        Folder(tmp_path / "clips").put(NAME, clip)


def test_a_signed_address_gives_the_clip_to_anybody(s3: servers.S3, clip: Path) -> None:
    """Without keys; tampered with, or for another file, it gives nothing."""
    bucket = Bucket("clips-staging", s3.endpoint)
    bucket.put(NAME, clip)
    link = bucket.link(NAME, 60, "aria-angry.mp4")
    assert link is not None

    assert BYTES == httpx.get(link).content
    assert 403 == httpx.get(link.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")).status_code
    assert 403 == httpx.get(link.replace(NAME, OTHER)).status_code
    assert httpx.get(link.partition("?")[0]).status_code in (400, 403)
    assert "/previews/" in urlsplit(link).path


def test_wrong_keys_are_refused_and_said(
    s3: servers.S3, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bucket and the server's own word for it."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guess")

    with pytest.raises(StorageFailed, match="bucket clips-staging refused: SignatureDoesNotMatch"):
        Bucket("clips-staging", s3.endpoint).put(NAME, clip)


def test_a_server_that_is_away_is_said(clip: Path) -> None:
    """After some tries."""
    with pytest.raises(StorageFailed, match="can't be reached"):
        Bucket("clips-staging", "http://127.0.0.1:9").put(NAME, clip)


def test_each_environment_has_its_own_home(tmp_path: Path, s3: servers.S3, clip: Path) -> None:
    """In folders, and in buckets: what staging writes production hasn't."""
    buckets = "staging=s3://clips-staging,production=s3://clips-production"
    for told in ({}, {"preview_storage": buckets, "s3_endpoint": s3.endpoint}):
        settings = Settings(data=tmp_path, **told)

        storage(settings, "staging").put(NAME, clip)

        assert [NAME] == list(storage(settings, "staging").names())
        assert [] == list(storage(settings, "production").names())


@pytest.mark.parametrize(
    "told",
    [
        "s3://clips",
        "staging=s3://clips,production=s3://clips/",
        "staging=s3://clips///,production= s3://clips ",
        "s3://Not A Bucket",
        "S3://clips",
        "s3://Clips",
        "s3:/clips",
        "s3://clips/staging",
        "https://clips.s3.amazonaws.com",
        "https://s3.amazonaws.com/clips",
        "arn:aws:s3:::clips",
        "s3://clips-0123456789-s3alias",
    ],
)
def test_one_bucket_for_both_environments_is_refused(tmp_path: Path, told: str) -> None:
    """Staging can't write to production's bucket: with such settings neither does anything."""
    for environment in ("staging", "production"):
        with pytest.raises(StorageMisconfigured):
            storage(Settings(data=tmp_path, preview_storage=told), environment)


@pytest.mark.parametrize(
    "live",
    [
        "clips",
        "s3://clips/",
        "s3://clips/previews/",
        "S3://CLIPS",
        "arn:aws:s3:::clips",
        "https://clips.s3.amazonaws.com",
    ],
)
def test_staging_keeps_nothing_in_the_bucket_that_production_is_said_to_have(
    tmp_path: Path, live: str
) -> None:
    """However that one is spelled; production's own clips may be there."""
    told = {"preview_storage": "staging=s3://clips,production=s3://more", "production_bucket": live}

    with pytest.raises(StorageMisconfigured, match="staging needs its own"):
        storage(Settings(data=tmp_path, **told), "staging")

    told["preview_storage"] = "staging=s3://more,production=s3://clips"
    assert isinstance(storage(Settings(data=tmp_path, **told), "production"), Bucket)


@pytest.mark.parametrize(
    "live",
    [
        "what is this",
        "clips-0123456789-s3alias",
        "arn:aws:s3:us-west-2:123456789012:accesspoint/ap",
    ],
)
def test_staging_keeps_nothing_where_productions_bucket_cant_be_told(
    tmp_path: Path, live: str
) -> None:
    """An access point's alias, too, may be any bucket; production's own clips are kept on."""
    told = {"preview_storage": "staging=s3://clips,production=s3://more", "production_bucket": live}

    with pytest.raises(StorageMisconfigured, match="can’t be told"):
        storage(Settings(data=tmp_path, **told), "staging")

    assert isinstance(storage(Settings(data=tmp_path, **told), "production"), Bucket)
