"""Anchors: facts from elsewhere that Git keeps for us, each a commit on the one before.

The audit log is in a SQL database, whose owner can rewrite it. Its newest hash is set down here now
and then, so that a rewritten or shortened log no longer fits, and every clone that was taken of the
whole repository is a witness.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prompt_repo import git_cli
from prompt_repo.errors import GitFailed
from prompt_repo.git_commits import text_of
from prompt_repo.trailers import split_trailers

NOWHERE = "0" * 40
WHO = "prompt-repo"
FIELDS = "%H%x00%B%x00%x01"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One commit of a chain of anchors, with the facts in its trailers."""

    commit: str
    facts: dict[str, str]


def anchors(path: Path, ref: str, most: int | None = None) -> Iterator[Anchor]:
    """The anchors of a ref, newest first, `most` of them; none where it isn't there.

    Raises GitFailed, GitMissing.
    """
    tip = _tip(path, ref)
    if tip is None:
        return
    bound = [f"--max-count={most}"] if most is not None else []
    process = git_cli.completed(path, ["log", *bound, f"--format=tformat:{FIELDS}", tip])
    if process.returncode:
        raise GitFailed("log", text_of(process.stderr))
    for part in text_of(process.stdout).split("\x00\x01\n"):
        if part:
            commit, _, message = part.partition("\x00")
            yield Anchor(commit, dict(split_trailers(message)[1]))


def newest(path: Path, ref: str) -> Anchor | None:
    """The newest anchor of a ref; None where there is none. Raises GitFailed, GitMissing."""
    return next(anchors(path, ref, 1), None)


def append(path: Path, ref: str, subject: str, facts: dict[str, str]) -> str:
    """Sets facts down, durably, and gives the commit that holds them.

    Raises GitFailed, also where somebody else set one down in between, and GitMissing.
    """
    tip = _tip(path, ref)
    tree = _said(path, ["mktree"])
    trailers = "".join(f"{name}: {value}\n" for name, value in facts.items())
    parents = ["-p", tip] if tip else []
    message = f"{subject}\n\n{trailers}".encode()
    commit = _said(path, ["commit-tree", tree, *parents], message)
    _said(path, ["update-ref", "--create-reflog", "-m", subject, ref, commit, tip or NOWHERE])
    return commit


def _tip(path: Path, ref: str) -> str | None:
    process = git_cli.completed(path, ["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"])
    found = process.stdout.decode().strip()
    return found if process.returncode == 0 else None


def _said(path: Path, command: Sequence[str], source: bytes = b"") -> str:
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", WHO), ("EMAIL", ""))
    }
    process = git_cli.completed(path, command, source, who)
    if process.returncode:
        raise GitFailed(command[0], text_of(process.stderr))
    return process.stdout.decode().strip()
