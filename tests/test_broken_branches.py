"""A file that plain Git broke in staging: what it stops, and what people are told to do."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from prompt_repo.cli import main
from prompt_repo.layout import CONFIGURATION
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import KIM, SAM, make_repository, put
from tests.test_promotion_pages import hidden, live, send
from tests.web import make_app, person, services
from webapp import tokens
from webapp.access import Role, Scope

BROKEN = "characters/aria/angry.yaml"


def push(repository: Repository, path: str, raw: bytes) -> None:
    """A commit on staging by plain Git, past all checks."""
    head = repository.head(STAGING)
    repository.store.write(STAGING, head, {path: raw}, author=SAM, message="By hand")


@pytest.fixture
def prompts(tmp_path: Path) -> Repository:
    """Aria lives in production; staging is ahead by two prompts, of which one is broken."""
    made = make_repository(tmp_path, ("aria",))
    put(made, {"aria/angry": "One.\n", "defaults/idle": "Still.\n"}, "Begin")
    promote(made, Order(), KIM, "Go live")
    put(made, {"defaults/idle": "Waits.\n"}, "Calmer")
    push(made, BROKEN, b"prompt: [1\n")
    return made


@pytest.fixture
def app(tmp_path: Path, prompts: Repository) -> Flask:
    return make_app(tmp_path)


def ask(app: Flask, address: str) -> Any:
    """What the API answers to a program that may do everything."""
    secret, _ = tokens.create(
        services(app).records, "all", tuple(Scope), (STAGING, PRODUCTION), made_by=None
    )
    client = app.test_client()
    return client.get(f"/api/v1{address}", headers={"Authorization": f"Bearer {secret}"}).json


def test_the_plan_says_what_is_broken_and_offers_the_rest(app: Flask, prompts: Repository) -> None:
    """Nothing goes by itself; one button plans the rest, which then goes."""
    admin = person(app, Role.ADMIN)

    page = send(admin, "/promotion/plan", ("all", "1"))
    assert f"{BROKEN}:2:1: this is not YAML" in page.text
    assert "Mend it in staging" in page.text
    assert "Promote 2 documents" not in page.text
    rest = send(admin, "/promotion/plan", *hidden(page), ("without", "unfit"))
    assert "this is not YAML" not in rest.text
    done = send(admin, "/promotion", *hidden(rest), ("reason", "What is well"))

    assert done.status_code == 303
    assert live(prompts, "defaults/idle") == "Waits.\n"
    assert live(prompts, "aria/angry") == "One.\n"


def test_the_command_line_says_what_to_do(tmp_path: Path, prompts: Repository) -> None:
    """Place, what is wrong, what was kept, and the words that let the rest go."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["--data", str(tmp_path), "promote", *words])
        return done.exit_code, done.output

    for words in ((), ("--dry-run",)):
        code, said = run(*words)
        assert code == 1
        assert f"{BROKEN}:2:1" in said
        assert f"let the rest go without it: --except {BROKEN}" in said
    assert run("--except", "aria/happy")[0] == 1
    assert run("--except", "aria/angry", "--dry-run")[0] == 0
    assert run("--except", "aria/angry")[0] == 0

    assert live(Repository.open(tmp_path / "prompts.git"), "defaults/idle") == "Waits.\n"
    assert run("--except", "aria/angry")[0] == 1  # nothing is left


def test_what_is_well_goes_while_staging_s_settings_are_broken(
    tmp_path: Path, prompts: Repository
) -> None:
    """By the words that the refusal gives: production's own settings hold for the rest."""
    push(prompts, CONFIGURATION, b"format: [\n")
    verb = ["--data", str(tmp_path), "promote"]

    refused = CliRunner().invoke(main, verb)
    done = CliRunner().invoke(main, [*verb, "--except", CONFIGURATION, "--except", BROKEN])

    assert (refused.exit_code, done.exit_code) == (1, 0), done.output
    assert f"--except {CONFIGURATION}" in refused.output
    assert live(Repository.open(tmp_path / "prompts.git"), "defaults/idle") == "Waits.\n"


def test_the_plan_of_the_api_names_what_is_broken(app: Flask) -> None:
    """So that a program leaves it out before it is refused."""
    (problem,) = ask(app, "/promotions/plan")["problems"]

    assert (problem["path"], problem["line"], problem["column"]) == (BROKEN, 2, 1)


def test_broken_settings_are_told_with_the_way_to_mend_them(
    app: Flask, prompts: Repository
) -> None:
    """Readiness stays, for the way to mend must not go away, and says what is degraded."""
    push(prompts, CONFIGURATION, b"format: [\n")
    client, viewer = app.test_client(), person(app, Role.VIEWER)

    ready = client.get("/readyz")
    page = viewer.get("/environments/staging/characters")

    assert ready.status_code == 200
    assert ready.json["status"] == "degraded"
    assert ready.json["settings"] == {STAGING: "broken", PRODUCTION: "ok"}
    assert page.status_code == 422
    assert "<h1>The settings of staging can’t be read</h1>" in page.text
    assert 1 == page.text.count("prompts.yaml:2:1")
    assert "git push origin HEAD:staging" in page.text
    assert 'href="/environments/production/characters"' in page.text
    assert viewer.get("/environments/production/characters").status_code == 200
    assert json.loads(client.get("/healthz").text) == {"status": "ok"}
