"""A merge of one file as the server makes it, for a laptop's git to call.

Lines first, as git does; where they conflict, or make no document, field by field. What is left
stands between git's own markers, at the beginning of the line: no document, so that the server
refuses it until somebody decided.
"""

from prompt_repo import documents
from prompt_repo.document_merging import FieldConflict, merge_documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.git_merging import Labels, merge_lines
from prompt_repo.layout import place_of

LABELS = ("ours", "base", "theirs")


def merge_file(
    path: str, base: bytes, ours: bytes, theirs: bytes, labels: Labels = LABELS
) -> tuple[bytes, tuple[FieldConflict, ...]]:
    """The merged file, with markers where sides conflict, and what they conflict about.

    An empty base is a file that both sides added. Raises GitFailed, GitMissing.
    """
    by_lines, clean = merge_lines(base, ours, theirs, labels)
    if place_of(path) is None:
        whole = FieldConflict(path, "", *(_text(side) for side in (base, ours, theirs)))
        return by_lines, () if clean else (whole,)
    if clean and _is_document(path, by_lines):
        return by_lines, ()
    one = merge_documents(path, base or None, ours, theirs)
    if not one.conflicts:
        return one.raw or b"", ()
    # Each side with all that could be merged: what still differs is what conflicts.
    other = merge_documents(path, base or None, theirs, ours)
    marked, clean = merge_lines(base, one.raw or b"", other.raw or b"", labels)
    return (by_lines if clean else marked), one.conflicts


def _is_document(path: str, raw: bytes) -> bool:
    try:
        documents.parse(raw, path)
    except InvalidDocument:
        return False
    return True


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
