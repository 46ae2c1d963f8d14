"""The audit log's entries of clones and fetches, made by a real git over real HTTP."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from prompt_repo.errors import GitFailed
from prompt_repo.git_answers import PackAnswer
from prompt_repo.git_protocol import packet
from tests.factories import put
from tests.git_client import PERSON, Clone, git
from tests.test_git_http import Studio
from tests.web import served, services
from webapp.access import Scope
from webapp.records.models import AuditEntry

VERSIONS = ("0", "2")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    with served(made.app) as made.url:
        yield made


def entries(studio: Studio) -> Sequence[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.action == "git_http.upload_pack")
    with services(studio.app).records.reading() as session:
        return session.scalars(query.order_by(AuditEntry.id)).all()


def wander_off(clone: Clone, commits: int) -> None:
    """Commits that only this clone has, so that a fetch must ask for what is in common."""
    lines = ["reset refs/heads/mine\nfrom refs/heads/staging\n"]
    for number in range(commits):
        at = 2_000_000_000 + number
        lines.append(f"commit refs/heads/mine\ncommitter P <p@p.test> {at} +0000\ndata 1\nx\n")
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=clone.folder, input="".join(lines), text=True,
        check=True,
    )  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fetch_of_many_rounds_is_one_entry(studio: Studio, version: str) -> None:
    """The one that brings the pack, as whom, from where, with the commit that was wanted."""
    clone = studio.clone(Scope.READ)
    wander_off(clone, 700)
    moved = put(studio.repository, {"bolt/idle": "Hums."})
    before = len(entries(studio))

    told = subprocess.run(
        ["git", *PERSON, "-c", f"protocol.version={version}", "fetch", "origin"],
        cwd=clone.folder, capture_output=True, text=True, check=True,
        env={**os.environ, "GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"},
    ).stderr  # fmt: skip

    rounds = told.count("POST /git/prompts.git/git-upload-pack")
    (entry,) = entries(studio)[before:]
    assert rounds > 2, told
    assert ("fetch", moved, "done", 200) == (
        entry.subject, entry.commit, entry.outcome, entry.status,
    )  # fmt: skip
    assert entry.actor.startswith("token:")
    assert "127.0.0.1" == entry.address
    assert 16 == len(entry.request_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_clone_is_one_entry_and_a_look_is_none(studio: Studio, version: str) -> None:
    """Also by the older protocol; `ls-remote`, and a fetch of nothing new, take nothing away."""
    speaks = ("-c", f"protocol.version={version}")
    where = studio.address(Scope.READ)

    assert git(studio.folder, *speaks, "clone", "-q", where, "c").ok
    clone = Clone(studio.folder / "c")
    clone.git(*speaks, "ls-remote")
    clone.git(*speaks, "fetch", "-q")

    assert ["clone"] == [each.subject for each in entries(studio)]


def answered(*lines: bytes) -> PackAnswer:
    return PackAnswer(iter(lines))


def test_a_pack_is_told_from_bargaining() -> None:
    """By every way in which a pack begins, however the bytes arrive; nothing of them is lost."""
    common = packet(f"ACK {'1' * 40} common\n")
    ready = [packet("acknowledgments\n"), common, packet("ready\n"), b"0001", packet("packfile\n")]
    whole = b"".join(ready) + packet(b"\1PACK....") + b"0000"
    split = PackAnswer(bytes([each]) for each in whole)

    assert answered(*ready).brings_pack()
    assert split.brings_pack()
    assert whole == b"".join(split)
    assert answered(packet("NAK\n"), packet(b"\2Counting"), b"0000").brings_pack()
    assert answered(packet("NAK\n") + b"PACK\0\0\0\2").brings_pack()
    shallow = packet(f"shallow {'1' * 40}\n") + b"0000"
    assert answered(shallow, packet("NAK\n"), packet(b"\1PACK")).brings_pack()
    for rest in ([], [packet("NAK\n")], [packet("acknowledgments\n"), common, b"0000"]):
        assert not answered(*rest).brings_pack()
    assert not answered(packet("ERR upload-pack: not our ref")).brings_pack()


def test_a_failure_of_git_comes_after_what_it_said() -> None:
    """So that a client hears why."""

    def failing() -> Iterator[bytes]:
        yield packet("ERR no")
        raise GitFailed("upload-pack", "no")

    answer = PackAnswer(failing())

    assert not answer.brings_pack()
    pieces = iter(answer)
    assert packet("ERR no") == next(pieces)
    with pytest.raises(GitFailed):
        next(pieces)
