"""Set, remove, restore and revert prompts; create and change characters: one commit each time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from prompt_repo import documents
from prompt_repo.catalogue import Catalogue
from prompt_repo.character_files import CharacterEdit, character_file, edited_file
from prompt_repo.errors import (
    CharacterArchived,
    CharacterExists,
    Conflict,
    EditConflict,
    InvalidDocument,
    InvalidEdit,
    PromptNotFound,
    ProtectedBranch,
    RefMoved,
    RepositoryBusy,
    ReviewRequired,
    UnknownEmotion,
    VersionNotFound,
)
from prompt_repo.expectations import ANYTHING, Document, Expectation, check
from prompt_repo.layout import character_path, check_id
from prompt_repo.model import Author, Character, Commit, Prompt, PromptKey
from prompt_repo.reasons import check_reason, default_reason
from prompt_repo.repository import PRODUCTION, Repository

ATTEMPTS = 20  # a push from outside can win the ref between our read and our swap; not for ever


@dataclass(frozen=True, slots=True)
class Edit:
    """One prompt's new text; None removes it. Notes and tags stay as they are where None."""

    key: PromptKey
    text: str | None
    notes: str | None = None
    tags: tuple[str, ...] | None = None
    expect: Expectation = ANYTHING

    @property
    def path(self) -> str:
        """The file it is about."""
        return self.key.path


