"""The only caller of the git program: bulk reads of history, ancestry, checks, fast import."""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from prompt_repo.errors import GitFailed, GitMissing, RevisionNotFound
from prompt_repo.git_commits import text_of

OID = re.compile(r"[0-9a-f]{40}")
NAME = re.compile(r"(?!.*(?:\.\.|//|\.lock))[A-Za-z0-9][A-Za-z0-9._/~^-]{0,199}")


# A repository's own configuration may name programs, and a clone of a stranger's may be hostile.
SETTINGS = {
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "log.showSignature": "false",
    "i18n.logOutputEncoding": "UTF-8",
}


def environment() -> dict[str, str]:
    """What git sees: no configuration but the repository's own and ours, no prompt, no locale.

    Replacements and grafts are off, for dulwich does not follow them; nothing is fetched.
    """
    program = shutil.which("git")
    if program is None:
        raise GitMissing
    settings = {
        f"GIT_CONFIG_{part}_{number}": value
        for number, pair in enumerate(SETTINGS.items())
        for part, value in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        "PATH": f"{Path(program).parent}:{os.defpath}",
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": f"{os.devnull}/none",  # an absent one: git has a lot to say of any other
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_COUNT": str(len(SETTINGS)),
        **settings,
    }


def version() -> str:
    """What `git --version` says; raises GitMissing."""
    return _run(None, ["--version"]).decode().strip()


def fsck(path: Path) -> list[str]:
    """What `git fsck --strict` finds wrong, a line each; raises GitMissing."""
    process = _start(path, ["fsck", "--strict", "--no-dangling", "--no-progress"])
    out, err = process.communicate()
    if process.returncode == 0:
        return []
    lines = [line for line in text_of(out + err).splitlines() if line]
    return lines or [f"git fsck ended with {process.returncode}"]


def is_ancestor(path: Path, ancestor: str, of: str) -> bool:
    """Whether `of` descends from `ancestor`; both are full ids of commits that exist.

    Raises RevisionNotFound for what is no full id, GitFailed, GitMissing.
    """
    ids = [checked(oid) for oid in (ancestor, of)]
    process = _start(path, ["merge-base", "--is-ancestor", "--end-of-options", *ids])
    _, err = process.communicate()
    if process.returncode not in (0, 1):
        raise GitFailed("merge-base", text_of(err))
    return process.returncode == 0


def resolve(path: Path, name: str) -> str | None:
    """The commit that a revision of git's names; None where it names none. Raises GitMissing.

    Of git's ways to name one, those with `@`, `:` and ranges are refused.
    """
    if not NAME.fullmatch(name):
        return None
    process = _start(path, ["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"])
    out, _ = process.communicate()
    found = out.decode().strip()
    return found if process.returncode == 0 and OID.fullmatch(found) else None


def fast_import(path: Path, stream: Iterable[bytes]) -> None:
    """Feeds a `git fast-import` stream into a repository; raises GitFailed, GitMissing."""
    with tempfile.TemporaryFile() as errors:
        process = _start(path, ["fast-import", "--quiet", "--force"], errors=errors)
        assert process.stdin is not None
        try:
            process.stdin.writelines(stream)
            process.stdin.close()
        except BrokenPipeError:
            pass  # git says why on its standard error, read below
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
            _close(process)
        if code != 0:
            raise GitFailed("fast-import", _said(errors))


def fed(
    path: Path,
    arguments: Sequence[str],
    source: Iterable[bytes],
    *,
    memory: int,
    seconds: float,
    more: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[bytes]":
    """A git command that reads pieces from outside, however many, and prints little.

    Git may take `memory` bytes of its own, and is stopped after `seconds`; `more` goes to its
    environment. Raises GitMissing, and what `source` raises.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(path, arguments, errors=errors, more=more)
        assert process.stdin is not None
        assert process.stdout is not None
        stop = _stopped_after(process, seconds)
        try:
            _bound(process.pid, memory)
            with suppress(BrokenPipeError):  # git says why on its standard error
                for piece in source:
                    process.stdin.write(piece)
                process.stdin.close()
            out = process.stdout.read()
        except BaseException:
            process.kill()
            raise
        finally:
            stop.cancel()
            with suppress(BrokenPipeError):
                _close(process)
            code = process.wait()
        errors.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out, errors.read())


def streamed(
    path: Path, arguments: Sequence[str], source: IO[bytes], seconds: float, more: Mapping[str, str]
) -> Iterator[bytes]:
    """What a git command prints, piece by piece; stopped when nobody reads on, or after `seconds`.

    Raises GitFailed at the end, GitMissing at the beginning.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(path, arguments, source, errors, more)
        assert process.stdout is not None
        stop = _stopped_after(process, seconds)
        try:
            while piece := os.read(process.stdout.fileno(), 1 << 16):
                yield piece
        except BaseException:
            process.kill()
            raise
        finally:
            stop.cancel()
            _close(process)
            code = process.wait()
        if code != 0:
            raise GitFailed(arguments[0], _said(errors))


def _stopped_after(process: subprocess.Popen[bytes], seconds: float) -> threading.Timer:
    stop = threading.Timer(seconds, process.kill)
    stop.daemon = True
    stop.start()
    return stop


def _bound(pid: int, memory: int) -> None:
    """Bounds what a process may have in memory of its own; files it maps don't count."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError, PermissionError):  # it has ended already
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))


def checked(oid: str) -> str:
    """A full id, which can be no option of git's; raises RevisionNotFound."""
    if not OID.fullmatch(oid):
        raise RevisionNotFound(oid)
    return oid


def _run(path: Path | None, arguments: Sequence[str]) -> bytes:
    process = _start(path, arguments)
    out, err = process.communicate()
    if process.returncode != 0:
        raise GitFailed(arguments[0], text_of(err))
    return out


def completed(
    path: Path | None,
    arguments: Sequence[str],
    source: bytes = b"",
    more: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[bytes]":
    """A git command run to its end, on a repository where one is named.

    `more` is added to its environment. Raises GitMissing; what its exit code means is for the
    caller to say.
    """
    process = _start(path, arguments, more=more)
    out, err = process.communicate(source)
    return subprocess.CompletedProcess(list(arguments), process.returncode, out, err)


def _start(
    path: Path | None,
    arguments: Sequence[str],
    source: IO[bytes] | int = subprocess.PIPE,
    errors: IO[bytes] | int = subprocess.PIPE,
    more: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Git at work on this very repository: it looks for none in the folders above."""
    where = [f"--git-dir={path}"] if path is not None else []
    try:
        return subprocess.Popen(
            ["git", *where, *arguments],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**environment(), **(more or {})},
        )
    except FileNotFoundError as missing:
        raise GitMissing from missing


@contextmanager
def reading(path: Path, arguments: Sequence[str], source: str) -> Iterator[IO[bytes]]:
    """What git prints, as it comes; files for the other two ends, so that none can block.

    Raises GitFailed at the end, and stops git where the reader stops early.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(source.encode())
        given.seek(0)
        process = _start(path, arguments, given, errors)
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
            _close(process)
        if code != 0:
            raise GitFailed(arguments[0], _said(errors))


def _close(process: subprocess.Popen[bytes]) -> None:
    for end in (process.stdout, process.stdin):
        if end is not None and not end.closed:
            end.close()


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return text_of(errors.read())
