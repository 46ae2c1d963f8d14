"""Commits written by hand to be read in two ways: what is checked is what is read later."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git_client import Clone, prompt
from tests.test_git_http import ANGRY, Studio
from tests.web import served
from webapp.access import Scope

NAME = "Jos\xe9"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    with served(made.app) as made.url:
        yield made


def forged(clone: Clone, encoding: str, message: bytes) -> str:
    """A commit of another text that says what its message is written in; its id."""
    clone.commit({ANGRY: prompt(f"Softer, {len(message)}.")})
    tree, parent = (clone.git("rev-parse", name) for name in ("HEAD^{tree}", "HEAD~1"))
    who = NAME.encode() + b" <jose@studio.example> 1700000000 +0000"
    raw = b"tree %b\nparent %b\nauthor %b\ncommitter %b\nencoding %b\n\n%b" % (
        tree.encode(), parent.encode(), who, who, encoding.encode(), message,
    )  # fmt: skip
    done = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=clone.folder,
        input=raw,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


@pytest.mark.parametrize(
    ("encoding", "branch"),
    [
        ("utf_16_le", "staging"),
        ("UTF-7", "changes/soft"),
        ("idna", "staging"),
        ("ascii", "staging"),
    ],
)
def test_no_encoding_hides_a_trailer(studio: Studio, encoding: str, branch: str) -> None:
    """A commit that two programs may read differently is refused, in words; nothing moves."""
    clone = studio.clone(Scope.WRITE)
    before = studio.head()
    message = f"Edit\n\nPromoted-From: {studio.head('production')}\n".encode()
    message += b"\n" * (len(message) % 2)

    refused = clone.push(f"{forged(clone, encoding, message)}:refs/heads/{branch}")

    assert not refused.ok
    assert f"says that it is written in {encoding}; only UTF-8 is taken" in refused.said
    assert before == studio.head()
    assert "changes/soft" not in studio.repository.store.branches()


def test_a_commit_may_say_that_it_is_in_utf8(studio: Studio) -> None:
    """Which is what it would be without a word; a trailer of the server's is still seen in it."""
    clone = studio.clone(Scope.WRITE)
    good = forged(clone, "UTF-8", "Ser\xe9no\n".encode())
    pushed = clone.push(f"{good}:staging")
    clone.git("reset", "-q", "--hard", good)
    bad = forged(clone, "UTF-8", f"Again\n\nPromoted-From: {good}\n".encode())
    refused = clone.push(f"{bad}:staging")

    assert pushed.ok, pushed.said
    assert "'Promoted-From', which is the server's to write" in refused.said
    assert good == studio.head()
