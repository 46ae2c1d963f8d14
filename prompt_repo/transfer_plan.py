"""What an import would do, document by document, at one commit: decided before anything is written.

An import adds and changes. It takes away only what the file itself tells was removed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from prompt_repo import documents
from prompt_repo.document_merging import merge_documents
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import CONFIGURATION, Kind, character_path, place_of
from prompt_repo.model import Character, Configuration, Held, Prompt, PromptKey
from prompt_repo.progress import Progress, counted, silent
from prompt_repo.repository import Repository
from prompt_repo.transfer_cards import completed
from prompt_repo.transfer_configuration import Settled, settle
from prompt_repo.transfer_errors import InvalidFile
from prompt_repo.transfer_staged import Staged, StagedDocument, mark_of, same_said, subject


class State(StrEnum):
    """What an import means for one document."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    BEHIND = "behind"
    CONFLICT = "conflict"


MEANING = MappingProxyType(
    {
        State.CREATE: "not here yet",
        State.UPDATE: "changed in the file, and not here",
        State.UNCHANGED: "the same here",
        State.BEHIND: "changed here since the file was made, and not in it",
        State.CONFLICT: "changed here and in the file",
    }
)


NO_BASE = (
    "the commit that this file left from isn't named or isn't here, so all that differs counts as "
    "changed on both sides"
)


class Strategy(StrEnum):
    """What shall become of a conflict: the file's, ours, or both where they fit together."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the plan.

    `shared` versions of the file are here already. `ours` and `base` are blobs of what stands
    here, and of what the file left from; `merged` is what a merge of the two gives (None: they
    overlap). `joins` says whether the file brings versions beyond the shared ones.
    """

    path: str
    state: State
    shared: int
    ours: str | None
    base: str | None
    merged: bytes | None
    joins: bool


@dataclass(frozen=True)
class Plan:
    """An import as it would go, pinned to a commit of a branch; its entries are in `staged`."""

    branch: str
    commit: str
    staged: Staged
    counts: Mapping[State, int]
    warnings: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> int:
        """How many documents would change whatever is decided about conflicts."""
        return self.counts[State.CREATE] + self.counts[State.UPDATE]

    def entries(self, state: State | None = None, after: str = "", limit: int = -1) -> list[Entry]:
        """Entries by path; those of one state, from the one after a path on, where asked."""
        which = "AND state = ?" if state is not None else ""
        rows = self.staged.connection.execute(
            f"SELECT * FROM plan WHERE path > ? {which} ORDER BY path LIMIT ?",  # noqa: S608
            (after, *([str(state)] if state is not None else []), limit),
        )
        return [_entry(row) for row in rows]

    def entry(self, path: str) -> Entry | None:
        """One document's entry; None where the file says nothing of it."""
        query = "SELECT * FROM plan WHERE path = ?"
        row = self.staged.connection.execute(query, (path,)).fetchone()
        return _entry(row) if row is not None else None


def plan(
    repository: Repository,
    branch: str,
    staged: Staged,
    *,
    base: str | None = None,
    create_characters: bool = False,
    progress: Progress = silent,
) -> Plan:
    """What an import of a file would do to a branch as it is now.

    `base` is the commit that the file left from, where it names none itself. Raises InvalidFile
    with everything wrong in the file, and with what doesn't fit here.
    """
    commit = repository.head(branch)
    repository.history.ensure(commit)
    if staged.count == 0:
        planner = _Planner(repository, commit, staged, base or staged.base)
        planner.prepare(create_characters)
    if staged.count:
        raise InvalidFile(staged.problems(), staged.count)
    planner.fill(progress)
    staged.pin(commit)
    found = opened(branch, commit, staged)
    if found.counts[State.CONFLICT] and not planner.knows_base:
        return replace(found, warnings=(NO_BASE, *found.warnings))
    return found


def opened(branch: str, commit: str, staged: Staged) -> Plan:
    """The plan that was made of a file before."""
    rows = staged.connection.execute("SELECT state, count(*) FROM plan GROUP BY state")
    counts = Counter({State(state): count for state, count in rows})
    return Plan(branch, commit, staged, counts, tuple(staged.warnings))


