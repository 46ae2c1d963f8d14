"""The audit log as a file: CSV for a spreadsheet, JSON Lines for whoever checks the chain."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prompt_repo import transfer_cells
from webapp.audit_reading import told

FIELDS = (
    "id",
    "at",
    "actor",
    "action",
    "words",
    "subject",
    "path",
    "commit",
    "outcome",
    "status",
    "address",
    "request_id",
    "detail",
    "previous_hash",
    "hash",
)
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def lines(entries: Iterable[Mapping[str, Any]], form: str) -> Iterator[str]:
    """The file, some text at a time."""
    return _csv(entries) if form == "csv" else _json_lines(entries)


def _json_lines(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(told(entry), ensure_ascii=False) + "\n"


def _csv(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    for entry in entries:
        plain = told(entry)
        plain["detail"] = json.dumps(plain["detail"], ensure_ascii=False)
        writer.writerow([defused(plain[name]) for name in FIELDS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def defused(value: Any) -> Any:
    """A cell that no spreadsheet runs: an apostrophe before what would begin a formula."""
    return transfer_cells.defused(value) if isinstance(value, str) else value
