"""Change requests as the API gives them."""

from typing import Any

from prompt_repo import diffing
from prompt_repo.changes import FOLDER
from prompt_repo.layout import place_of
from prompt_repo.model import Author
from webapp.api.answering import person, time
from webapp.change_records import REVIEWS, Kind
from webapp.change_views import File, Subject, text_of
from webapp.records.change_models import ChangeEntry, ChangeRequest

VERDICTS = {Kind.APPROVED: "approve", Kind.OBJECTED: "request_changes"}


def change(row: ChangeRequest) -> dict[str, Any]:
    """A change request in a list."""
    return {
        "number": row.number,
        "branch": FOLDER + row.slug,
        "title": row.title,
        "base": row.base,
        "state": row.state,
        "proposed_by": person(Author(row.name, row.email)),
        "head": row.head,
        "opened_at": time(row.opened_at),
        "updated_at": time(row.updated_at),
        "merge_commit": row.merge_commit,
    }


def detail(subject: Subject) -> dict[str, Any]:
    """A change request with all that decides whether it may be merged."""
    row, verdict = subject.row, subject.verdict
    return {
        **change(row),
        "description": row.text,
        "base_commit": subject.comparison.base if subject.comparison else row.base_head,
        "paths": list(subject.comparison.paths) if subject.comparison else [],
        "commits": [
            {
                "commit": each.oid,
                "reason": each.reason,
                "created_by": person(each.author),
                "created_at": time(each.authored_at),
            }
            for each in subject.commits
        ],
        "behind": verdict.behind if verdict else 0,
        "checks": [
            {
                "name": each.name,
                "grade": each.grade,
                "summary": each.summary,
                "details": list(each.details),
            }
            for each in subject.checks
        ],
        "conflicts": [
            # The verdict is of a merge into the base, which has the base's side as ours.
            {
                "path": each.path,
                "field": each.field,
                "base": each.base,
                "ours": each.theirs,
                "theirs": each.ours,
            }
            for each in (verdict.conflicts if verdict else ())
        ],
        "reviews": _reviews(subject),
        "approvals_required": subject.required,
        "mergeable": subject.mergeable,
    }


def _reviews(subject: Subject) -> list[dict[str, Any]]:
    standing = subject.standing
    counting = (*standing.approved, *standing.objected)
    return [
        {
            "by": person(Author(each.name, each.email)),
            "verdict": VERDICTS[Kind(each.kind)],
            "counts": each in counting,
            "at": time(each.at),
        }
        for each in subject.entries
        if each.kind in REVIEWS and each in (*counting, *standing.fallen, *standing.lapsed)
    ]


def file(subject: Subject, found: File) -> dict[str, Any]:
    """One changed document."""
    assert subject.comparison is not None
    blobs = next(each for each in subject.comparison.files if each.path == found.path)
    before, after = (
        text_of(subject.repository, found.path, blob) for blob in (blobs.old, blobs.new)
    )
    place = place_of(found.path)
    return {
        "path": found.path,
        "character": place.character if place else None,
        "emotion": place.emotion if place else None,
        "before": before,
        "after": after,
        "added": found.size[0],
        "removed": found.size[1],
        "unified": diffing.unified(before, after, subject.row.base, "this change"),
        "resolved": [
            {
                "character": each.effect.character,
                "emotion": each.effect.emotion,
                "before": each.effect.before,
                "after": each.effect.after,
            }
            for each in found.effects
        ],
        "more": found.more,
    }


def entry(said: ChangeEntry) -> dict[str, Any]:
    """One thing said or done."""
    return {
        "id": said.id,
        "kind": said.kind,
        "by": person(Author(said.name, said.email)),
        "at": time(said.at),
        "text": said.text,
        "head": said.head,
        "path": said.path or None,
        "line": said.line,
        "settled_at": time(said.settled_at) if said.settled_at else None,
        "settled_by": said.settled_by or None,
    }