class _Planner:
    """Compares what a file says with what stands here."""

    def __init__(
        self, repository: Repository, commit: str, staged: Staged, base: str | None
    ) -> None:
        self._repository, self._commit, self._staged = repository, commit, staged
        self._history = repository.history
        self._base = base if base is not None and repository.store.exists(base) else None
        if self._base is not None:
            self._history.ensure(self._base)
        self._configuration = repository.catalogue(commit).configuration
        self._empty = self._is_empty()
        self._settled: Settled | None = None

    @property
    def knows_base(self) -> bool:
        """Whether the commit that the file left from is here."""
        return self._base is not None

    def prepare(self, create_characters: bool) -> None:
        """Settles the configuration and missing characters, and checks that all fits together."""
        self._settle()
        self._complete_card()
        missing: dict[str, StagedDocument] = {}
        for document in self._staged.documents():
            place = place_of(document.path)
            if place is not None and place.kind is Kind.CHARACTER and document.raw is None:
                self._check_removal(place.character or "", document)
            if place is None or place.key is None or document.raw is None:
                continue
            if place.key.emotion not in self._configuration.by_id:
                self._unknown_emotion(place.key, document)
            who = place.character
            if who is not None and who not in missing and not self._knows(who):
                missing[who] = document
        for who, first in missing.items():
            if create_characters:
                name = who.replace("-", " ").replace("_", " ").strip().title() or who
                character = Character(who, name)
                path = character_path(who)
                self._staged.supply(path, character, documents.dump(character, path), first.place)
            else:
                said = f"there is no character {who!r} here; create it first, or have it created"
                self._staged.refuse(said, first.place, "character", document=first.path)
        self._check_sizes()

    def fill(self, progress: Progress) -> None:
        """Writes the plan beside what was read."""
        connection = self._staged.connection
        connection.execute("DELETE FROM plan")
        count = len(self._staged)
        told = counted(self._staged.documents(), "Comparing", count, progress)
        connection.executemany(
            "INSERT INTO plan VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_row(self._compared(document)) for document in told),
        )

    def _compared(self, document: StagedDocument) -> Entry:
        held = self._history.held(self._commit, document.path)
        ours = held.blob if held is not None else None
        entry = Entry(document.path, State.UNCHANGED, 0, ours, None, None, joins=False)
        if document.path == CONFIGURATION:
            return self._of_configuration(document, entry)
        if document.versions:
            return self._by_versions(document, held, entry)
        if self._same(document, ours):
            return entry
        if ours is None and held is None:
            return replace(entry, state=State.CREATE)
        if self._base is None:
            return self._without_base(document, entry)
        before = self._history.held(self._base, document.path)
        return self._by_base(document, replace(entry, base=before.blob if before else None))

    def _without_base(self, document: StagedDocument, entry: Entry) -> Entry:
        if entry.ours is None:  # it was removed here, and nobody knows whether before or since
            return replace(entry, state=State.CREATE)
        return self._conflict(document, entry)

    def _by_base(self, document: StagedDocument, entry: Entry) -> Entry:
        if entry.base is None and entry.ours is None:
            return replace(entry, state=State.CREATE)
        if entry.ours == entry.base:
            return replace(entry, state=State.UPDATE)
        if self._same(document, entry.base):
            return replace(entry, state=State.BEHIND)
        return self._conflict(document, entry)

    def _by_versions(self, document: StagedDocument, held: Held | None, entry: Entry) -> Entry:
        theirs = self._staged.marks(document.path)
        here: list[bytes] = []
        blobs: list[str | None] = []
        if held is not None:
            for each in reversed(self._history.line(held.row, held.number)):
                at = int(each.created_at.timestamp())
                here.append(mark_of(each.author, at, each.reason, each.blob))
                blobs.append(each.blob)
        shared = _shared(theirs, here)
        base = blobs[shared - 1] if shared else None
        entry = replace(entry, shared=shared, base=base, joins=shared < len(theirs))
        last = self._staged.stands(document)
        if shared == len(here) and (entry.joins or not last):
            return replace(entry, state=State.UPDATE if here else State.CREATE)
        if self._same(document, entry.ours):
            return replace(entry, joins=False)
        if not entry.joins and last:
            return replace(entry, state=State.BEHIND)
        return self._conflict(document, entry)

    def _conflict(self, document: StagedDocument, entry: Entry) -> Entry:
        """Both sides changed: what becomes of them together, where they fit."""
        store = self._repository.store
        base, ours = (store.blob(blob) if blob else None for blob in (entry.base, entry.ours))
        merge = merge_documents(document.path, base, ours, document.raw)
        joined = not merge.conflicts and self._fits(merge.raw, document.path)
        return replace(entry, state=State.CONFLICT, merged=merge.raw if joined else None)

    def _fits(self, merged: bytes | None, path: str) -> bool:
        """Whether both sides together are still no more than a prompt may have."""
        value = documents.parse(merged, path) if merged is not None else None
        limits = self._configuration.limits
        return not (isinstance(value, Prompt) and documents.check_prompt(value, limits, path))

    def _same(self, document: StagedDocument, blob: str | None) -> bool:
        """Whether a file here says what the document says, however it is written."""
        if document.raw is None or blob is None or document.blob == blob:
            return document.blob == blob
        return same_said(document.raw, self._repository.store.blob(blob), document.path)

    def _settle(self) -> None:
        """Settles the configuration first: what prompts may hold follows from it."""
        document = self._staged.document(CONFIGURATION)
        if document is None or document.raw is None:
            return
        given = documents.parse(document.raw, CONFIGURATION)
        assert isinstance(given, Configuration)
        if self._empty:
            self._configuration = given
            return
        self._settled = settle(self._configuration, given, self._configuration_at_base())
        self._configuration = self._settled.additions
        self._staged.replace(CONFIGURATION, documents.dump(self._settled.theirs, CONFIGURATION))

    def _complete_card(self) -> None:
        """A card knows no variables, nor all tags: those of a character who is here stay."""
        path = self._staged.card
        held = self._history.held(self._commit, path) if path else None
        document = self._staged.document(path) if path else None
        if held is None or held.blob is None or document is None or document.raw is None:
            return
        ours = self._repository.store.blob(held.blob)
        self._staged.replace(path, completed(ours, document.raw, path))

    def _configuration_at_base(self) -> Configuration | None:
        if self._base is None:
            return None
        try:
            return self._repository.catalogue(self._base).configuration
        except InvalidDocument:
            return None

    def _of_configuration(self, document: StagedDocument, entry: Entry) -> Entry:
        """What the file means for the configuration; a merge, or skipping, adds what is new."""
        if self._settled is None:
            same = self._same(document, entry.ours)
            return entry if same else replace(entry, state=State.UPDATE)
        ours = self._repository.catalogue(self._commit).configuration
        if self._settled.conflict:
            merged = documents.dump(self._settled.additions, CONFIGURATION)
            return replace(entry, state=State.CONFLICT, merged=merged)
        changed = self._settled.additions != ours
        return replace(entry, state=State.UPDATE) if changed else entry

    def _is_empty(self) -> bool:
        """Whether the repository has never held a prompt or a character."""
        return not any(
            self._history.walk(self._commit).stretch(folder, "", 1).held
            for folder in ("characters/", "defaults/")
        )

    def _knows(self, character: str) -> bool:
        path = character_path(character)
        if self._staged.document(path) is not None:
            return True
        held = self._history.held(self._commit, path)
        return held is not None and held.blob is not None

    def _check_removal(self, character: str, document: StagedDocument) -> None:
        """A character goes only where no prompt is left behind."""
        after: str | None = ""
        while after is not None:
            some = self._history.walk(self._commit).stretch(f"characters/{character}/", after, 500)
            for path, held in some.held:
                told = self._staged.document(path)
                if held.blob is not None and (told is None or told.raw is not None):
                    said = f"this would remove {character!r}, and {path} would be left behind"
                    self._staged.refuse(said, document.place, "removed")
                    return
            after = some.last

    def _unknown_emotion(self, key: PromptKey, document: StagedDocument) -> None:
        valid = self._configuration.emotion_ids
        said = f"{key.emotion!r} is not an emotion here; valid are {', '.join(valid)}"
        self._staged.refuse(said, document.place, "emotion", valid, document.path)

    def _check_sizes(self) -> None:
        limits = self._configuration.limits
        sizes = (
            ("bytes", "prompt_text", limits.prompt_bytes, "bytes", "limits.prompt_bytes"),
            ("notes", "notes", limits.notes_bytes, "bytes", "limits.notes_bytes"),
            ("tags", "tags", limits.tags, "tags", "limits.tags"),
        )
        for column, name, most, unit, setting in sizes:
            for path, line, at, size in self._staged.larger(column, most):
                place = place_of(path)
                if place is None or place.kind in (Kind.CHARACTER, Kind.CONFIGURATION):
                    continue
                said = (
                    f"{subject(path)} has {size:,} {unit} of {name}, {most:,} are allowed "
                    f"({setting} in prompts.yaml)"
                )
                self._staged.refuse_all([Problem(self._staged.name, said, line, at, name)])


def _shared(theirs: list[bytes], here: list[bytes]) -> int:
    """How many versions two histories begin with in common."""
    shared = 0
    for one, other in zip(theirs, here, strict=False):
        if one != other:
            break
        shared += 1
    return shared


def _row(entry: Entry) -> tuple[object, ...]:
    given = (entry.path, str(entry.state), entry.shared, entry.ours, entry.base, entry.merged)
    return (*given, int(entry.joins))


def _entry(row: Sequence[Any]) -> Entry:
    path, state, shared, ours, base, merged, joins = row
    return Entry(path, State(state), shared, ours, base, merged, bool(joins))
