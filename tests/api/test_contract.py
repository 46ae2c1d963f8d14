"""Schemathesis against the API, phase by phase, over a repository with people in it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from prompt_repo.editing import Edit, archive_character, create_character, save
from prompt_repo.model import Character
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import STAGING, Repository
from tests.api.conftest import SAM, Api
from tests.factories import key
from tests.web import served
from webapp.access import Scope

RULES = Path(__file__).parents[2] / ".ci" / "schemathesis.toml"
EXAMPLES = 8  # of an operation; `schemathesis run -n 500` by hand goes deeper
PROBLEMS = (events.NonFatalError, events.FatalError, events.Interrupted)


@pytest.fixture
def peopled(api: Api) -> Api:
    """The API over characters, one archived, with removals, a promotion and proposals behind."""
    repository = api.repository
    for ident in ("cleo", "dmitri", "eve"):
        create_character(repository, STAGING, Character(ident, ident.capitalize()), SAM, "")
    _write(repository, {"defaults/idle": "{character_name} waits.", "cleo/idle": "Cleo waits."})
    promote(repository, Order(), SAM, "Go live")
    _write(repository, {"cleo/idle": "Cleo paces.", "aria/angry": None, "dmitri/happy": "👋"})
    archive_character(repository, STAGING, "eve", SAM, "Gone")
    _propose(api)
    return api


def _propose(api: Api) -> None:
    """Two change requests: one that fits, with a comment, and one in conflict with staging."""
    base = api.repository.head(STAGING)
    for title, character in (("Calmer", "cleo"), ("Louder", "dmitri")):
        edits = [{"character": character, "emotion": "happy", "prompt_text": f"{title}.\n"}]
        sent = {"edits": edits, "base": base, "change": {"title": title}}
        assert api.ask("POST", "/bulk", json=sent).status_code == 200
    _write(api.repository, {"dmitri/happy": "Not at all."})
    said = api.app.test_client().post(
        "/api/v1/changes/1/comments",
        json={"text": "Good."},
        headers={"Authorization": f"Bearer {api.token}"},
    )
    assert said.status_code == 201


def _write(repository: Repository, texts: dict[str, str | None]) -> None:
    save(repository, STAGING, [Edit(key(name), text) for name, text in texts.items()], SAM, "")


def _rules(token: str, phase: str) -> SchemathesisConfig:
    """What schemathesis.toml says, for one phase, the same at every run and on every machine."""
    phases = {"enabled": False, phase: {"enabled": True}}
    return SchemathesisConfig.from_dict(
        {
            **tomllib.loads(RULES.read_text()),
            "seed": 1,
            "headers": {"Authorization": f"Bearer {token}"},
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            "phases": phases,
        }
    )


def _wrong(event: events.EngineEvent) -> Iterator[str]:
    """What an event of the run tells of failures, with the request that shows each."""
    if isinstance(event, PROBLEMS):
        yield str(getattr(event, "value", getattr(event, "exception", event)))
    if isinstance(event, events.ScenarioFinished):
        for ident, checks in event.recorder.checks.items():
            answer = event.recorder.interactions[ident].response
            for info in (check.failure_info for check in checks if check.failure_info):
                said = f"{answer.status_code} {answer.text[:500]}" if answer else "no answer"
                yield f"{info.failure}\n{said}\n{info.code_sample[:1000]}"


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["examples", "coverage", "fuzzing", "stateful"])
def test_the_api_is_as_it_describes_itself(peopled: Api, phase: str) -> None:
    """Valid requests are accepted, others refused, every answer is of the form that was told."""
    token = peopled.new_token(Scope.ADMIN)
    rules = _rules(token, phase)
    sent: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
    with served(peopled.app) as address:
        schema = schemathesis.openapi.from_url(
            f"{address}/api/v1/openapi.json", config=rules, **sent
        )
        seen = list(from_schema(schema).execute())

    finished = [each for each in seen if isinstance(each, events.ScenarioFinished)]
    asked = sum(len(each.recorder.interactions) for each in finished)
    assert [] == [wrong for event in seen for wrong in _wrong(event)]
    assert asked > 20
