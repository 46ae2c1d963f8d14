"""What the pages of a prompt's history show: its timeline, its stays in production, its lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prompt_repo import blame, diffing, documents
from prompt_repo.blame import Stretch
from prompt_repo.deployments import Deployment, deployments
from prompt_repo.documents import Document
from prompt_repo.errors import InvalidDocument, VersionNotFound
from prompt_repo.model import Version
from prompt_repo.repository import Repository
from webapp.reading import Subject

PAGE = 25


@dataclass(frozen=True)
class Moment:
    """A version on the timeline: how many lines it added and removed, and its stays in production.

    `stays` are newest first.
    """

    version: Version
    added: int
    removed: int
    stays: Sequence[Deployment]

    @property
    def live(self) -> bool:
        """Whether this is what production has now."""
        return any(each.until is None for each in self.stays)


def moments(
    repository: Repository, subject: Subject, cursor: str | None
) -> tuple[list[Moment], str | None]:
    """A page of the timeline; one version more is read, to measure the last one against."""
    history, at, path = repository.history, subject.catalogue.commit, subject.key.path
    page = history.page(at, path, cursor, PAGE)
    versions = page.versions
    if page.next_cursor:
        versions += history.page(at, path, page.next_cursor, 1).versions
    texts = [text_of(repository, each) for each in versions] + [""]
    stays: dict[str, list[Deployment]] = {}
    for stay in deployments(repository, path):
        stays.setdefault(stay.version.commit, []).append(stay)
    found = [
        Moment(each, *diffing.size(texts[at + 1], texts[at]), stays.get(each.commit, ()))
        for at, each in enumerate(page.versions)
    ]
    return found, page.next_cursor


def lines(repository: Repository, subject: Subject) -> tuple[Stretch, ...]:
    """The text that stands, each line with the version that wrote it."""
    path = subject.key.path

    def chain_of(commit: str) -> Iterable[Version]:
        cursor: str | None = None
        while True:
            page = repository.history.page(commit, path, cursor)
            yield from page.versions
            cursor = page.next_cursor
            if cursor is None:
                return

    at = subject.catalogue.commit
    return blame.blame(at, chain_of, lambda version: text_of(repository, version))


def numbered(repository: Repository, subject: Subject, number: int) -> Version:
    """A version by its number; raises VersionNotFound."""
    return repository.history.numbered(subject.catalogue.commit, subject.key.path, number)


def has_text(repository: Repository, subject: Subject, number: int) -> bool:
    """Whether a version of this number is there and is no removal."""
    try:
        return not numbered(repository, subject, number).removed
    except VersionNotFound:
        return False


def read(repository: Repository, version: Version) -> Document | InvalidDocument | None:
    """What a version says, or what is wrong with its file; None for a removal."""
    if version.blob is None:
        return None
    try:
        return documents.parse(repository.store.blob(version.blob), version.path)
    except InvalidDocument as broken:
        return broken


def text_of(repository: Repository, version: Version) -> str:
    """What is shown of a version: its text, or all that a broken file holds."""
    if version.blob is None:
        return ""
    return documents.readable(repository.store.blob(version.blob), version.path)
