"""Bodies of the API that are about exports and imports, in and out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from webapp import clock
from webapp.api.intake import COMMIT, IDENT, Given
from webapp.api.schemas import Answer
from webapp.records.transfer_models import Transfer

DECISION = "^[a-z0-9_./-]+=(overwrite|skip|merge)$"
Environment = Literal["staging", "production"]
Idents = Annotated[
    list[Annotated[str, Field(pattern=IDENT)]] | None, Field(default=None, max_length=10_000)
]
Emotions = Annotated[
    list[Annotated[str, Field(pattern=IDENT)]] | None, Field(default=None, max_length=500)
]


class ExportOrder(Given):
    """What to export."""

    environment: Environment = Field(description="Whose prompts; it must be said.")
    format: Literal["json", "csv", "bundle"] = Field(
        "json", description="`bundle` is all of Git's history, as `git clone` takes it."
    )
    versions: bool = Field(False, description="With all versions: texts, people, reasons.")
    at: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The past: a full commit id, a tag, or a time of RFC 3339.",
    )
    characters: Idents
    emotions: Emotions
    sources: list[Literal["character", "global"]] | None = Field(
        None, description="Only characters' own prompts, or only the global defaults."
    )
    bom: bool = Field(False, description="Begin a CSV with a BOM, which tells Excel it is UTF-8.")


class Importing(Given):
    """How a file is imported."""

    mode: Literal["preview", "apply"] = Field(description="Say what would happen, or do it.")
    environment: Environment = Field(
        description="Where to. Onto production it becomes a hotfix change request."
    )
    strategy: Literal["overwrite", "skip", "merge"] | None = Field(
        None,
        description="What becomes of documents that changed here and in the file: the file's, "
        "ours, or both merged. Without it such a document stops the import.",
    )
    decide: list[Annotated[str, Field(pattern=DECISION, max_length=300)]] = Field(
        default_factory=list,
        max_length=100,
        description="The same for one document, such as `characters/aria/angry.yaml=skip`; may be "
        "given again.",
    )
    commit: str | None = Field(
        None, pattern=COMMIT, description="Only if the environment is still at this commit."
    )
    base: str | None = Field(
        None, pattern=COMMIT, description="The commit the file left from, if it names none."
    )
    create_characters: str | None = Field(
        None, pattern="^(true|false)$", description="Create characters a CSV names and we lack."
    )
    propose: str | None = Field(
        None, max_length=200, description="The title of a change request to open instead."
    )
    reason: str | None = Field(None, max_length=2_000, description="Why: the commit's message.")
    name: str | None = Field(None, max_length=200, description="The file's name, for its errors.")


class ExportFile(Answer):
    """An export, and where its file is while it lives."""

    id: UUID
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    environment: Environment
    commit: str
    format: Literal["json", "csv", "bundle"]
    versions: bool
    filename: str
    size: int | None
    """Bytes."""
    download_url: str | None
    """Once it is completed and until it expires."""
    error: str | None
    warnings: list[str]
    """What to know of the file, such as cells that Excel would cut off."""
    percent: int
    """How far it is."""
    created_by: str
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime


class ImportItem(Answer):
    """A document that an import is about; those that stay the same are only counted."""

    path: str
    state: Literal["create", "update", "behind", "conflict"]
    merges: bool | None
    """Of a conflict: whether a merge joins both sides."""


class Import(Answer):
    """What an import would do, or did."""

    id: UUID
    status: Literal[
        "pending",
        "processing",
        "refused",
        "failed",
        "cancelled",
        "previewed",
        "importing",
        "landing",
        "imported",
        "proposed",
        "undone",
    ]
    """Pending, processing, failed and cancelled are a large file's alone, which a worker reads."""
    environment: Environment
    commit: str
    """What it was planned on."""
    counts: dict[str, int]
    items: list[ImportItem]
    """The first thousand."""
    warnings: list[str]
    undecided: list[str]
    """Conflicts that wait for a strategy, or that a merge can't join."""
    result_commit: str | None
    documents: int | None
    commits: int | None
    change: int | None
    """The change request that it became."""
    error: str | None
    """Why a worker did not carry it out."""
    errors: list[dict[str, Any]]
    """What is wrong with a file that was refused; the first 200."""
    percent: int
    """How far a worker is."""


def export_body(found: Transfer, download_url: str | None, percent: int) -> dict[str, Any]:
    """An export as the API gives it out."""
    return {
        "id": found.id,
        "status": found.status,
        "environment": found.environment,
        "commit": found.commit,
        "format": found.options["form"],
        "versions": found.options["versions"],
        "filename": found.name,
        "size": found.size,
        "download_url": download_url,
        "error": found.error or None,
        "warnings": found.facts.get("warnings", []),
        "percent": percent,
        "created_by": found.created_by,
        "created_at": _time(found.created_at),
        "completed_at": _time(found.completed_at),
        "expires_at": _time(found.expires_at),
    }


def _time(moment: datetime | None) -> str | None:
    return clock.plain(moment) if moment else None
