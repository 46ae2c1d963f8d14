"""The API over a small repository, asked with a token."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from prompt_repo.editing import Edit, create_character, save
from prompt_repo.model import Author, Character, Configuration, Emotion
from prompt_repo.repository import STAGING, Repository
from tests.factories import key
from tests.web import make_app, services
from webapp import tokens
from webapp.access import Scope

SAM = Author("Sam Byrne", "sam@studio.example")
CONFIGURATION = Configuration(
    emotions=(
        Emotion("idle", "Idle", "#64748b"),
        Emotion("happy", "Happy", "#ca8a04"),
        Emotion("angry", "Angry", "#dc2626"),
    ),
    variables={"lens": "50 mm"},
)


class Api:
    """A client of the API on staging."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository.create(folder / "prompts.git", CONFIGURATION, SAM)
        for ident in ("aria", "bo"):
            who = Character(ident, ident.capitalize(), tags=("lead",) if ident == "aria" else ())
            create_character(self.repository, STAGING, who, SAM, f"Add {ident}")
        texts = {"defaults/angry": "{character_name} fumes.", "aria/angry": "One.\nTwo.\nThree.\n"}
        edits = [Edit(key(name), text) for name, text in texts.items()]
        save(self.repository, STAGING, edits, SAM, "Begin")
        self.app = make_app(folder)
        self.token = self.new_token(Scope.WRITE)

    def new_token(self, *scopes: Scope, environments: tuple[str, ...] = ()) -> str:
        """A token's secret."""
        return tokens.create(services(self.app).records, "test", scopes, environments)[0]

    def ask(
        self, method: str, path: str, env: str = STAGING, token: str = "", **more: Any
    ) -> TestResponse:
        """An answer to a request below `/environments/{env}`."""
        headers = {"Authorization": f"Bearer {token or self.token}", **more.pop("headers", {})}
        address = f"/api/v1/environments/{env}{path}"
        return self.app.test_client().open(address, method=method, headers=headers, **more)


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """The API over two characters, a default and an override, both for angry."""
    return Api(tmp_path)
