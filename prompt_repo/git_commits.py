"""Commits between dulwich's form and ours: people, times, messages in any encoding."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from dulwich.objects import Commit as GitCommit
from dulwich.objects import ObjectID, Tag

from prompt_repo.git_trees import Difference
from prompt_repo.model import Author, Commit, FileChange
from prompt_repo.trailers import split_trailers

UNSAFE = re.compile(r"[\x00-\x1f\x7f<>]")
LAST = datetime(9999, 12, 31, tzinfo=UTC)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
NEAR = 64  # commits walked here before git is asked about ancestry


def person(author: Author, longest: int | None = None) -> bytes:
    """An author as Git writes one, without what would break the line; each part cut if asked."""
    name = UNSAFE.sub(" ", author.name).strip()[:longest].strip() or "Unknown"
    email = UNSAFE.sub("", author.email).replace(" ", "")[:longest]
    return f"{name} <{email}>".encode(errors="replace")


@lru_cache(maxsize=1024)  # a few people write most commits
def author_of(name: bytes, email: bytes, encoding: str = "utf-8") -> Author:
    """An author from what Git holds."""
    return Author(text_of(name, encoding), text_of(email, encoding))


def text_of(raw: bytes, encoding: str = "utf-8") -> str:
    """Text from bytes that came from outside; what can't be read becomes U+FFFD."""
    try:
        return raw.decode(encoding, errors="replace")
    except (LookupError, ValueError):  # Python has codecs that replace nothing
        return raw.decode(errors="replace")


def changes_of(differences: Iterable[Difference]) -> Iterator[FileChange]:
    """Differences of two trees as changes of files."""
    for path, (old, new) in differences:
        yield FileChange(
            path.decode(errors="replace"),
            old.decode() if old else None,
            new.decode() if new else None,
        )


def time_of(seconds: int) -> datetime:
    """A commit's time, kept within the years that a `datetime` can name."""
    try:
        return max(FIRST, datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return LAST if seconds > 0 else FIRST


def made(
    tree: bytes,
    parents: Sequence[str],
    author: Author,
    committer: Author | None,
    message: str,
    at: datetime | None,
) -> GitCommit:
    """A new commit, in UTC; `at` is now where it is None."""
    commit = GitCommit()
    commit.tree = ObjectID(tree)
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    commit.author = person(author)
    commit.committer = person(committer or author)
    commit.author_time = commit.commit_time = int(at.timestamp() if at else time.time())
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = f"{message.strip()}\n".replace("\0", "").encode(errors="replace")
    return commit


def moment(commit: GitCommit) -> datetime:
    """When a commit was made."""
    return time_of(commit.commit_time)


def tagged(name: str, oid: str, who: Author, message: str, at: datetime | None) -> Tag:
    """A new annotated tag of a commit, in UTC; `at` is now where it is None."""
    tag = Tag()
    tag.name = name.encode()
    tag.object = (GitCommit, ObjectID(oid.encode()))
    tag.tagger = person(who)
    tag.tag_time = int(at.timestamp() if at else time.time())
    tag.tag_timezone = 0
    tag.message = f"{message.strip()}\n".replace("\0", "").encode(errors="replace")
    return tag


def described(
    found: GitCommit, parents: tuple[str, ...], changes: tuple[FileChange, ...]
) -> Commit:
    """A commit in our form; what one from outside lacks is empty, as git takes it."""
    encoding = found.encoding.decode("ascii", "replace") if found.encoding else "utf-8"
    name, _, rest = (found.author or b"").partition(b"<")
    message = text_of(found.message or b"", encoding).strip("\n")
    return Commit(
        oid=found.id.decode(),
        parents=parents,
        author=author_of(name.rstrip(), rest.partition(b">")[0], encoding),
        authored_at=time_of(found.author_time or 0),
        committed_at=time_of(found.commit_time or 0),
        message=message,
        changes=changes,
        trailers=split_trailers(message)[1],
    )


def descends(of: str, ancestor: str, parents: Callable[[str], Sequence[str]]) -> bool | None:
    """Whether one commit is another or descends from it; None where a short walk doesn't tell."""
    seen = {of}
    front = [of]
    while front and len(seen) < NEAR and ancestor not in seen:
        front = [each for oid in front for each in parents(oid) if each not in seen]
        seen.update(front)
    return ancestor in seen if ancestor in seen or not front else None
