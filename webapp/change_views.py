"""What the pages of change requests show, gathered from Git and the records."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from prompt_repo import change_checks, change_effects, changes, diffing, documents
from prompt_repo.catalogue import Catalogue
from prompt_repo.change_checks import Check, Grade
from prompt_repo.change_effects import Effect, Pair
from prompt_repo.changes import FOLDER, Comparison, Verdict
from prompt_repo.errors import InvalidDocument, PromptRepoError
from prompt_repo.layout import CONFIGURATION, place_of
from prompt_repo.model import Commit, FileChange, Prompt, PromptKey
from prompt_repo.repository import Repository
from webapp.change_records import Kind, State, Who
from webapp.change_reviews import Standing, contributed, standing
from webapp.reading import reach
from webapp.records.change_models import ChangeEntry, ChangeRequest

EFFECTS = 5  # resolved texts shown with a document; of more the page of its reach tells
FILES = 50  # documents of one page
LINES = 3  # unchanged lines around a change


@dataclass(frozen=True)
class Resolved:
    """One resolved text before and after, as a diff."""

    title: str
    effect: Effect
    rows: tuple[diffing.Row, ...]


@dataclass(frozen=True)
class File:
    """One changed document: its text before and after, and what it does to resolved texts."""

    path: str
    title: str
    key: PromptKey | None
    rows: tuple[diffing.Row, ...]
    size: tuple[int, int]
    details: tuple[tuple[str, str, str], ...]
    removed: bool
    reach: str
    effects: tuple[Resolved, ...]
    more: bool
    comments: tuple[ChangeEntry, ...] = ()

    def at_line(self, line: int | None) -> list[ChangeEntry]:
        """The comments on one line of the new text."""
        return [each for each in self.comments if line is not None and each.line == line]

    @property
    def hidden(self) -> list[ChangeEntry]:
        """Comments on lines that the diff folds away."""
        shown = {row.new_number for row in self.rows if row.kind != "fold"}
        return [each for each in self.comments if each.line not in shown]


class Subject:
    """A change request with everything a page of it may ask; each is found out once."""

    def __init__(
        self,
        repository: Repository,
        row: ChangeRequest,
        said: Sequence[ChangeEntry],
        own: Sequence[ChangeEntry],
        required: int,
        shut_out: Collection[int] = (),
    ) -> None:
        self.repository, self.row, self.entries = repository, row, said
        self.own, self.required, self.shut_out = own, required, shut_out

    @property
    def branch(self) -> str:
        """The branch it lives on."""
        return FOLDER + self.row.slug

    @property
    def is_open(self) -> bool:
        """Whether it may still be added to and merged."""
        return self.row.state == State.OPEN

    @cached_property
    def comparison(self) -> Comparison | None:
        """What it proposes; None where its commits are gone with its branch."""
        base = self.repository.head(self.row.base) if self.is_open else self.row.base_head
        try:
            return changes.compare(self.repository, base, self.row.head)
        except PromptRepoError:
            return None

    @cached_property
    def verdict(self) -> Verdict | None:
        """How it fits its base."""
        found = self.comparison
        return changes.verdict(self.repository, found) if found and self.is_open else None

    @cached_property
    def before(self) -> Catalogue:
        """The base that it is compared with."""
        assert self.comparison is not None
        return changes.at(self.repository, self.comparison.base)

    @cached_property
    def after(self) -> Catalogue:
        """The base with what it proposes put in."""
        assert self.comparison is not None
        return changes.result(self.repository, self.comparison)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """What is checked of it while it is open."""
        if self.comparison is None or self.verdict is None:
            return ()
        return change_checks.checks(self.repository, self.comparison, self.verdict, self.after)

    @cached_property
    def commits(self) -> list[Commit]:
        """The commits it brings, newest first."""
        return changes.commits(self.repository, self.comparison) if self.comparison else []

    @cached_property
    def standing(self) -> Standing:
        """What reviews come to."""
        proposed = self.comparison if self.is_open and self.comparison else self.row
        return standing(self.entries, self.own, proposed.fingerprint, self.required, self.shut_out)

    @property
    def count(self) -> int:
        """How many documents it changes."""
        return len(self.comparison.files) if self.comparison else 0

    @property
    def mergeable(self) -> bool:
        """Whether nothing is in the way of merging it."""
        failed = any(check.grade is Grade.FAILED for check in self.checks)
        return self.is_open and bool(self.count) and not failed and self.standing.ready

    def contributed(self, who: Who) -> bool:
        """Whether somebody proposed or pushed some of it."""
        return contributed(self.own, who)

    def files(self, start: int = 0, limit: int = FILES) -> list[File]:
        """A page of the documents it changes."""
        found = self.comparison.files if self.comparison else ()
        return [self._file(change) for change in found[start : start + limit]]

    def effects(self, path: str, behind: Pair, limit: int) -> list[Resolved]:
        """Resolved texts that change by one document, and one more where there are more."""
        found = change_effects.effects(self.before, self.after, path, behind)
        return [self._resolved(effect) for effect in islice(found, limit + 1)]

    def is_current(self, entry: ChangeEntry) -> bool:
        """Whether the text that a comment is about still stands in this change request."""
        if entry.head == self.row.head:
            return True
        blobs = {self._blob(head, entry.path) for head in (entry.head, self.row.head)}
        return len(blobs) == 1

    def excerpt(self, entry: ChangeEntry) -> str:
        """The line that a comment is about, as it was."""
        blob = self._blob(entry.head, entry.path)
        text = text_of(self.repository, entry.path, blob)
        lines = (text or "").split("\n")
        return lines[entry.line - 1] if entry.line and entry.line <= len(lines) else ""

    def title(self, path: str) -> str:
        """A document as people call it."""
        return title(self.after, path)

    def _file(self, change: FileChange) -> File:
        place = place_of(change.path)
        before, after = (
            text_of(self.repository, change.path, blob) for blob in (change.old, change.new)
        )
        effects = self.effects(change.path, ("", ""), EFFECTS)
        on_lines = [e for e in self.entries if e.path == change.path and e.kind == Kind.COMMENTED]
        is_default = place is not None and place.key is not None and place.character is None
        return File(
            path=change.path,
            title=self.title(change.path),
            key=place.key if place else None,
            rows=diffing.rows(before, after, LINES) if before != after else (),
            size=diffing.size(before, after),
            details=_details(self.repository, change),
            removed=change.new is None,
            reach=reach(self.after, place.emotion or "") if is_default and place else "",
            effects=tuple(effects[:EFFECTS]),
            more=len(effects) > EFFECTS,
            comments=tuple(each for each in on_lines if self.is_current(each)),
        )

    def _resolved(self, effect: Effect) -> Resolved:
        key = PromptKey(effect.character, effect.emotion)
        rows = diffing.rows(effect.before, effect.after, LINES)
        return Resolved(title(self.after, key.path), effect, rows)

    def _blob(self, head: str, path: str) -> str | None:
        try:
            self.repository.history.ensure(head)
            held = self.repository.history.held(head, path)
        except PromptRepoError:
            return None  # its commits went with the branch
        return held.blob if held is not None else None


def title(catalogue: Catalogue, path: str) -> str:
    """A document as people call it: `Aria Vale, angry`, `Default, angry`, `Aria Vale`."""
    place = place_of(path)
    if place is None:
        return path
    if path == CONFIGURATION:
        return "Emotions and shared variables"
    who = "Default"
    if place.character is not None:
        try:
            who = catalogue.character(place.character).name
        except PromptRepoError:
            who = place.character
    if place.emotion is None:
        return who
    try:
        emotion = catalogue.configuration.by_id.get(place.emotion)
    except PromptRepoError:
        emotion = None
    return f"{who}, {(emotion.label if emotion else place.emotion).lower()}"


def text_of(repository: Repository, path: str, blob: str | None) -> str | None:
    """A document's text as a diff shows it: a prompt's own, of anything else the file."""
    if blob is None:
        return None
    raw = repository.store.blob(blob)
    try:
        value = documents.parse(raw, path) if place_of(path) else None
    except InvalidDocument:
        value = None
    return value.text if isinstance(value, Prompt) else raw.decode(errors="replace")


def places(subject: Subject) -> Iterable[str]:
    """The titles of the first documents it changes, for its head."""
    return [
        subject.title(path) for path in (subject.comparison.paths[:3] if subject.comparison else ())
    ]


def _details(repository: Repository, change: FileChange) -> tuple[tuple[str, str, str], ...]:
    """What changed of a prompt beside its text: name, before, after."""
    sides = [_prompt(repository, change.path, blob) for blob in (change.old, change.new)]
    before, after = (side or Prompt("") for side in sides)
    if sides[1] is None:
        return ()
    pairs = (
        ("Notes", before.notes, after.notes),
        ("Tags", ", ".join(before.tags), ", ".join(after.tags)),
    )
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _prompt(repository: Repository, path: str, blob: str | None) -> Prompt | None:
    if blob is None or place_of(path) is None:
        return None
    try:
        value = documents.parse(repository.store.blob(blob), path)
    except InvalidDocument:
        return None
    return value if isinstance(value, Prompt) else None
