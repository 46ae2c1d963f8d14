"""The only caller of the git program: bulk reads of history, ancestry, checks, fast import."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from prompt_repo.errors import GitFailed, GitMissing
from prompt_repo.layout import place_of
from prompt_repo.model import Author, Commit, FileChange, split_trailers

ABSENT = "0" * 40
FIELDS = 7  # of the header in FORMAT
FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"
REGULAR = ("100644", "100755")


def environment() -> dict[str, str]:
    """What git sees: no configuration but the repository's own, no prompt, no locale."""
    return {
        "PATH": f"/usr/local/bin:{os.defpath}",
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }


def version() -> str:
    """What `git --version` says; raises GitMissing."""
    return _run(None, ["--version"]).decode().strip()


def fsck(path: Path) -> list[str]:
    """What `git fsck --strict` finds wrong, a line each."""
    done = _start(path, ["fsck", "--strict", "--no-dangling", "--no-progress"])
    out, err = done.communicate()
    if done.returncode == 0:
        return []
    return [line for line in (out + err).decode(errors="replace").splitlines() if line]


def is_ancestor(path: Path, ancestor: str, of: str) -> bool:
    """Whether `of` descends from `ancestor`; both are full commit ids that exist."""
    done = _start(path, ["merge-base", "--is-ancestor", ancestor, of])
    _, err = done.communicate()
    if done.returncode not in (0, 1):
        raise GitFailed("merge-base", err.decode(errors="replace"))
    return done.returncode == 0


def log_raw(path: Path, tips: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[Commit]:
    """All commits reachable from `tips` and not from `exclude`, in any order.

    `changes` are against the first parent and hold only files that are documents of ours.
    Raises GitFailed.
    """
    arguments = [
        "log",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--root",
        "--no-show-signature",
    ]
    arguments += ["--diff-merges=first-parent", f"--format=tformat:{FORMAT}", "--stdin"]
    process = _start(path, arguments)
    names = "".join([*(f"{tip}\n" for tip in tips), *(f"^{old}\n" for old in exclude)])
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(names.encode())
    process.stdin.close()
    yield from _commits(_tokens(process.stdout))
    failure = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.wait() != 0:
        raise GitFailed("log", failure)


def fast_import(path: Path, stream: Iterable[bytes]) -> None:
    """Feeds a `git fast-import` stream into a repository; raises GitFailed."""
    process = _start(path, ["fast-import", "--quiet", "--force"])
    assert process.stdin is not None
    try:
        process.stdin.writelines(stream)
        process.stdin.close()
    except BrokenPipeError:
        pass  # git says why on its standard error, read below
    failure = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.wait() != 0:
        raise GitFailed("fast-import", failure)


def repack(path: Path) -> None:
    """Packs loose objects; safe beside writers (nothing unreachable is thrown away)."""
    _run(path, ["repack", "-d", "-q"])


def _run(path: Path | None, arguments: Sequence[str]) -> bytes:
    process = _start(path, arguments)
    out, err = process.communicate()
    if process.returncode != 0:
        raise GitFailed(arguments[0], err.decode(errors="replace"))
    return out


def _start(path: Path | None, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    where = ["-C", str(path)] if path is not None else []
    try:
        return subprocess.Popen(
            ["git", *where, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
    except FileNotFoundError as missing:
        raise GitMissing from missing


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    """The NUL-separated fields of a stream, read in large pieces."""
    rest = b""
    while piece := stream.read(1 << 20):
        parts = (rest + piece).split(b"\0")
        rest = parts.pop()
        yield from parts
    if rest:
        yield rest


def _commits(tokens: Iterator[bytes]) -> Iterator[Commit]:
    """Commits out of fields: a header of FIELDS, then pairs of `:modes ids` and path."""
    header: list[bytes] = []
    changes: list[FileChange] = []
    for token in tokens:
        if len(header) < FIELDS:
            header.append(token.lstrip(b"\n") if not header else token)
        elif token.startswith((b":", b"\n:")):
            change = _change(token, next(tokens))
            if change is not None:
                changes.append(change)
        else:
            yield _commit(header, changes)
            header, changes = ([token.lstrip(b"\n")] if token.strip() else []), []
    if len(header) == FIELDS:
        yield _commit(header, changes)


def _commit(header: Sequence[bytes], changes: Sequence[FileChange]) -> Commit:
    oid, parents, name, email, at, committed, body = (
        field.decode(errors="replace") for field in header
    )
    message = body.strip("\n")
    return Commit(
        oid=oid,
        parents=tuple(parents.split()),
        author=Author(name, email),
        authored_at=datetime.fromtimestamp(int(at), UTC),
        committed_at=datetime.fromtimestamp(int(committed), UTC),
        message=message,
        changes=tuple(changes),
        trailers=split_trailers(message)[1],
    )


def _change(raw: bytes, path: bytes) -> FileChange | None:
    old_mode, new_mode, old, new, _ = raw.decode().lstrip("\n:").split()
    name = path.decode(errors="replace")
    if place_of(name) is None:
        return None
    before = old if old_mode in REGULAR else None
    after = new if new_mode in REGULAR else None
    return FileChange(name, before, after) if before != after else None