AnyEdit = Edit | CharacterEdit


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an edit did: its commit, or None where everything stood so already.

    `catalogue` is the branch's catalogue that holds the edit.
    """

    commit: Commit | None
    catalogue: Catalogue
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


Planned = Mapping[str, bytes | None]
"""The file at each path as it shall be; None takes it away."""


def save(
    repository: Repository,
    branch: str,
    edits: Sequence[Edit],
    author: Author,
    reason: str,
) -> Outcome:
    """Carries out all edits in one commit, or none of them.

    Raises EditConflict where a prompt moved since its `AtCommit`, PreconditionFailed where
    `Matches` or `Absent` no longer holds, UnknownEmotion, CharacterNotFound, CharacterArchived,
    PromptNotFound (removing what isn't there), InvalidDocument, InvalidReason, InvalidEdit,
    ProtectedBranch, ReviewRequired, RepositoryBusy.
    """
    _check_once(edits)
    return carry_out(
        repository,
        branch,
        lambda now: _plan(repository, branch, now, edits),
        author,
        reason,
    )


def planned(
    repository: Repository, branch: str, now: Catalogue, edits: Sequence[AnyEdit]
) -> Planned:
    """The files that edits would change, after all checks, without writing; `now` is on `branch`.

    Raises what `save` raises, apart from what comes of writing.
    """
    _check_once(edits)
    return _differing(repository, now, _plan(repository, branch, now, edits))


def _check_once(edits: Sequence[AnyEdit]) -> None:
    paths = [edit.path for edit in edits]
    if len(set(paths)) != len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise InvalidEdit(f"{twice} is edited twice in one go; send each document once")


def restore(
    repository: Repository,
    branch: str,
    key: PromptKey,
    author: Author,
    reason: str,
    expect: Expectation = ANYTHING,
) -> Outcome:
    """Brings a removed prompt back as it last was; nothing happens where it stands already.

    Raises PromptNotFound where it never existed, InvalidDocument where it last was no valid
    document (revert to an earlier version then), and what `save` raises.
    """

    def plan(now: Catalogue) -> Planned:
        _editable(now, key)
        held = repository.history.held(now.commit, key.path)
        if held is None:
            raise PromptNotFound(key.path)
        if held.blob is not None:
            return {key.path: repository.store.blob(held.blob)}
        _check_expectation(repository, branch, now, Edit(key, None, expect=expect), None)
        return {key.path: _last_standing(repository, now.commit, key)}

    return carry_out(repository, branch, plan, author, reason)


def revert(
    repository: Repository,
    branch: str,
    key: PromptKey,
    version: int,
    author: Author,
    reason: str,
    expect: Expectation = ANYTHING,
) -> Outcome:
    """Makes a new version that says what `version` said.

    Raises VersionNotFound (also for a version that was a removal), and what `save` raises.
    """

    def plan(now: Catalogue) -> Planned:
        _editable(now, key)
        wanted = repository.history.numbered(now.commit, key.path, version)
        if wanted.blob is None:
            raise VersionNotFound(key.path, version)
        raw = repository.store.blob(wanted.blob)
        prompt = _parsed(raw, key.path)
        _check_prompt(now, key, prompt)
        edit = Edit(key, prompt.text, prompt.notes, prompt.tags, expect)
        _check_expectation(repository, branch, now, edit, prompt)
        return {key.path: raw}

    return carry_out(repository, branch, plan, author, reason)


def create_character(
    repository: Repository,
    branch: str,
    character: Character,
    author: Author,
    reason: str,
) -> Outcome:
    """Adds a character; raises CharacterExists, InvalidId and what `save` raises."""
    check_id(character.id, "character")
    path = character_path(character.id)

    def plan(now: Catalogue) -> Planned:
        if character.id in now.tables.folders and "" in now.tables.folders[character.id]:
            raise CharacterExists(character.id)
        return {path: documents.edit(None, path, character)}

    return carry_out(repository, branch, plan, author, reason)


def change_character(
    repository: Repository,
    branch: str,
    ident: str,
    change: Callable[[Character], Character],
    author: Author,
    reason: str,
    expect: Expectation = ANYTHING,
) -> Outcome:
    """Replaces what a character's file says by what `change` makes of it; the id stays.

    A file that is no valid document says nothing, so what `change` makes must have a name.
    Raises CharacterNotFound, InvalidDocument, PreconditionFailed, EditConflict (the texts are
    the YAML of the file) and what `save` raises.
    """
    path = character_path(ident)

    def plan(now: Catalogue) -> Planned:
        return {path: character_file(repository, branch, now, ident, change, expect)}

    return carry_out(repository, branch, plan, author, reason)


def archive_character(
    repository: Repository,
    branch: str,
    ident: str,
    author: Author,
    reason: str,
    expect: Expectation = ANYTHING,
) -> Outcome:
    """Takes a character out of the lists; its prompts stay readable. Raises as change_character."""
    change = partial(replace, archived=True)
    return change_character(repository, branch, ident, change, author, reason, expect)


def restore_character(
    repository: Repository,
    branch: str,
    ident: str,
    author: Author,
    reason: str,
    expect: Expectation = ANYTHING,
) -> Outcome:
    """Brings an archived character back into the lists. Raises as change_character."""
    change = partial(replace, archived=False)
    return change_character(repository, branch, ident, change, author, reason, expect)


def carry_out(
    repository: Repository,
    branch: str,
    plan: Callable[[Catalogue], Planned],
    author: Author,
    reason: str,
) -> Outcome:
    """Gathers, decides and applies under the writers' lock; all of it again if the ref moved."""
    if branch == PRODUCTION:
        raise ProtectedBranch(branch)
    if branch in repository.reviewed:
        raise ReviewRequired(branch)
    message = check_reason(reason)
    with repository.store.locked():
        for _ in range(ATTEMPTS):
            now = repository.current(branch)
            planned = plan(now)
            changes = _differing(repository, now, planned)
            unchanged = tuple(path for path in planned if path not in changes)
            if not changes:
                return Outcome(None, now, (), unchanged)
            words = message or default_reason(changes)
            try:
                commit = repository.store.write(
                    branch, now.commit, changes, author=author, message=words
                )
            except RefMoved:
                continue
            after = repository.written(branch, commit)
            return Outcome(commit, after, tuple(changes), unchanged)
    raise RepositoryBusy(branch, 0)


def _differing(repository: Repository, now: Catalogue, planned: Planned) -> Planned:
    return {path: raw for path, raw in planned.items() if raw != _raw(repository, now.commit, path)}


def _raw(repository: Repository, commit: str, path: str) -> bytes | None:
    held = repository.history.held(commit, path)
    return None if held is None or held.blob is None else repository.store.blob(held.blob)


def _plan(
    repository: Repository, branch: str, now: Catalogue, edits: Sequence[AnyEdit]
) -> dict[str, bytes | None]:
    conflicts: list[Conflict] = []
    problems: list[InvalidDocument] = []
    planned: dict[str, bytes | None] = {}
    for edit in edits:
        try:
            planned[edit.path] = _planned(repository, branch, now, edit)
        except EditConflict as conflict:
            conflicts.extend(conflict.conflicts)
        except InvalidDocument as invalid:
            problems.append(invalid)
    if problems:
        raise InvalidDocument([problem for invalid in problems for problem in invalid.problems])
    if conflicts:
        raise EditConflict(conflicts, now.commit)
    return planned


def _planned(repository: Repository, branch: str, now: Catalogue, edit: AnyEdit) -> bytes | None:
    """The file as one edit wants it, after all checks."""
    if isinstance(edit, CharacterEdit):
        return edited_file(repository, branch, now, edit)
    if edit.text is None:
        _check_removal(repository, branch, now, edit)
        return None
    _editable(now, edit.key)
    raw = _raw(repository, now.commit, edit.key.path)
    standing = None if now.broken(edit.key) else now.stored(edit.key)
    before = standing.prompt if standing else Prompt("")
    after = Prompt(
        documents.normalise(edit.text),
        before.notes if edit.notes is None else documents.normalise(edit.notes),
        before.tags if edit.tags is None else edit.tags,
    )
    if standing and after == before:
        return raw
    _check_prompt(now, edit.key, after)
    _check_expectation(repository, branch, now, edit, after)
    return documents.edit(raw, edit.key.path, after)


def _check_removal(repository: Repository, branch: str, now: Catalogue, edit: Edit) -> None:
    if edit.key.character is not None:
        _writable(now, edit.key.character)
    held = repository.history.held(now.commit, edit.key.path)
    if held is None:
        raise PromptNotFound(edit.key.path)
    if held.blob is not None:
        _check_expectation(repository, branch, now, edit, None)


def _editable(now: Catalogue, key: PromptKey) -> None:
    if key.emotion not in now.configuration.by_id:
        raise UnknownEmotion(key.emotion, now.configuration.emotion_ids)
    if key.character is not None:
        _writable(now, key.character)


def _writable(now: Catalogue, character: str) -> None:
    if now.character(character).archived:
        raise CharacterArchived(character)


def _shown(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _parsed(raw: bytes, path: str) -> Prompt:
    value = documents.parse(raw, path)
    if not isinstance(value, Prompt):
        raise TypeError(f"{path} holds a {type(value).__name__}, not a prompt")
    return value


def _check_prompt(now: Catalogue, key: PromptKey, prompt: Prompt) -> None:
    problems = documents.check_prompt(prompt, now.configuration.limits, key.path)
    if problems:
        raise InvalidDocument(problems)


def _check_expectation(
    repository: Repository,
    branch: str,
    now: Catalogue,
    edit: Edit,
    yours: Prompt | None,
) -> None:
    path = edit.key.path
    document = Document(path, lambda: now.etag(edit.key), lambda raw: documents.readable(raw, path))
    check(repository, branch, now, document, edit.expect, yours.text if yours else None)


def _last_standing(repository: Repository, commit: str, key: PromptKey) -> bytes:
    """The file as it was in the newest version that still held a text."""
    cursor = None
    while True:
        page = repository.history.page(commit, key.path, cursor)
        for version in page.versions:
            if version.blob is not None:
                raw = repository.store.blob(version.blob)
                _parsed(raw, key.path)
                return raw
        cursor = page.next_cursor
        if cursor is None:
            raise PromptNotFound(key.path)
