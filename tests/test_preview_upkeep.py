"""Cleaning previews up by hand and by the clock, where something is odd or away."""

import os
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from tests.preview_world import SAM, wanted
from webapp import clock, jobs, preview_files, previews
from webapp.cli import main
from webapp.config import Settings, environment_of
from webapp.records import Records
from webapp.records.preview_models import Preview
from webapp.storage import StorageMisconfigured, storage

NO_BUCKET = "s3://Not-Ours"


def cleanup(folder: Path, *arguments: str) -> Result:
    """The verb, as an operator types it."""
    return CliRunner().invoke(main, ["--data", str(folder), "preview", "cleanup", *arguments])


@pytest.mark.parametrize(
    "told", ["999999d", "soon", "-1h", "6", "1.5h", "6 h", "2026-13-01", "0001-01-01T00:00+23:00"]
)
def test_a_time_that_is_none_is_refused(tmp_path: Path, told: str) -> None:
    """With one that would be; nothing is deleted, and nothing breaks."""
    result = cleanup(tmp_path, "--older-than", told)

    assert 2 == result.exit_code, result.output
    assert "is no time; write 6h, 90m, 2d, or 2026-" in result.stderr


@pytest.mark.parametrize("told", [(), ("--older-than", "0m"), ("--older-than", "2026-01-01")])
def test_nothing_to_do_is_none(tmp_path: Path, told: tuple[str, ...]) -> None:
    """A count, and nothing else, that a script can read."""
    assert "0\n" == cleanup(tmp_path, *told).stdout


def _over(records: Records, environment: str) -> Preview:
    """A preview that was made, with a file, two days ago."""
    with clock.stopped_at(clock.now() - timedelta(days=2)):
        made = previews.ask(records, Settings(), wanted(environment=environment), SAM)
        previews.begin(records, made.id)
        previews.complete(records, made.id, f"{made.id}.mp4", 4, {}, [], 1.0)
    return previews.find(records, made.id)


def test_an_environment_without_a_home_holds_up_no_other(tmp_path: Path) -> None:
    """Production's clips go, though staging's settings are wrong; the job says which."""
    settings = Settings(data=tmp_path, preview_storage=f"staging={NO_BUCKET}")
    records = Records(settings.records_address)
    records.migrate()
    home = storage(settings, "production")
    (tmp_path / "made").write_bytes(b"clip")
    for each in (_over(records, "staging"), _over(records, "production")):
        home.put(each.file, tmp_path / "made")
    home.put("stray.mp4", tmp_path / "made")

    with (
        mock.patch.dict(os.environ, environment_of(settings)),
        pytest.raises(StorageMisconfigured, match="Not-Ours"),
    ):
        jobs.clean_up_previews()

    assert [] == list(home.names())
    assert 0 == preview_files.clean_up(records, settings)


def test_each_environment_without_a_home_is_told(tmp_path: Path) -> None:
    """The job can fail with one reason only; the log has both."""
    told = "staging=s3://Not-Ours,production=s3://Nor-This"
    settings = Settings(data=tmp_path, preview_storage=told)
    records = Records(settings.records_address)
    records.migrate()
    records.close()

    with (
        mock.patch.dict(os.environ, environment_of(settings)),
        capture_logs() as lines,
        pytest.raises(StorageMisconfigured),
    ):
        jobs.clean_up_previews()

    why = " ".join(each["why"] for each in lines if each["log_level"] == "warning")
    assert "Not-Ours" in why
    assert "Nor-This" in why
