"""Export and import: prompts leave as files people can open, and come back, history and all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prompt_repo import documents, transfer_csv, transfer_json
from prompt_repo.layout import place_of
from prompt_repo.progress import Progress, Warn, silent, unheard
from prompt_repo.repository import Repository
from prompt_repo.transfer_documents import Selection
from prompt_repo.transfer_json import Origin
from prompt_repo.transfer_plan import Entry, Plan, plan
from prompt_repo.transfer_reading import read_path
from prompt_repo.transfer_staged import Staged

PIECE = 1 << 18  # characters put together before they are handed on


class Form(StrEnum):
    """The forms of an export."""

    JSON = "json"
    CSV = "csv"


def export(
    repository: Repository,
    origin: Origin,
    selection: Selection,
    form: Form,
    progress: Progress = silent,
    *,
    bom: bool = False,
    warn: Warn = unheard,
) -> Iterator[bytes]:
    """An export, piece by piece, in memory that does not grow with it.

    A `bom` before a CSV tells Excel that it is UTF-8; `warn` hears what Excel can't keep. Raises
    CharacterNotFound, UnknownEmotion for what is chosen and not there, InvalidDocument for a file
    that plain git broke.
    """
    lines = (
        transfer_csv.lines(repository, origin, selection, progress, bom=bom, warn=warn)
        if form is Form.CSV
        else transfer_json.lines(repository, origin, selection, progress)
    )
    pending: list[str] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(pending).encode()
            pending, size = [], 0
    yield "".join(pending).encode()


def file_name(origin: Origin, form: Form, *, versions: bool) -> str:
    """What the file of an export is called."""
    history = "-with-versions" if versions else ""
    environment = origin.environment.replace("/", "-")
    return f"prompts-{environment}-{origin.commit[:9]}{history}.{form}"


@contextmanager
def preview(
    repository: Repository,
    branch: str,
    source: Path,
    *,
    name: str = "",
    base: str | None = None,
    create_characters: bool = False,
    progress: Progress = silent,
) -> Iterator[Plan]:
    """What an import of a file or folder would do, for as long as the block runs.

    Raises InvalidFile with everything that is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="prompt-repo-import-") as folder:
        staged = Staged.make(Path(folder) / "staged.sqlite3", name or source.name)
        try:
            head = repository.head(branch)
            emotions = repository.catalogue(head).configuration.emotions
            read_path(source, staged, emotions, progress)
            yield plan(
                repository,
                branch,
                staged,
                base=base,
                create_characters=create_characters,
                progress=progress,
            )
        finally:
            staged.close()


@dataclass(frozen=True, slots=True)
class Sides:
    """A document's text here, in the file, and where both left from; None where it isn't there."""

    here: str | None
    file: str | None
    base: str | None


def sides(repository: Repository, found: Plan, entry: Entry) -> Sides:
    """The texts of a plan's entry: of prompts the text, of other documents the whole file."""
    document = found.staged.document(entry.path)
    raw = document.raw if document is not None else None
    here, base = (
        repository.store.blob(blob) if blob is not None else None
        for blob in (entry.ours, entry.base)
    )
    return Sides(*(text_of(entry.path, each) for each in (here, raw, base)))


def text_of(path: str, raw: bytes | None) -> str | None:
    """What people read of a file: of a prompt its text, else all of it."""
    if raw is None:
        return None
    place = place_of(path)
    if place is not None and place.key is not None:
        return documents.readable(raw, path)
    return raw.decode(errors="replace")
