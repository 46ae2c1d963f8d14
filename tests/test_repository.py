"""Reading in the past, by commit, tag and time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prompt_repo.errors import RepositoryExists, RepositoryNotFound, RevisionNotFound
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import SAM, configuration, key, make_repository, put


def test_both_environments_begin_alike(tmp_path: Path) -> None:
    """A new repository has staging and production at one commit."""
    repository = make_repository(tmp_path)

    assert repository.head(STAGING) == repository.head(PRODUCTION)
    assert ("idle", "happy", "angry") == repository.current(PRODUCTION).configuration.emotion_ids


def test_a_second_repository_in_one_folder_is_refused(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    repository = make_repository(tmp_path)

    with pytest.raises(RepositoryExists):
        Repository.create(repository.store.path, configuration(), SAM)


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    """The error names the folder and the verb that makes one."""
    with pytest.raises(RepositoryNotFound, match="prompt-repo init"):
        Repository.open(tmp_path)


def test_reading_at_a_commit(tmp_path: Path) -> None:
    """What stood there then, whatever came after."""
    repository = make_repository(tmp_path, ("aria",))
    first = put(repository, {"aria/idle": "First."})
    put(repository, {"aria/idle": "Second."})

    assert "First." == repository.at(STAGING, first).resolve("aria", "idle").text


def test_lists_in_the_past_are_complete(tmp_path: Path) -> None:
    """A catalogue of an old commit lists what stood there, not what stands now."""
    repository = make_repository(tmp_path, ("aria",))
    first = put(repository, {"aria/idle": "First."})
    put(repository, {"aria/idle": None, "aria/angry": "Later."})

    then = repository.at(STAGING, first)

    assert ["idle"] == list(then.overrides("aria"))
    assert ["aria"] == list(then.character_ids())


def test_reading_at_a_tag(tmp_path: Path) -> None:
    """A tag stands for the commit it names."""
    repository = make_repository(tmp_path, ("aria",))
    first = put(repository, {"aria/idle": "First."})
    tag = repository.store.path / "refs" / "tags" / "season-1"
    tag.parent.mkdir(parents=True, exist_ok=True)
    tag.write_text(first + "\n")
    put(repository, {"aria/idle": "Second."})

    assert "First." == repository.at(STAGING, "season-1").resolve("aria", "idle").text


def test_reading_at_a_time(tmp_path: Path) -> None:
    """A time means what the branch pointed to then, by the log of its moves."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/idle": "First."})
    moves = repository.store.moves(STAGING)

    now = repository.at(STAGING, (moves[-1].at + timedelta(seconds=1)).isoformat())

    assert "First." == now.resolve("aria", "idle").text


def test_a_time_before_everything_is_not_found(tmp_path: Path) -> None:
    """There was no branch then."""
    repository = make_repository(tmp_path)

    with pytest.raises(RevisionNotFound):
        repository.at(STAGING, datetime(2001, 1, 1, tzinfo=UTC).isoformat())


def test_a_time_before_the_log_goes_by_the_commits_times(tmp_path: Path) -> None:
    """A repository that was cloned or imported has commits older than its log of moves."""
    repository = make_repository(tmp_path, ("aria",))
    day = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for number, text in enumerate(("March.", "April.")):
        repository.store.write(
            STAGING,
            repository.head(STAGING),
            {"defaults/idle.yaml": f"prompt: |-\n  {text}\n".encode()},
            author=SAM,
            message=text,
            at=day + timedelta(days=31 * number),
        )
    (repository.store.path / "logs" / "refs" / "heads" / STAGING).unlink()

    then = repository.at(STAGING, "2026-03-15T00:00:00Z")

    stored = then.stored(key("defaults/idle"))
    assert stored is not None
    assert "March." == stored.prompt.text


def test_production_never_shows_what_only_staging_held(tmp_path: Path) -> None:
    """A commit of another environment is no commit of this one."""
    repository = make_repository(tmp_path, ("aria",))
    commit = put(repository, {"aria/idle": "Not yet public."})

    with pytest.raises(RevisionNotFound):
        repository.at(PRODUCTION, commit)


@pytest.mark.parametrize("name", ["", "-x", "--all", "HEAD", "staging", "../x", "a" * 40, "x\0y"])
def test_names_from_outside_are_checked(tmp_path: Path, name: str) -> None:
    """Only full commit ids, tags and times are understood."""
    repository = make_repository(tmp_path)

    with pytest.raises(RevisionNotFound):
        repository.at(STAGING, name)


def test_parsed_documents_are_kept_across_restarts(tmp_path: Path) -> None:
    """A repository opened again parses nothing that was parsed before."""
    repository = make_repository(tmp_path, ("aria",))
    texts = {f"defaults/{emotion}": emotion for emotion in ("idle", "happy", "angry")}
    for number in range(40):
        put(repository, {name: f"{text} {number}" for name, text in texts.items()})
    (repository.store.path / "prompt-repo" / "documents.sqlite3").write_bytes(b"not a database")

    again = Repository.open(repository.store.path)

    assert "idle 39" == again.current(STAGING).lookup(key("defaults/idle")).prompt.text  # type: ignore[union-attr]
