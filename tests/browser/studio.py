"""The program itself, started as people start it, with a small studio in it."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prompt_repo.changes import compare, propose
from prompt_repo.editing import Edit, archive_character, create_character
from prompt_repo.model import Character, PromptKey
from prompt_repo.repository import STAGING, Repository
from tests.factories import KIM, SAM, configuration, put
from webapp import change_records, people
from webapp.access import Role
from webapp.change_records import Kind, Seen, Who
from webapp.config import Settings
from webapp.records import Records

PASSWORD = secrets.token_urlsafe(12)
STOP_SECONDS = 30
TAKES = (
    ("{character_name} fumes.\nSlow push-in.\nGrey light.\n", "First take"),
    ("{character_name} fumes.\nFast push-in.\nGrey light.\n", "Quicker"),
    ("{character_name} boils.\nFast push-in.\nGrey light.\n", "Stronger word"),
)
"""The versions that a new character's angry prompt has, oldest first; and the angry default has."""
SINGLE_SIGN_ON = {
    "PROMPT_REPO_OIDC_ISSUER": "http://127.0.0.1:1",
    "PROMPT_REPO_OIDC_CLIENT_ID": "prompts",
    "PROMPT_REPO_OIDC_LABEL": "your studio account",
}
"""Has the log-in page offer single sign-on, by a provider that is away."""


@dataclass
class Studio:
    """A server's address, the folder it works on, and ways to set a scene in it."""

    folder: Path
    address: str
    repository: Repository
    records: Records

    def character(self, name: str = "", tag: str = "") -> str:
        """A new character with an angry prompt in three versions; gives the id."""
        ident = f"c{secrets.token_hex(4)}"
        tags = (tag,) if tag else ()
        who = Character(
            ident, name or f"Ms {ident}", "Tests pages.", {"coat": "a green coat"}, tags
        )
        create_character(self.repository, STAGING, who, SAM, f"Add {who.name}")
        for text, reason in TAKES:
            put(self.repository, {f"{ident}/angry": text}, reason)
        return ident

    def archived(self) -> str:
        """A new character that is archived; gives the id."""
        ident = self.character()
        archive_character(self.repository, STAGING, ident, SAM, "Put away")
        return ident

    def text(self, ident: str, emotion: str = "angry") -> str | None:
        """A character's own text as it stands on staging."""
        found = self.repository.current(STAGING).overrides(ident).get(emotion)
        return found.prompt.text if found else None

    def replace(self, ident: str, old: str, new: str) -> None:
        """Somebody else edits a character's angry prompt."""
        text = self.text(ident)
        assert text is not None
        assert old in text
        put(self.repository, {f"{ident}/angry": text.replace(old, new)}, "By somebody else")

    def change(self, ident: str, text: str, env: str = STAGING) -> int:
        """Kim proposes another angry text for a character; gives the change request's number."""
        edits = [Edit(PromptKey(ident, "angry"), text)]
        opened = propose(self.repository, env, ident, edits, KIM, "As the director asked")
        proposed = compare(self.repository, self.repository.head(env), opened.head)
        seen = Seen(opened.head, proposed.base, proposed.fingerprint)
        who = Who("token:0:kim", None, KIM.name, KIM.email)
        title, said = "A calmer Aria", "She shouts too soon.\n\nSee the April dailies."
        row = change_records.create(self.records, who, opened.slug, env, title, said, seen)
        words, path = "Is one breath enough?", edits[0].key.path
        change_records.say(self.records, row, who, Kind.COMMENTED, words, path, 1)
        change_records.say(self.records, row, who, Kind.COMMENTED, "Have a look, please.")
        return row.number

    def person(self, role: Role = Role.ADMIN) -> str:
        """A new account; gives its name."""
        name = f"p-{secrets.token_hex(4)}"
        people.add(self.records, name, PASSWORD, role)
        return name


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Studio]:
    """The program over a new data folder with two defaults and no character."""
    folder.mkdir()
    repository = Repository.create(folder / "prompts.git", configuration(lens="50 mm"), SAM)
    put(repository, {"defaults/idle": "{character_name} waits."}, "Begin")
    for text, reason in TAKES:
        put(repository, {"defaults/angry": text}, reason)
    with served(folder, **environment) as address:
        records = Records(Settings(data=folder).records_address)
        yield Studio(folder, address, repository, records)
        records.close()


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[str]:
    """`prompt-repo run` over a data folder, from its line "Ready" to its end; gives the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "webapp.cli",
        "run",
        "--data",
        str(folder),
        "--port",
        str(port),
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **SINGLE_SIGN_ON, **environment},
    ) as program:
        assert program.stdout is not None
        try:
            said = []
            for line in program.stdout:
                said.append(line.decode())
                if said[-1].startswith("Ready: "):
                    break
            assert said, "the program said nothing"
            assert said[-1].startswith("Ready: "), "".join(said)
            yield said[-1].removeprefix("Ready: ").strip().rstrip("/")
        finally:
            program.terminate()
            program.wait(STOP_SECONDS)
