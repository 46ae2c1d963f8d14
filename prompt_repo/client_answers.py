"""What the client makes of a server's answers: prompts, errors, and the fallback file."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NEARLY_EMOTION = re.compile(r"[\w -]{1,64}")
ETAG = re.compile(r"[\x21\x23-\x7e]{1,256}")
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
NOT_THERE = frozenset({"urn:prompt-repo:character-not-found", "urn:prompt-repo:prompt-not-found"})
"""The kinds of problem that tell of a prompt; any other 404 is of a wrong address or a proxy."""


class ClientError(Exception):
    """Something the client can't give an answer for."""


class PromptNotFound(ClientError):
    """There is no such character, or neither an override nor a default."""


class UnknownEmotion(ClientError):
    """The emotion is not in the repository's list, which is `valid`.

    `valid` is empty where what was asked for can't be an emotion anywhere.
    """

    def __init__(self, message: str, valid: tuple[str, ...] = ()) -> None:
        self.valid = valid
        super().__init__(message, valid)

    def __str__(self) -> str:
        return str(self.args[0])


class Refused(ClientError):
    """The token is no good, or not for this environment."""


class ServerAway(ClientError):
    """The server can't be reached or is too busy, and nobody else knows the prompt."""


class BadAnswer(ServerAway):
    """The server answers, but not with a prompt: it fails, or something stands in its place."""


class InvalidFallback(ClientError):
    """The fallback file can't be used; says why."""


@dataclass(frozen=True, slots=True)
class ResolvedPrompt:
    """A text ready for a video service.

    `source` is `character` or `global`; `commit` is the one that made `version`. `fetched_at` is
    when the server last said that the text holds, and `age` how many seconds before this `get`
    that was. `stale` tells that the server, asked again, could not or would not say.
    `from_fallback` tells that it never did in this process: then `fetched_at` is None.
    """

    character: str
    emotion: str
    environment: str
    text: str
    source: str
    version: int
    commit: str
    etag: str
    fetched_at: datetime | None = None
    age: float = 0.0
    stale: bool = False
    from_fallback: bool = False


Key = tuple[str, str, str]
"""Environment, character, emotion."""


def check_server(server: str, token: str) -> None:
    """Raises ValueError for what is no address of a server, or holds a password, and no token."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{server!r} is no address of a server, such as https://prompts.example")
    if parts.username or parts.password:
        raise ValueError("an address with a password in it ends up in logs; use `token`")
    if not TOKEN.fullmatch(token):
        # Said without the token: whatever is wrong with it, most of it is a secret.
        raise ValueError("the token has to be printable ASCII without blanks; is a line end in it?")


def check_environment(environment: str) -> None:
    """Raises PromptNotFound for what can be no environment anywhere."""
    if not ID.fullmatch(environment):
        raise PromptNotFound(f"{environment[:80]!r} is no id of an environment")


def check_key(key: Key) -> None:
    """Raises PromptNotFound and UnknownEmotion for what no server needs to be asked about."""
    environment, character, emotion = key
    check_environment(environment)
    if not ID.fullmatch(character):
        raise PromptNotFound(f"{character[:80]!r} is no id of a character")
    # Looser than an id: the server then tells somebody who writes "Angry" what would be valid.
    if not NEARLY_EMOTION.fullmatch(emotion):
        raise UnknownEmotion(f"{emotion[:80]!r} is no id of an emotion")


def parsed(body: bytes) -> Any:
    """The JSON of an answer; raises BadAnswer for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("an answer that is no JSON") from error


def from_body(key: Key, body: Any) -> ResolvedPrompt:
    """A resolved prompt out of an answer; raises BadAnswer where it is none."""
    try:
        return from_export(key[0], {**body, "character": key[1], "emotion": key[2]})
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("an answer that is no resolved prompt") from error


def from_export(environment: str, item: Mapping[str, Any]) -> ResolvedPrompt:
    """One item of an export; raises KeyError, TypeError, ValueError."""
    names = ("character", "emotion", "text", "source", "commit", "etag")
    values = {name: item[name] for name in names}
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError("a field is no text")
    values["text"].encode()  # half a surrogate pair is no text
    if not ETAG.fullmatch(values["etag"]):
        raise ValueError("`etag` can't stand in a header")
    version = item["version"]
    if not isinstance(version, int) or isinstance(version, bool):
        raise TypeError("`version` is no number")
    return ResolvedPrompt(environment=environment, version=version, **values)


def refusal(status: int, body: bytes) -> PromptNotFound | UnknownEmotion | Refused:
    """The error that an answer other than 200 and 304 stands for; raises BadAnswer for the rest."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    said = str(told.get("detail", f"the server answered {status}"))[:500]
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Refused(said)
    if status == httpx.codes.NOT_FOUND and told.get("type") in NOT_THERE:
        return PromptNotFound(said)
    if isinstance(told.get("valid_emotions"), list):
        return UnknownEmotion(said, tuple(map(str, told["valid_emotions"])))
    raise BadAnswer(f"an answer nobody expected: {status}, {said}")


def prompts_of(export: Any, error: type[ClientError]) -> list[ResolvedPrompt]:
    """The prompts of an export that have a text; raises `error` where it is none."""
    if not isinstance(export, dict) or not isinstance(export.get("environment"), str):
        raise error("no export of prompts: `environment` is missing")
    items = export.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise error("no export of prompts: `items` is missing")
    found = []
    for number, item in enumerate(items, 1):
        if item.get("text") is None:
            continue
        try:
            found.append(from_export(export["environment"], item))
        except (KeyError, TypeError, ValueError) as wrong:
            raise error(f"item {number} of an export is no prompt: {wrong!r}") from wrong
    return found


def key_of(prompt: ResolvedPrompt) -> Key:
    """What a prompt is kept under."""
    return prompt.environment, prompt.character, prompt.emotion


def read_fallback(path: Path, environment: str) -> dict[Key, ResolvedPrompt]:
    """The prompts in a fallback file of an environment; raises InvalidFallback."""
    try:
        export = json.loads(path.read_bytes())
        prompts = prompts_of(export, InvalidFallback)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidFallback(f"{path} can't be read: {error}") from error
    except InvalidFallback as error:
        raise InvalidFallback(f"{path}: {error}") from error
    if export["environment"] != environment:
        raise InvalidFallback(f"{path} is of {export['environment']!r}, not of {environment!r}")
    return {key_of(each): replace(each, stale=True, from_fallback=True) for each in prompts}
