"""The demo repository: believable, whole, the same each time, and never in the future."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prompt_repo import git_cli
from prompt_repo.demo import fill
from prompt_repo.demo_story import Calendar
from prompt_repo.errors import RepositoryExists
from prompt_repo.model import PromptKey, Source
from prompt_repo.repository import PRODUCTION, STAGING, Repository

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One demo repository for all tests that only read."""
    return fill(tmp_path_factory.mktemp("demo") / "prompts.git", now=NOW)


def git(repository: Repository, *arguments: str) -> list[str]:
    """What git prints, by lines."""
    command = ["git", "-C", str(repository.store.path), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_every_character_has_a_text_for_every_emotion(demo: Repository) -> None:
    """Twelve characters or more, seven emotions, nothing missing, nothing broken."""
    catalogue = demo.current(STAGING)

    present = [c for c in catalogue.character_ids() if not catalogue.character(c).archived]
    sources = {source for c in present for source in catalogue.coverage(c).values()}

    assert len(present) >= 12
    assert len(catalogue.configuration.emotions) == 7
    assert sources == {Source.CHARACTER, Source.GLOBAL}
    assert catalogue.problems == ()


def test_every_variable_is_filled(demo: Repository) -> None:
    """No resolved text holds a word in braces that nothing answers to."""
    catalogue = demo.current(STAGING)

    unknown = {
        (character, emotion): resolved.unknown_variables
        for character in catalogue.character_ids()
        for emotion in catalogue.configuration.emotion_ids
        if (resolved := catalogue.resolve(character, emotion)).unknown_variables
    }

    assert unknown == {}


def test_months_of_work_by_several_people(demo: Repository) -> None:
    """Hundreds of commits with reasons, by five or more, over half a year, in working hours."""
    lines = git(demo, "log", "--format=%at%x00%ae%x00%s", STAGING)

    rows = [line.split("\0") for line in lines]
    times = [datetime.fromtimestamp(int(at), UTC) for at, _, _ in rows]

    assert 300 <= len(rows) <= 450
    assert len({email for _, email, _ in rows}) >= 5
    assert all(reason for _, _, reason in rows)
    assert times == sorted(times, reverse=True)
    assert times[0] - times[-1] > timedelta(days=180)
    assert all(at.weekday() < 5 and 9 <= at.hour < 18 for at in times)


def test_staging_is_ahead_of_production(demo: Repository) -> None:
    """Each promotion merges a commit of staging and holds just that; the last is weeks ago."""
    merges = git(demo, "log", "--first-parent", "--merges", "--format=%H %P", PRODUCTION)

    head, _, last = merges[0].split()
    behind = NOW - demo.store.commit(head).authored_at

    assert len(merges) >= 5
    assert timedelta(weeks=2) < behind < timedelta(weeks=8)
    for line in merges:
        merge, _, staging = line.split()
        assert demo.store.changed(staging, merge) == []
        assert demo.store.is_ancestor(staging, demo.head(STAGING))
    assert demo.store.changed(last, demo.head(STAGING)) != []


def test_the_history_shows_what_the_product_can_do(demo: Repository) -> None:
    """A removal, a restoration, a revert, an archived character, a changed default."""
    catalogue = demo.current(STAGING)
    head = catalogue.commit

    kofi = demo.history.page(head, PromptKey("kofi", "confused").path).versions
    nadia = demo.history.page(head, PromptKey("nadia", "idle").path).versions

    assert "happy" in catalogue.removed("odessa")
    assert [version.removed for version in kofi] == [False, False, True, False, False]
    assert nadia[1].blob == nadia[3].blob != nadia[2].blob
    assert catalogue.character("theo").archived
    assert all(stored.held.number > 1 for stored in catalogue.defaults().values())


def test_git_finds_nothing_wrong(demo: Repository) -> None:
    """`git fsck --strict` is clean."""
    problems = git_cli.fsck(demo.store.path)

    assert problems == []


def test_the_same_now_gives_the_same_commits(tmp_path: Path, demo: Repository) -> None:
    """Two demos of one moment have equal branches."""
    again = fill(tmp_path / "again.git", now=NOW)

    branches = again.store.branches()

    assert branches == demo.store.branches()


def test_progress_ends_at_the_last_commit(tmp_path: Path) -> None:
    """Whoever watches is told now and then, and the total from the start."""
    told: list[tuple[int, int]] = []

    fill(tmp_path / "prompts.git", now=NOW, progress=lambda _, done, of: told.append((done, of)))

    done, total = told[-1]
    assert done == total > 200
    assert sorted(told) == told
    assert {total} == {each for _, each in told}


@pytest.mark.parametrize("now", ["2027-01-01T00:00:00Z", "2026-11-22T23:59:59+14:00"])
def test_nothing_happens_in_the_future(now: str) -> None:
    """The last working second lies before now, on New Year's night and at the date line too."""
    moment = datetime.fromisoformat(now)

    last = Calendar(moment).at(1.0)

    assert moment - timedelta(days=4) < last < moment


def test_a_repository_is_never_overwritten(tmp_path: Path) -> None:
    """A folder that holds something is refused."""
    (tmp_path / "mine").write_text("keep me")

    with pytest.raises(RepositoryExists):
        fill(tmp_path)
