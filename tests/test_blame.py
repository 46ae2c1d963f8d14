"""Who last touched each line: along the chain, through removals, and from both sides of a merge."""

from pathlib import Path

import pytest

from prompt_repo import documents, editing
from prompt_repo.blame import LOOK_BACK, Stretch, blame
from prompt_repo.history import LONGEST_PAGE
from prompt_repo.model import Prompt, Version
from prompt_repo.repository import STAGING, Repository
from tests.factories import SAM, key, make_repository, put
from tests.gitrepo import git

PATH = key("aria/angry").path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Aria, without prompts."""
    return make_repository(tmp_path, ("aria",))


def write(repository: Repository, *texts: str | None) -> None:
    """One version after the other."""
    for text in texts:
        put(repository, {"aria/angry": text}, "Take")


def blamed(repository: Repository) -> list[tuple[int | None, str]]:
    """The number and the line, for each line."""
    found = stretches(repository)
    return [
        (each.version.number if each.version else None, line)
        for each in found
        for line in each.lines
    ]


def stretches(repository: Repository) -> tuple[Stretch, ...]:
    """What blame says of staging."""

    def text_of(version: Version) -> str:
        assert version.blob is not None
        value = documents.parse(repository.store.blob(version.blob), PATH)
        assert isinstance(value, Prompt)
        return value.text

    def chain_of(commit: str) -> tuple[Version, ...]:
        repository.history.ensure(commit)
        return repository.history.page(commit, PATH, limit=LONGEST_PAGE).versions

    return blame(repository.head(STAGING), chain_of, text_of)


def test_each_line_names_the_version_that_brought_it(repository: Repository) -> None:
    """Lines that moved down because of others keep theirs."""
    write(repository, "one\ntwo\nthree", "one\n2\nthree", "zero\none\n2\nthree")

    assert [(3, "zero"), (1, "one"), (2, "2"), (1, "three")] == blamed(repository)


def test_lines_in_a_row_of_one_version_are_one_stretch(repository: Repository) -> None:
    """With the number of the first, so that the page says who once for all of them."""
    write(repository, "one\ntwo\nthree\n", "one\ntwo\n3\n")

    found = stretches(repository)

    assert [(1, ("one", "two")), (3, ("3",)), (4, ("",))] == [(e.first, e.lines) for e in found]


def test_a_removal_touches_no_line(repository: Repository) -> None:
    """Nor does bringing the prompt back."""
    write(repository, "one\ntwo", None)
    editing.restore(repository, STAGING, key("aria/angry"), SAM, "Bring back")
    write(repository, "one\n2")

    assert [(1, "one"), (4, "2")] == blamed(repository)


def test_a_revert_touches_what_it_changes(repository: Repository) -> None:
    """And nothing else."""
    write(repository, "one\ntwo", "one\n2")
    editing.revert(repository, STAGING, key("aria/angry"), 1, SAM, "Back")

    assert [(1, "one"), (3, "two")] == blamed(repository)


def test_what_never_was_has_no_lines(repository: Repository) -> None:
    """Neither has what is removed now."""
    assert () == stretches(repository)
    write(repository, "one", None)

    assert () == stretches(repository)


def test_lines_beyond_the_look_back_are_older(repository: Repository) -> None:
    """They are told to be so, and not laid at the door of the last version looked at."""
    write(repository, *(f"first\nsecond\n{number}" for number in range(LOOK_BACK + 1)))

    found = blamed(repository)

    assert (None, "first") == found[0]
    assert (LOOK_BACK + 1, f"{LOOK_BACK}") == found[2]


def test_a_merge_gives_each_side_its_lines(repository: Repository, tmp_path: Path) -> None:
    """Two people's lines that plain git joined stay theirs; the number alone is not unique."""
    write(repository, "one\n\ntwo\n\nthree")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch", "staging", str(repository.store.path), "clone")
    for branch, old, new in (("left", "one", "ONE"), ("right", "three", "THREE")):
        git(clone, "checkout", "--quiet", "-b", branch, "origin/staging")
        file = clone / PATH
        file.write_text(file.read_text().replace(old, new))
        git(clone, "commit", "--quiet", "-am", f"Louder {branch}")
    git(clone, "merge", "--quiet", "--no-edit", "left")
    git(clone, "push", "--quiet", "origin", "HEAD:staging")

    who = {
        line: each.version.reason if each.version else None
        for each in stretches(repository)
        for line in each.lines
    }

    assert ("Louder left", "Take", "Louder right") == (who["ONE"], who["two"], who["THREE"])
