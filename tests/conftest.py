"""What every test may ask for, and the rule that nothing is skipped in CI."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from prompt_repo.repository import Repository
from tests import servers, shortcuts
from tests.factories import make_repository
from tests.video_server import VideoServer, serving
from webapp.records import Records

ROOT = Path(__file__).parent.parent
CI = os.environ.get("CI") == "true"
Git = Callable[..., str]

hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci" if CI else "here")

GIT_SETTINGS = """\
[user]
    name = Test Person
    email = test@studio.example
[init]
    defaultBranch = staging
[core]
    autocrlf = false
[protocol "file"]
    allow = always
[commit]
    gpgSign = false
"""


def pytest_unconfigure() -> None:
    """Takes away the folder that `./test` gave this process in memory."""
    scratch = Path(tempfile.gettempdir())
    if scratch.name == f"prompt-repo-tests.{os.getpid()}":
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI a skipped test is a failed one."""
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """In CI a skipped module is a failed one."""
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report: Any) -> Any:
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"Nothing is skipped in CI, and this was. {why}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the settings of the person or machine that runs it."""
    home = tmp_path_factory.mktemp("home")
    settings = home / ".gitconfig"
    settings.write_text(GIT_SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GIT_", "PROMPT_REPO_")):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture(scope="session", autouse=True)
def _shortcuts(tmp_path_factory: pytest.TempPathFactory, _own_world: None) -> Iterator[None]:
    """Spares every test the making of what it is not about."""
    with shortcuts.taken(tmp_path_factory.mktemp("shortcuts")):
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real prompts and databases that stands beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("there is no ../shared/data beside this checkout")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with three emotions and the characters aria and bolt, without prompts."""
    return make_repository(tmp_path, ("aria", "bolt"))


@pytest.fixture(scope="session")
def git() -> Git:
    """The git program: `git(folder, "log", "-1")` gives what it printed; raises where it fails."""

    def run(folder: Path, *arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, input=text, capture_output=True, text=True
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Valkey that lives as long as the tests do."""
    with servers.valkey() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """The URL of an empty Redis."""
    import redis

    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
        yield redis_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """A PostgreSQL server that lives as long as the tests do."""
    with servers.postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where records may be kept: a test that asks for it runs on both kinds of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite3'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def records(records_url: str) -> Iterator[Records]:
    """Records with their tables made, on both kinds of database."""
    made = Records(records_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def postgres_url(postgres: servers.Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(name="server")
def _video_server() -> Iterator[VideoServer]:
    """A service that speaks the Videos API, as well or badly as a test tells it to."""
    with serving() as made:
        yield made
