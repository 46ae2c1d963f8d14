"""An import as `git fast-import` reads it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from prompt_repo.git_commits import person
from prompt_repo.layout import CONFIGURATION
from prompt_repo.model import Author
from prompt_repo.progress import Progress, counted
from prompt_repo.repository import STAGING
from prompt_repo.transfer_plan import Plan

TRAILER = "Imported-From"
IN_ORDER = """
SELECT m.at, m.turn, m.made, m.name, m.email, m.reason, m.path, v.raw
FROM moves m JOIN versions v ON v.path = m.path AND v.number = m.number
ORDER BY m.at, m.turn, m.made, m.name, m.email, m.reason, m.path
"""
GROUP = 6


class Stream:
    """What is to be written, from the tables `moves` and `finals` of what was staged."""

    def __init__(self, plan: Plan, begins: str, author: Author, reason: str) -> None:
        self._connection = plan.staged.connection
        self._begins, self._author, self._plan = begins, author, plan
        self._reason = reason
        self._now = int(datetime.now(UTC).timestamp())
        self._from = plan.staged.base or " ".join(plan.staged.name.split())[:200]
        self.commits = 0

    def lines(self, progress: Progress) -> Iterator[bytes]:
        """The whole stream: the configuration, the versions in their order, what stands at last."""
        versions = self._count("moves")
        if versions:
            yield from self._finals("path = ?")
            yield from self._versions(versions, progress)
        yield from self._finals("path <> ?" if versions else "path <> ? OR 1")
        yield b"done\n"

    def _versions(self, count: int, progress: Progress) -> Iterator[bytes]:
        rows = counted(self._connection.execute(IN_ORDER), "Writing versions", count, progress)
        for (_, _, made, name, email, reason), files in groupby(
            rows, key=itemgetter(*range(GROUP))
        ):
            words = f"{reason}\n\n{TRAILER}: {self._from}" if reason else ""
            yield self._commit(_who(name, email), made, words)
            for row in files:
                yield _file(row[GROUP], row[GROUP + 1])

    def _finals(self, which: str) -> Iterator[bytes]:
        query = f"SELECT path, raw FROM finals WHERE {which} ORDER BY path"  # noqa: S608 - our words
        for count, (path, raw) in enumerate(self._connection.execute(query, (CONFIGURATION,))):
            if not count:
                words = self._reason or f"Import {self._plan.staged.name}"
                yield self._commit(person(self._author), self._now, words)
            yield _file(path, raw)

    def _commit(self, author: bytes, at: int, message: str) -> bytes:
        self.commits += 1
        begins = f"from {self._begins}\n" if self.commits == 1 else f"from :{self.commits - 1}\n"
        words = f"{message.strip()}\n".encode(errors="replace") if message else b""
        return (
            b"commit refs/heads/%b\nmark :%d\nauthor %b %d +0000\ncommitter %b %d +0000\n%b%b"
            % (
                STAGING.encode(),
                self.commits,
                author,
                at,
                person(self._author),
                self._now,
                b"data %d\n%b\n" % (len(words), words),
                begins.encode(),
            )
        )

    def _count(self, table: str) -> int:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our words
        count: int = self._connection.execute(query).fetchone()[0]
        return count


def _who(name: str, email: str) -> bytes:
    """Somebody whom a file names; git takes a name that is empty."""
    return f"{name} <{email}>".encode(errors="replace") if name else f"<{email}>".encode()


def _file(path: str, raw: bytes | None) -> bytes:
    if raw is None:
        return b"D %b\n" % path.encode()
    return b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(raw), raw)
