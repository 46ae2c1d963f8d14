"""A person with a laptop: a clone of a served repository, and the git program to push with."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from tests.web import services
from webapp import tokens
from webapp.access import Scope

PERSON = ("-c", "user.name=Pat Reyes", "-c", "user.email=pat@studio.example")


@dataclass(frozen=True)
class Did:
    """What a git command came to: whether it went well, and what the terminal showed."""

    ok: bool
    said: str


@dataclass(frozen=True)
class Clone:
    """A work tree, and the address it was cloned from."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """What git prints; raises where it fails."""
        done = self.run(*arguments)
        assert done.ok, done.said
        return done.said.strip()

    def run(self, *arguments: str) -> Did:
        """A git command, whatever comes of it."""
        return git(self.folder, *arguments)

    def write(self, path: str, text: str | bytes) -> None:
        """A file of the work tree."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, files: dict[str, str | bytes | None], message: str = "Edit") -> str:
        """Commits files (None takes one away); gives the commit."""
        for path, text in files.items():
            if text is None:
                (self.folder / path).unlink()
            else:
                self.write(path, text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *refs: str) -> Did:
        """A push to where it was cloned from."""
        return self.run("push", "origin", *refs)


def git(folder: Path, *arguments: str) -> Did:
    """A git command in a folder, as a person with a terminal runs it."""
    done = subprocess.run(["git", *PERSON, *arguments], cwd=folder, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    return Did(done.returncode == 0, "\n".join(line.rstrip() for line in lines))


def secret(app: Flask, *scopes: Scope, environments: tuple[str, ...] = ()) -> str:
    """A new token; for every environment unless told."""
    return tokens.create(
        services(app).records, "laptop", set(scopes), environments or ("staging", "production")
    )[0]


def address(url: str, token: str) -> str:
    """Where to clone from, the token in it."""
    return f"{url.replace('://', f'://me:{token}@')}/git/prompts.git"


def prompt(text: str) -> str:
    """A file of one prompt."""
    lines = "".join(f"  {line}\n" for line in text.split("\n"))
    return f"prompt: |-\n{lines}"
