"""Commits in bulk, as `git log` prints them with what each changed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from prompt_repo import git_cli
from prompt_repo.git_commits import author_of, text_of, time_of
from prompt_repo.layout import place_of
from prompt_repo.model import Commit, FileChange
from prompt_repo.trailers import split_trailers

FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"
REGULAR = (b"100644", b"100755")
NUMBER = re.compile(rb"-?\d{1,20}")
CHANGES = 2_000  # of one commit that are in memory at once, where that has to stay flat
FIELDS = 7  # of the header in FORMAT
LOG = [
    "log",
    "--stdin",
    "--raw",
    "-z",
    "--root",
    "--no-renames",
    "--no-abbrev",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--no-notes",
    "--no-mailmap",
    "--no-show-signature",
    "--diff-merges=first-parent",
]


def log_parts(
    path: Path, tips: Iterable[str], exclude: Iterable[str] = ()
) -> Iterator[tuple[Commit, bool]]:
    """The same as `log_raw`, parents before children, in memory that stays flat.

    A large commit comes in parts with some of its changes each, and whether another follows.
    """
    return _logged(path, tips, exclude, ["--date-order", "--reverse"], CHANGES)


def count(path: Path, tips: Iterable[str], exclude: Iterable[str] = ()) -> int:
    """How many commits are reachable from `tips` and not from `exclude`."""
    names = [*map(git_cli.checked, tips), *(f"^{git_cli.checked(oid)}" for oid in exclude)]
    with git_cli.reading(path, ["rev-list", "--count", "--stdin"], "\n".join(names)) as output:
        return int(output.read())


def log_raw(path: Path, tips: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[Commit]:
    """All commits reachable from `tips` and not from `exclude`, in any order.

    `changes` are against the first parent and hold only files that are documents of ours.
    Raises RevisionNotFound for what is no full id, GitFailed, GitMissing.
    """
    return (commit for commit, _ in _logged(path, tips, exclude, (), None))


def _logged(
    path: Path,
    tips: Iterable[str],
    exclude: Iterable[str],
    order: Sequence[str],
    most: int | None,
) -> Iterator[tuple[Commit, bool]]:
    wanted = [git_cli.checked(tip) for tip in tips]
    names = [*wanted, *(f"^{git_cli.checked(oid)}" for oid in exclude)]
    if wanted:
        arguments = [*LOG, *order, f"--format=tformat:{FORMAT}"]
        with git_cli.reading(path, arguments, "\n".join(names)) as output:
            yield from _commits(_tokens(output), most)


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    """The NUL-separated fields of a stream, read in large pieces."""
    rest = b""
    while piece := stream.read(1 << 16):
        parts = (rest + piece).split(b"\0")
        rest = parts.pop()
        yield from parts
    if rest:
        yield rest


def _commits(tokens: Iterator[bytes], most: int | None) -> Iterator[tuple[Commit, bool]]:
    """Commits out of fields: a header of FIELDS, then pairs of `:modes ids` and path.

    Between the two, and between commits, git puts empty fields or line ends. One with more than
    `most` changes comes in parts.
    """
    header: list[bytes] = []
    changes: list[FileChange] = []
    for token in tokens:
        if 0 < len(header) < FIELDS:
            header.append(token)
        elif token.startswith((b":", b"\n:")):
            change = _change(token, next(tokens))
            if change is not None:
                changes.append(change)
                if len(changes) == most:
                    yield _commit(header, changes), True
                    changes = []
        elif token.strip():
            if header:
                yield _commit(header, changes), False
            header, changes = [token.strip()], []
    if header:
        yield _commit(header, changes), False


def _commit(header: Sequence[bytes], changes: Sequence[FileChange]) -> Commit:
    oid, parents, name, email, at, committed, body = header
    message = text_of(body).strip("\n")
    authored_at = time_of(_number(at))
    return Commit(
        oid=oid.decode(),
        parents=tuple(parents.decode().split()),
        author=author_of(name, email),
        authored_at=authored_at,
        committed_at=authored_at if committed == at else time_of(_number(committed)),
        message=message,
        changes=tuple(changes),
        trailers=split_trailers(message)[1],
    )


def _number(raw: bytes) -> int:
    """A time as git prints it; nothing where a commit from outside has none."""
    return int(raw) if NUMBER.fullmatch(raw) else 0


def _change(raw: bytes, path: bytes) -> FileChange | None:
    name = text_of(path)
    if place_of(name) is None:
        return None
    old_mode, new_mode, old, new, _ = raw.lstrip(b"\n:").split()
    before = old.decode() if old_mode in REGULAR else None
    after = new.decode() if new_mode in REGULAR else None
    return FileChange(name, before, after) if before != after else None
