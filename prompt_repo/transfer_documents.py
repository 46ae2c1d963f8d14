"""What an export tells: every document at a commit, in an order of its own, a few at a time."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from prompt_repo import documents
from prompt_repo.catalogue import placed
from prompt_repo.errors import CharacterNotFound, InvalidDocument, UnknownEmotion
from prompt_repo.layout import CONFIGURATION, Place, character_path, place_of
from prompt_repo.model import Author, Configuration, Held, Prompt, Source, Version
from prompt_repo.parsed import Document, Parsed
from prompt_repo.progress import Progress, counted, silent
from prompt_repo.repository import Repository

AT_ONCE = 500  # documents held in memory
CHARACTERS, DEFAULTS = "characters/", "defaults/"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents are exported; None stands for all. `versions` brings their histories."""

    characters: frozenset[str] | None = None
    emotions: frozenset[str] | None = None
    sources: frozenset[Source] = frozenset({Source.CHARACTER, Source.GLOBAL})
    versions: bool = False

    def holds(self, place: Place) -> bool:
        """Whether a document at this place is wanted."""
        source = Source.GLOBAL if place.character is None else Source.CHARACTER
        if source not in self.sources:
            return False
        if place.character is not None and self.characters is not None:
            wanted = place.character in self.characters
        else:
            wanted = True
        return wanted and self._emotion(place)

    def _emotion(self, place: Place) -> bool:
        return place.emotion is None or self.emotions is None or place.emotion in self.emotions

    def check(self, repository: Repository, commit: str) -> None:
        """Raises CharacterNotFound and UnknownEmotion for what isn't there."""
        catalogue = repository.catalogue(commit)
        for character in sorted(self.characters or ()):
            held = repository.history.held(commit, character_path(character))
            if held is None or held.blob is None:
                raise CharacterNotFound(character)
        unknown = sorted((self.emotions or frozenset()) - {*catalogue.configuration.by_id})
        if unknown:
            raise UnknownEmotion(unknown[0], catalogue.configuration.emotion_ids)


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says; `document` is the file itself where our own form of it is another."""

    value: Document
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One version: who made it, when and why, and what it said (None: it took the file away)."""

    author: Author
    at: int
    reason: str
    said: Said | None


@dataclass(frozen=True, slots=True)
class Exported:
    """A document at its place: what it says now (None: it is removed), and all its versions."""

    place: Place
    held: Held
    said: Said | None
    versions: Sequence[Told] = ()


def exported(
    repository: Repository,
    commit: str,
    selection: Selection,
    progress: Progress = silent,
) -> Iterator[Exported]:
    """The documents at a commit: the configuration, the defaults, the characters one by one.

    Removed ones come only with versions. However many there are, few are in memory. Raises
    InvalidDocument for a file that plain git broke.
    """
    repository.history.ensure(commit)
    found = _found(repository, commit, selection)
    yield from counted(found, "Exporting", None, progress)


def blob_id(raw: bytes) -> str:
    """The id that Git gives to a file."""
    digest = hashlib.sha1(b"blob %d\0" % len(raw), usedforsecurity=False)
    digest.update(raw)
    return digest.hexdigest()


def _found(repository: Repository, commit: str, selection: Selection) -> Iterator[Exported]:
    held = repository.history.held(commit, CONFIGURATION)
    if held is not None and held.blob is not None:
        yield from _told(repository, [(CONFIGURATION, held)], selection)
    order = {
        name: rank for rank, name in enumerate(repository.catalogue(commit).configuration.by_id)
    }
    for folder in (DEFAULTS, CHARACTERS):
        for some in _stretches(repository, commit, folder, selection, order):
            yield from _told(repository, some, selection)


def _stretches(
    repository: Repository,
    commit: str,
    folder: str,
    selection: Selection,
    order: Mapping[str, int],
) -> Iterator[list[tuple[str, Held]]]:
    """Paths with what stands there; whole folders, a character first and then by emotion."""
    some: list[tuple[str, Held]] = []
    for _, files in groupby(_walked(repository, commit, folder), key=itemgetter(0)):
        wanted = []
        for _, path, held in files:
            place = place_of(path)
            if place and selection.holds(place) and (held.blob is not None or selection.versions):
                rank = -1 if place.emotion is None else order.get(place.emotion, len(order))
                wanted.append((rank, path, held))
        some += [(path, held) for _, path, held in sorted(wanted, key=itemgetter(0, 1))]
        if len(some) >= AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _walked(repository: Repository, commit: str, folder: str) -> Iterator[tuple[str, str, Held]]:
    """Every path below a folder, with the folder it is in itself and what stands there."""
    after: str | None = ""
    while after is not None:
        stretch = repository.history.walk(commit).stretch(folder, after, AT_ONCE)
        for path, held in stretch.held:
            yield path.rpartition("/")[0], path, held
        after = stretch.last


def _told(
    repository: Repository, some: Sequence[tuple[str, Held]], selection: Selection
) -> Iterator[Exported]:
    values = repository.parsed({held.blob: path for path, held in some if held.blob})
    for path, held in some:
        place = place_of(path)
        assert place is not None
        said = _said(repository, path, held.blob, values) if held.blob else None
        if said is not None and isinstance(said.value, Configuration):
            yield Exported(place, held, _chosen(said, said.value, selection))
        else:
            versions = _versions(repository, path, held) if selection.versions else ()
            yield Exported(place, held, said, versions)


def _said(repository: Repository, path: str, blob: str, values: Mapping[str, Parsed]) -> Said:
    value = placed(values[blob], path)
    if isinstance(value, InvalidDocument):
        raise value.at(path)
    if blob_id(documents.written(value)) == blob:
        return Said(value)
    return Said(value, repository.store.blob(blob).decode())


def _chosen(said: Said, value: Configuration, selection: Selection) -> Said:
    """The configuration with the chosen emotions alone."""
    if selection.emotions is None:
        return said
    emotions = tuple(each for each in value.emotions if each.id in selection.emotions)
    return Said(Configuration(emotions, value.variables, value.limits))


def _versions(repository: Repository, path: str, held: Held) -> tuple[Told, ...]:
    """All versions of a document, oldest first."""
    line = repository.history.line(held.row, held.number)
    values = repository.parsed({each.blob: path for each in line if each.blob})
    return tuple(_version(repository, each, path, values) for each in reversed(line))


def _version(
    repository: Repository, version: Version, path: str, values: Mapping[str, Parsed]
) -> Told:
    said = None
    if version.blob is not None:
        broken = isinstance(values[version.blob], InvalidDocument)
        if broken and not path.endswith("/character.yaml"):
            # No valid document, and mended since: what a history shows of it is all there is.
            said = Said(Prompt(documents.readable(repository.store.blob(version.blob), path)))
        else:
            said = _said(repository, path, version.blob, values)
    return Told(version.author, int(version.created_at.timestamp()), version.reason, said)
