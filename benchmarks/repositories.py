"""Repositories of any size, written by `git fast-import`, each made once a run."""

import random
from collections.abc import Iterator
from pathlib import Path

from prompt_repo import documents, git_cli
from prompt_repo.git_store import GitStore
from prompt_repo.layout import CONFIGURATION, character_path
from prompt_repo.model import Character, Configuration, Emotion, PromptKey

EMOTIONS = tuple(f"emotion{number:02}" for number in range(12))
WORDS = (
    *("slow push-in", "warm key light", "from the left", "camera still", "soft focus"),
    *("gaze drops", "then a breath", "shoulders follow", "medium close-up", "eye level"),
    *("dust in the air", "{character_name}", "waits", "by the door", "and looks up"),
)
BEGAN = 1_700_000_000


class Repositories:
    """The repositories of one run, in a folder that goes with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def with_prompts(self, count: int) -> Path:
        """One commit on both branches: `count` prompts, twelve a character."""
        path = self._folder / f"prompts-{count}.git"
        if not path.exists():
            GitStore.create(path)
            git_cli.fast_import(path, _one_commit(max(1, count // len(EMOTIONS))))
        return path

    def with_both(self, prompts: int, commits: int) -> Path:
        """So many prompts, and then so many commits that edit one of them each; packed."""
        path = self._folder / f"both-{prompts}-{commits}.git"
        if not path.exists():
            GitStore.create(path)
            git_cli.fast_import(path, _edited(max(1, prompts // len(EMOTIONS)), commits))
            git_cli.completed(path, ["repack", "-a", "-d", "-q"])
        return path

    def with_commits(self, count: int, versions: int = 50) -> Path:
        """`count` commits, one prompt each; every prompt gets `versions` versions, mixed."""
        path = self._folder / f"commits-{count}-{versions}.git"
        if not path.exists():
            GitStore.create(path)
            git_cli.fast_import(path, _many_commits(count, versions))
        return path


def keys(prompts: int) -> list[PromptKey]:
    """The keys of a repository with so many prompts."""
    characters = max(1, prompts // len(EMOTIONS))
    return [PromptKey(_ident(who), emotion) for who in range(characters) for emotion in EMOTIONS]


def text(seed: int) -> str:
    """A text of some four hundred bytes that no other seed has."""
    dice = random.Random(seed)
    lines = [" ".join(dice.choices(WORDS, k=7)) for _ in range(4)]
    return "\n".join([*lines, f"Take {seed}, {{emotion}}."])


def _one_commit(characters: int) -> Iterator[bytes]:
    yield _commit("staging", 1, "Begin")
    yield _put(CONFIGURATION, documents.dump(_configuration()))
    yield from _characters(characters)
    for number, key in enumerate(keys(characters * len(EMOTIONS))):
        yield _put(key.path, prompt_file(number))
    yield b"\nreset refs/heads/production\nfrom :1\n\n"


def _edited(characters: int, commits: int) -> Iterator[bytes]:
    yield from _one_commit(characters)
    known = keys(characters * len(EMOTIONS))
    dice = random.Random(commits)
    for number in range(2, commits + 2):
        key = dice.choice(known)
        yield _commit("staging", number, f"Take {number} of {key.path}")
        yield b"from :%d\n" % (number - 1)
        yield _put(key.path, prompt_file(characters * len(EMOTIONS) + number))


def _many_commits(count: int, versions: int) -> Iterator[bytes]:
    prompts = max(len(EMOTIONS), count // versions)
    order = [key for key in keys(prompts) for _ in range(versions)]
    random.Random(count).shuffle(order)
    yield _commit("staging", 1, "Begin")
    yield _put(CONFIGURATION, documents.dump(_configuration()))
    yield from _characters(max(1, prompts // len(EMOTIONS)))
    for number in range(2, count + 1):
        key = order[number % len(order)]
        yield _commit("staging", number, f"Take {number} of {key.path}")
        yield b"from :%d\n" % (number - 1)
        yield _put(key.path, prompt_file(number))


def _configuration() -> Configuration:
    return Configuration(tuple(Emotion(name, name.title(), "#64748b") for name in EMOTIONS))


def _characters(count: int) -> Iterator[bytes]:
    for who in range(count):
        character = Character(_ident(who), f"Character {who}", variables={"voice": "calm"})
        yield _put(character_path(character.id), documents.dump(character))


def _ident(who: int) -> str:
    return f"character-{who:05}"


def prompt_file(seed: int) -> bytes:
    """What `documents.dump` gives for such a text, sooner; a test compares them."""
    lines = "".join(f"  {line}\n" for line in text(seed).splitlines())
    return f"prompt: |-\n{lines}".encode()


def _commit(branch: str, number: int, reason: str) -> bytes:
    who = f"Sam Byrne <sam@studio.example> {BEGAN + number * 60} +0000"
    message = reason.encode() + b"\n"
    head = f"commit refs/heads/{branch}\nmark :{number}\nauthor {who}\ncommitter {who}\n"
    return head.encode() + b"data %d\n%b" % (len(message), message)


def _put(path: str, raw: bytes) -> bytes:
    return b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(raw), raw)
