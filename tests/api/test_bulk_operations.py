"""Operations on many prompts over the API: plan, carry out, propose, undo."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from prompt_repo.model import PromptKey
from prompt_repo.repository import STAGING
from tests.factories import make_repository, put
from tests.web import bearer, make_app, services
from webapp.access import Scope

BULK = f"/api/v1/environments/{STAGING}/bulk"
CELLS = [
    {"character": "aria", "emotion": "angry"},
    {"character": "aria", "emotion": "happy"},
    {"character": None, "emotion": "angry"},
]
REPLACE = {"kind": "replace", "find": "Aria", "replace": "She"}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    texts = {"aria/angry": "Aria fumes.", "defaults/angry": "Anger."}
    put(make_repository(tmp_path, ("aria",)), texts)
    return make_app(tmp_path)


def post(app: Flask, path: str, **body: Any) -> Any:
    headers = bearer(app, Scope.WRITE, environments=(STAGING,))
    return app.test_client().post(f"{BULK}{path}", json=body, headers=headers)


def text(app: Flask, emotion: str = "angry", character: str | None = "aria") -> str | None:
    stored = services(app).repository.get().current(STAGING).stored(PromptKey(character, emotion))
    return stored.prompt.text if stored else None


def test_a_plan_tells_each_prompt_before_and_after(app: Flask) -> None:
    """And changes nothing; what is skipped says why."""
    answer = post(app, "/plan", cells=CELLS, operation=REPLACE)

    items = answer.json["items"]
    assert (200, 1) == (answer.status_code, answer.json["changes"])
    assert ["update", "skipped", "unchanged"] == [each["effect"] for each in items]
    assert ("Aria fumes.", "She fumes.") == (items[0]["before"], items[0]["after"])
    assert "it has no text of its own" == items[1]["why"]
    assert "Aria fumes." == text(app)


def test_a_plan_is_carried_out_with_its_commit(app: Flask) -> None:
    """As the same body with `base`; the answer is that of any bulk edit."""
    base = post(app, "/plan", cells=CELLS, operation=REPLACE).json["commit"]

    answer = post(app, "", cells=CELLS, operation=REPLACE, base=base, reason="She")

    assert (200, True) == (answer.status_code, answer.json["changed"])
    assert [("angry", True)] == [(e["emotion"], e["changed"]) for e in answer.json["items"]]
    assert "She fumes." == text(app)


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"kind": "set", "prompt_text": "Same."}, "Same."),
        ({"kind": "copy", "from_character": None}, "Anger."),
        ({"kind": "remove"}, None),
        ({"kind": "tag", "add": ["night"]}, "Aria fumes."),
        (
            {"kind": "replace", "find": r"(\w+)\.", "replace": r"\1!", "pattern": True},
            "Aria fumes!",
        ),
    ],
)
def test_every_operation(app: Flask, operation: dict[str, Any], after: str | None) -> None:
    """Each is carried out on the cells that are named."""
    base = services(app).repository.get().head(STAGING)

    assert 200 == post(app, "", cells=CELLS[:1], operation=operation, base=base).status_code
    assert after == text(app)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"cells": CELLS, "operation": REPLACE}, 428),
        ({"base": "x"}, 422),
        ({}, 422),
        ({"operation": REPLACE, "cells": []}, 422),
        ({"operation": {"kind": "drop"}, "cells": CELLS}, 422),
        ({"operation": {**REPLACE, "find": "(", "pattern": True}, "cells": CELLS}, 428),
    ],
)
def test_what_is_not_whole_is_refused(app: Flask, body: dict[str, Any], status: int) -> None:
    """With the field that lacks."""
    assert status == post(app, "", **body).status_code


def test_edits_and_an_operation_exclude_each_other(app: Flask) -> None:
    """Which one is meant is not guessed."""
    edits = [{"character": "aria", "emotion": "angry", "prompt_text": "x", "if_match": "*"}]

    answer = post(app, "", cells=CELLS, operation=REPLACE, edits=edits)

    assert 422 == answer.status_code
    assert "not both" in answer.text


def test_an_operation_can_be_proposed(app: Flask) -> None:
    """As a change request, like any bulk edit."""
    base = services(app).repository.get().head(STAGING)
    change = {"title": "She, not Aria"}

    answer = post(app, "", cells=CELLS, operation=REPLACE, base=base, change=change)

    assert (200, 1) == (answer.status_code, answer.json["change"])
    assert "Aria fumes." == text(app)


def test_a_commit_is_undone(app: Flask) -> None:
    """And where a prompt changed again, its path is named and `rest` leaves it."""
    head = services(app).repository.get().head(STAGING)
    same = {"kind": "set", "prompt_text": "Same."}
    done = post(app, "", cells=CELLS, operation=same, base=head).json["commit"]
    put(services(app).repository.get(), {"aria/happy": "Newer."})

    refused = post(app, "/undo", commit=done)
    answer = post(app, "/undo", commit=done, rest=True, reason="Undo")

    assert (409, ["characters/aria/happy.yaml"]) == (refused.status_code, refused.json["paths"])
    assert 200 == answer.status_code
    assert ("Aria fumes.", "Newer.", "Anger.") == (
        text(app), text(app, "happy"), text(app, "angry", None),
    )  # fmt: skip
