"""The steps in docs/ci.md, taken from the page and run against a live server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import SAM, key, make_repository, put
from tests.git_client import secret
from tests.web import make_app, served, services
from webapp.access import Scope

PAGE = (Path(__file__).parent.parent / "docs" / "ci.md").read_text()
GITHUB, GITLAB = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
PLAIN = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
CLONE = next(step["run"] for step in GITHUB["jobs"]["promote"]["steps"] if step["name"] == "Clone")


@dataclass
class Live:
    """A server with something to promote, and a runner's folder."""

    folder: Path
    url: str
    repository: Repository
    tokens: dict[str, str] = field(default_factory=dict)

    def run(self, script: str, scope: Scope, branch: str = STAGING) -> tuple[int, str]:
        """A step as a runner runs it: in bash, that stops at the first failure."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PROMPTS_URL": self.url,
                "PROMPTS_TOKEN": self.tokens[scope],
                "BRANCH": branch,
            },
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def live(self, name: str = "aria/angry") -> str | None:
        """What production holds."""
        stored = self.repository.current(PRODUCTION).stored(key(name))
        return stored.prompt.text if stored else None


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/angry": "Frowns."})
    promote(repository, Order(), SAM, "First")
    put(repository, {"aria/angry": "Shouts.", "aria/idle": "Waits."})
    app = make_app(tmp_path)
    (tmp_path / "runner").mkdir()
    with served(app) as url:
        made = Live(tmp_path / "runner", url, services(app).repository.get())
        made.tokens = {scope: secret(app, scope) for scope in (Scope.READ, Scope.PROMOTE)}
        yield made


def steps(job: Any) -> list[str]:
    """A job's scripts on GitHub, without installing, which the tests have done."""
    return [step["run"] for step in job["steps"] if step["name"] != "Install"]


def lines(job: str) -> list[str]:
    """A job's scripts on GitLab."""
    every = [*GITLAB["default"]["before_script"], *GITLAB[job]["script"]]
    return [line for line in every if not line.startswith("pip install")]


def test_github_validates_and_promotes(live: Live) -> None:
    """Every step of the workflow goes well, and production holds what staging holds."""
    for scope, job in ((Scope.READ, "validate"), (Scope.PROMOTE, "promote")):
        for script in steps(GITHUB["jobs"][job]):
            code, said = live.run(script, scope)
            assert 0 == code, f"{script}\n{said}"
        subprocess.run(["rm", "-r", str(live.folder / "prompts")], check=True)

    assert ("Shouts.", "Waits.") == (live.live(), live.live("aria/idle"))
    assert 2 == len(live.repository.store.tags())


def test_gitlab_validates_and_promotes(live: Live) -> None:
    """The same by the pipeline's lines; the token is in no file of the clone."""
    for scope, job in ((Scope.READ, "validate"), (Scope.PROMOTE, "promote")):
        for script in lines(job):
            code, said = live.run(script, scope)
            assert 0 == code, f"{script}\n{said}"
        written = (live.folder / "prompts" / ".git" / "config").read_text()
        assert live.tokens[scope] not in written
        subprocess.run(["rm", "-r", str(live.folder / "prompts")], check=True)

    assert "Shouts." == live.live()


def test_a_clone_that_promoted_has_the_server_s_own_tag(live: Live) -> None:
    """The same object under the same name, so that the next fetch of tags finds nothing new."""
    for script in steps(GITHUB["jobs"]["promote"]):
        live.run(script, Scope.PROMOTE)

    code, said = live.run("cd prompts && git fetch --tags", Scope.READ)

    assert (0, "") == (code, said)
    code, said = live.run("cd prompts && git tag -l 'production/*'", Scope.READ)
    assert sorted(live.repository.store.tags()) == said.split()


def test_what_is_wrong_fails_the_validation(live: Live) -> None:
    """With an annotation on the line, as GitHub shows it."""
    put(live.repository, {"aria/angry": "{nobody} shouts."})
    clone, validate, *_ = steps(GITHUB["jobs"]["validate"])
    live.run(clone, Scope.READ)

    code, said = live.run(validate, Scope.READ)

    assert 1 == code
    assert "::error file=characters/aria/angry.yaml,line=" in said


def test_a_token_that_only_reads_promotes_nothing(live: Live) -> None:
    """The job fails with the server's sentence."""
    clone, promotes = steps(GITHUB["jobs"]["promote"])
    live.run(clone, Scope.READ)

    code, said = live.run(promotes, Scope.READ)

    assert code != 0
    assert "this token only reads" in said
    assert "Frowns." == live.live()


@pytest.mark.parametrize(("script", "idle"), [(PLAIN[0], "Waits."), (PLAIN[1], None)])
def test_git_alone_promotes(live: Live, script: str, idle: str | None) -> None:
    """Everything by a merge, or some by a trailer."""
    live.run(CLONE, Scope.PROMOTE)

    code, said = live.run(script, Scope.PROMOTE)

    assert 0 == code, said
    assert ("Shouts.", idle) == (live.live(), live.live("aria/idle"))
