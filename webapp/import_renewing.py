"""The plan of an import made anew, where what it is about moved before it was carried out."""

import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from prompt_repo.progress import Progress
from prompt_repo.transfer_apply import Choices
from prompt_repo.transfer_errors import ImportMoved
from prompt_repo.transfer_plan import Plan, State, opened
from prompt_repo.transfer_renewing import renew
from prompt_repo.transfer_staged import Staged
from webapp.records.transfer_models import Transfer
from webapp.services import repository

NAMED = 20  # documents that are named of those that moved


def renewed(
    found: Transfer, file: Path, before: Choices, moved: ImportMoved, progress: Progress
) -> dict[str, Any]:
    """Puts a plan of what stands now in the place of the one in a file; gives what to keep of it.

    The file is the old one or the new one, whatever happens. Raises InvalidFile where what was
    sent doesn't fit any more.
    """
    told = found.facts
    with tempfile.TemporaryDirectory(prefix="anew-", dir=file.parent) as folder:
        copy = Path(folder) / file.name
        with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)
        staged = Staged.open(copy, found.name, told.get("base"), told.get("warnings", ()))
        try:
            made = renew(
                repository(),
                opened(found.environment, found.commit, staged),
                base=told.get("base"),
                create_characters=bool(found.options.get("create_characters")),
                progress=progress,
            )
            after = made.choices(before)
            facts = {**told, **facts_of(made.plan), "choices": words(after.each)}
        except BaseException:
            staged.close()
            raise
        staged.keep()
        copy.replace(file)
    facts["moved"] = what_moved(moved, len(before.each) - len(after.each))
    return {"commit": made.plan.commit, "facts": facts}


def what_moved(moved: ImportMoved, dropped: int) -> dict[str, Any]:
    """What is told of documents that moved, and of the choices about them that are not kept."""
    return {"paths": list(moved.paths[:NAMED]), "count": len(moved.paths), "dropped": dropped}


def facts_of(made: Plan) -> dict[str, Any]:
    """What the records keep of a plan."""
    return {
        "counts": {str(state): made.counts[state] for state in State},
        "warnings": list(made.warnings),
    }


def words(each: Mapping[str, Any]) -> dict[str, str]:
    """Choices for single documents, as the records keep them."""
    return {path: str(word) for path, word in each.items()}
