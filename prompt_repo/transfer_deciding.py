"""Conflicts of an import that somebody settles by hand, with a text of their own."""

from dataclasses import replace

from prompt_repo import documents
from prompt_repo.document_merging import merge_documents
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import place_of
from prompt_repo.merging import merge_texts
from prompt_repo.model import Prompt
from prompt_repo.repository import Repository
from prompt_repo.transfer import sides
from prompt_repo.transfer_plan import Entry, Plan, State

NAMES = ("the file", "what stands here")
MARKS = ("<<<<<<< ", "=======", ">>>>>>> ")


def begun(repository: Repository, plan: Plan, entry: Entry) -> str | None:
    """The text that one begins with: both joined, with markers around what overlaps.

    None where there is nothing to write: it is no conflict, or no prompt.
    """
    place = place_of(entry.path)
    if entry.state is not State.CONFLICT or place is None or place.key is None:
        return None
    if entry.merged is not None:
        return documents.readable(entry.merged, entry.path)
    both = sides(repository, plan, entry)
    if both.here is None or both.file is None:
        return both.here or both.file
    return merge_texts(both.base, both.file, both.here, NAMES).with_markers


def draft(repository: Repository, plan: Plan, entry: Entry) -> str | None:
    """What the field for a text of one's own holds: what was written there before, also where
    the conflict is another since, so that it waits for a decision; else what one begins with.
    """
    began = begun(repository, plan, entry)
    return _written(plan, entry.path) or began if began is not None else None


def settle(
    repository: Repository, plan: Plan, path: str, text: str, *, chosen: bool = False
) -> bool:
    """Has a merge of a conflict give this text; False where it would anyhow.

    A text that was written for an earlier conflict must be `chosen`. The other fields are those of
    both joined, ours where they overlap. Raises InvalidDocument.
    """
    entry = plan.entry(path)
    before = begun(repository, plan, entry) if entry is not None else None
    words = documents.normalise(text)
    if entry is None or before is None or before == words:
        return False
    if not chosen and words == _written(plan, path):
        return False
    if all(any(line.startswith(mark) for line in words.split("\n")) for mark in MARKS):
        said = "conflict markers are still in this text; decide between its sides"
        raise InvalidDocument([Problem(path, said)])
    raw = _joined(repository, plan, entry)
    value = documents.parse(raw, path)
    assert isinstance(value, Prompt)
    prompt = replace(value, text=words)
    limits = repository.catalogue(plan.commit).configuration.limits
    if problems := documents.check_prompt(prompt, limits, path):
        raise InvalidDocument(problems)
    merged = documents.edit(raw, path, prompt)
    plan.staged.connection.execute("UPDATE plan SET merged = ? WHERE path = ?", (merged, path))
    plan.staged.connection.execute("REPLACE INTO written VALUES (?, ?)", (path, words))
    return True


def _written(plan: Plan, path: str) -> str | None:
    """What somebody wrote for a conflict."""
    query = "SELECT text FROM written WHERE path = ?"
    row = plan.staged.connection.execute(query, (path,)).fetchone()
    return str(row[0]) if row is not None else None


def _joined(repository: Repository, plan: Plan, entry: Entry) -> bytes:
    """A file with the fields of both sides."""
    store = repository.store
    document = plan.staged.document(entry.path)
    base, ours = (store.blob(blob) if blob else None for blob in (entry.base, entry.ours))
    theirs = document.raw if document is not None else None
    if ours is None or theirs is None:
        raw = ours or theirs
    else:
        raw = merge_documents(entry.path, base, ours, theirs).raw
    assert raw is not None
    return raw
