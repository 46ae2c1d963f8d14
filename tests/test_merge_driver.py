"""A laptop's git, told of our merge driver, merges as the server does."""

from pathlib import Path

import pytest

from prompt_repo import documents
from prompt_repo.cli import main
from prompt_repo.merge_driver import merge_file
from prompt_repo.model import Prompt
from tests.git_client import Clone, git, prompt

ANGRY = "characters/aria/angry.yaml"
HEAD = "prompt: |-\n  Frowns.\n  Slowly.\n"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A repository with one prompt, set up by the one line of the documentation."""
    assert git(tmp_path, "init", "-q", "-b", "staging", "work").ok
    made = Clone(tmp_path / "work")
    made.commit({"prompts.yaml": "format: 1\nemotions: []\n", ANGRY: f"{HEAD}tags: [one]\n"})
    main(["--repository", str(made.folder), "merge-driver", "--install"], standalone_mode=False)
    return made


def both(clone: Clone, ours: str, theirs: str) -> tuple[bool, str, str]:
    """Merges two edits of the prompt: whether git is content, what it said, and the file."""
    clone.git("checkout", "-q", "-b", "side")
    clone.commit({ANGRY: theirs})
    clone.git("checkout", "-q", "staging")
    clone.commit({ANGRY: ours})
    did = clone.run("merge", "-q", "-m", "Merge", "side")
    return did.ok, did.said, (clone.folder / ANGRY).read_text()


def test_fields_that_git_finds_in_conflict_merge(clone: Clone) -> None:
    """Two tags added on one line, and notes beside them: no conflict here."""
    ours, theirs = f"{HEAD}tags: [one, two]\n", f"{HEAD}tags: [one, three]\nnotes: Softer.\n"

    ok, said, merged = both(clone, ours, theirs)

    assert ok, said
    assert Prompt("Frowns.\nSlowly.", "Softer.", ("one", "two", "three")) == documents.parse(
        merged.encode(), ANGRY
    )


def test_a_conflict_is_left_between_markers_and_is_no_document(clone: Clone) -> None:
    """Only the field in question; what could be merged is merged; git counts it as unmerged."""
    ours = "prompt: |-\n  Shouts.\n  Slowly.\ntags: [one, two]\n"
    theirs = "prompt: |-\n  Whispers.\n  Slowly.\ntags: [one, three]\n"

    ok, said, merged = both(clone, ours, theirs)

    assert not ok
    assert f"CONFLICT {ANGRY}: prompt was changed on both sides" in said
    assert f"UU {ANGRY}" in clone.git("status", "--porcelain")
    assert "<<<<<<< ours\n  Shouts.\n" in merged
    assert "=======\n  Whispers.\n>>>>>>> theirs\n" in merged
    assert ["one", "two", "three"] == [word for word in ("one", "two", "three") if word in merged]
    with pytest.raises(documents.InvalidDocument):
        documents.parse(merged.encode(), ANGRY)


def test_lines_merge_as_in_plain_git(clone: Clone) -> None:
    """Where git is clean the result is git's own, comments and all."""
    begin = "# kept\nprompt: |-\n  One.\n  Two.\n  Three.\n  Four.\n"
    clone.commit({ANGRY: begin})

    ok, said, merged = both(clone, begin.replace("One", "1"), begin.replace("Four", "4"))

    assert ok, said
    assert begin.replace("One", "1").replace("Four", "4") == merged


def test_a_text_that_holds_markers_is_no_conflict(clone: Clone) -> None:
    """The verdict comes from the merge, not from what stands in the file."""
    text = "prompt: |-\n  <<<<<<< not a marker\n  x\n"

    ok, said, merged = both(clone, text, text + "notes: n\n")

    assert ok, said
    assert "<<<<<<< not a marker" in merged


def test_both_sides_add_one_file() -> None:
    """Without a base, what agrees is taken and what doesn't is marked."""
    ours, theirs = (prompt(text).encode() for text in ("Ours.", "Theirs."))

    same, no_conflict = merge_file(ANGRY, b"", ours, ours + b"notes: n\n")
    marked, conflicts = merge_file(ANGRY, b"", ours, theirs)

    assert (ours + b"notes: n\n", ()) == (same, no_conflict)
    assert ["prompt"] == [conflict.field for conflict in conflicts]
    assert b"<<<<<<< ours" in marked


def test_foreign_files_merge_by_lines() -> None:
    """The driver is told of every YAML file; one that is no document of ours is git's matter."""
    merged, conflicts = merge_file(
        "ci.yaml", b"a: 1\nb: 2\nc: 3\n", b"a: 0\nb: 2\nc: 3\n", b"a: 1\nb: 2\nc: 4\n"
    )
    _, disputed = merge_file("ci.yaml", b"a: 1\n", b"a: 2\n", b"a: 3\n")

    assert (b"a: 0\nb: 2\nc: 4\n", ()) == (merged, conflicts)
    assert 1 == len(disputed)


def test_installing_twice_changes_nothing(clone: Clone) -> None:
    """And nothing that a commit would hold is written."""
    main(["--repository", str(clone.folder), "merge-driver", "--install"], standalone_mode=False)

    assert 1 == (clone.folder / ".git/info/attributes").read_text().count("merge=prompt-repo")
    assert "" == clone.git("status", "--porcelain")
