"""Exports and imports as tests make them: in memory, between repositories."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from prompt_repo import transfer
from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer import Form
from prompt_repo.transfer_apply import Choices, Imported, Order, apply
from prompt_repo.transfer_documents import Selection
from prompt_repo.transfer_errors import InvalidFile
from prompt_repo.transfer_json import Origin
from prompt_repo.transfer_plan import Plan, State, Strategy, plan
from prompt_repo.transfer_reading import read
from prompt_repo.transfer_staged import Staged
from tests.factories import KIM

MADE = datetime(2026, 11, 25, 12, tzinfo=UTC)


def exported(
    repository: Repository, form: Form = Form.JSON, *, bom: bool = False, **chosen: Any
) -> bytes:
    """What staging is exported as."""
    origin = Origin(STAGING, repository.head(STAGING), MADE)
    selection = Selection(**chosen)
    return b"".join(transfer.export(repository, origin, selection, form, bom=bom))


def body(raw: bytes) -> list[bytes]:
    """An export's lines without its header."""
    lines = raw.split(b"\n")
    return [line for line in lines if not line.startswith(b'"header": ')]


@contextmanager
def staged(raw: bytes, repository: Repository | None = None) -> Iterator[Staged]:
    """A file as it was read."""
    with tempfile.TemporaryDirectory() as folder:
        found = Staged.make(Path(folder) / "staged.sqlite3", "file")
        try:
            emotions = (
                () if repository is None else repository.current(STAGING).configuration.emotions
            )
            read(BytesIO(raw), found, emotions)
            yield found
        finally:
            found.close()


@contextmanager
def planned(repository: Repository, raw: bytes, **options: Any) -> Iterator[Plan]:
    """What an import into staging would do."""
    with staged(raw, repository) as found:
        yield plan(repository, STAGING, found, **options)


def imported(
    repository: Repository,
    raw: bytes,
    default: Strategy | None = None,
    each: Mapping[str, Strategy] | None = None,
    **options: Any,
) -> Imported:
    """What an import into staging did."""
    with planned(repository, raw, **options) as found:
        order = Order(KIM, "Bring it in", Choices(default, each or {}))
        return apply(repository, found, order)


def states(repository: Repository, raw: bytes, **options: Any) -> dict[str, State]:
    """What an import would mean for each document."""
    with planned(repository, raw, **options) as found:
        return {entry.path: entry.state for entry in found.entries()}


def refused(raw: bytes, repository: Repository | None = None) -> InvalidFile:
    """Everything wrong with a file, of itself; the file must be wrong."""
    with staged(raw, repository) as found:
        assert found.count
        return InvalidFile(found.problems(), found.count)


def places(invalid: InvalidFile) -> list[tuple[int | None, int | None, str]]:
    """Line, column and field of every problem."""
    return [(each.line, each.column, each.field) for each in invalid.problems]
