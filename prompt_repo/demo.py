"""A repository to look around in: months of believable work, written in one go."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from prompt_repo import git_cli
from prompt_repo.demo_story import Calendar, Step, promotions, story
from prompt_repo.git_store import GitStore
from prompt_repo.progress import Progress, counted, silent
from prompt_repo.repository import PRODUCTION, STAGING, Repository


def fill(path: Path, *, now: datetime | None = None, progress: Progress = silent) -> Repository:
    """Makes a bare repository at `path` whose story ends the working day before `now` (or today).

    `progress` is told how many commits of how many are written. The same `now` gives the same
    commits. Raises RepositoryExists, GitFailed, GitMissing.
    """
    store = GitStore.create(path)
    stream = _Stream(Calendar(now or datetime.now(UTC)))
    git_cli.fast_import(store.path, stream.lines(progress))
    return Repository(store)


class _Stream:
    """The story as `git fast-import` reads it: staging's commits, production's merges between."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._files: dict[str, bytes] = {}
        self._marks = 0
        self._heads: dict[str, int] = {}

    def lines(self, progress: Progress) -> Iterator[bytes]:
        """The whole stream, a commit at a time."""
        edits, merges = story(), promotions()
        total = len(edits) + len(merges)
        steps = sorted([*edits, *merges], key=lambda each: each.when)
        for step in counted(steps, "Making commits", total, progress):
            yield from self._edit(step) if step.files else self._promotion(step)

    def _edit(self, step: Step) -> Iterator[bytes]:
        yield self._commit(STAGING, step)
        for name, raw in step.files.items():
            if raw is None:
                del self._files[name]
                yield b"D %b\n" % name.encode()
            else:
                self._files[name] = raw
                yield _put(name, raw)
        if PRODUCTION not in self._heads:
            self._heads[PRODUCTION] = self._marks
            yield b"reset refs/heads/%b\nfrom :%d\n\n" % (PRODUCTION.encode(), self._marks)

    def _promotion(self, step: Step) -> Iterator[bytes]:
        """A merge of staging into production that holds exactly what staging holds."""
        staging = self._heads[STAGING]
        yield self._commit(PRODUCTION, step)
        yield b"merge :%d\ndeleteall\n" % staging
        for name, raw in self._files.items():
            yield _put(name, raw)

    def _commit(self, branch: str, step: Step) -> bytes:
        """The head of a commit on a branch, which it moves."""
        self._marks += 1
        who = f"{step.author} {int(self._calendar.at(step.when).timestamp())} +0000"
        lines = [f"commit refs/heads/{branch}", f"mark :{self._marks}"]
        lines += [f"author {who}", f"committer {who}", _counted(step.reason + "\n")]
        if branch in self._heads:
            lines.append(f"from :{self._heads[branch]}")
        self._heads[branch] = self._marks
        return "\n".join(lines).encode() + b"\n"


def _put(name: str, raw: bytes) -> bytes:
    return b"M 100644 inline %b\ndata %d\n%b\n" % (name.encode(), len(raw), raw)


def _counted(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"
