"""What the client makes of a server's answers: prompts, errors, and the fallback file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx


class ClientError(Exception):
    """Something the client can't give an answer for."""


class ServerAway(ClientError):
    """The server can't be reached or fails, and neither memory nor fallback knows the prompt."""


class NotFound(ClientError):
    """There is no such character, or neither an override nor a default."""


class UnknownEmotion(ClientError):
    """The emotion is not in the repository's list, which is `valid`."""

    def __init__(self, message: str, valid: tuple[str, ...]) -> None:
        self.valid = valid
        super().__init__(message)


class Refused(ClientError):
    """The token is no good, or not for this environment."""


class InvalidFallback(ClientError):
    """The fallback file can't be used; says why."""


@dataclass(frozen=True, slots=True)
class ResolvedPrompt:
    """A text ready for a video service.

    `stale` tells that the server could not be asked whether it still holds, or refused to say;
    `from_fallback` that it never could, in this process. `age` is how many seconds ago the server
    last said that it holds.
    """

    character: str
    emotion: str
    environment: str
    text: str
    source: str
    version: int
    commit: str
    stale: bool = False
    from_fallback: bool = False
    age: float = 0.0


Key = tuple[str, str, str]
"""Environment, character, emotion."""


def check_server(server: str) -> None:
    """Raises ValueError for what is no address of a server, or holds a password."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{server!r} is no address of a server, such as https://prompts.example")
    if parts.username or parts.password:
        raise ValueError("an address with a password in it ends up in logs; use `token`")


def parsed(body: bytes) -> Any:
    """The JSON of an answer; raises ServerAway for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServerAway("an answer that is no JSON") from error


def from_body(key: Key, body: Any) -> tuple[ResolvedPrompt, str]:
    """A resolved prompt and its ETag out of an answer; raises ServerAway where it is none."""
    try:
        return from_export(key[0], {**body, "character": key[1], "emotion": key[2]})
    except (KeyError, TypeError, ValueError) as error:
        raise ServerAway("an answer that is no resolved prompt") from error


def from_export(environment: str, item: Mapping[str, Any]) -> tuple[ResolvedPrompt, str]:
    """One item of an export, and its ETag; raises KeyError, TypeError, ValueError."""
    names = ("character", "emotion", "text", "source", "commit", "etag")
    values = {name: item[name] for name in names}
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError("a field is no text")
    etag: str = values.pop("etag")
    version = int(item["version"])
    return ResolvedPrompt(environment=environment, version=version, **values), etag


def refusal(status: int, body: bytes) -> ClientError:
    """The error that an answer other than 200 and 304 stands for.

    Raises ServerAway where the server fails or makes no sense.
    """
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        raise ServerAway(f"the server answered {status}")
    told = parsed(body)
    told = told if isinstance(told, dict) else {}
    said = str(told.get("detail", f"the server answered {status}"))[:500]
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Refused(said)
    if status == httpx.codes.NOT_FOUND:
        return NotFound(said)
    if isinstance(told.get("valid_emotions"), list):
        return UnknownEmotion(said, tuple(map(str, told["valid_emotions"])))
    raise ServerAway(f"an answer nobody expected: {status}, {said}")


def checked_export(export: Any, error: type[ClientError]) -> dict[str, Any]:
    """An export, if it has an environment and items; raises `error` otherwise."""
    if not isinstance(export, dict) or not isinstance(export.get("environment"), str):
        raise error("no export of prompts: `environment` is missing")
    items = export.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise error("no export of prompts: `items` is missing")
    return export


def read_fallback(path: Path) -> dict[Key, ResolvedPrompt]:
    """The prompts in a fallback file; raises InvalidFallback."""
    try:
        export = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidFallback(f"{path} can't be read: {error}") from error
    checked = checked_export(export, InvalidFallback)
    environment = checked["environment"]
    found: dict[Key, ResolvedPrompt] = {}
    for number, item in enumerate(checked["items"], 1):
        if item.get("text") is None:
            continue
        try:
            answer, _ = from_export(environment, item)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFallback(f"{path}: item {number} is no prompt: {error!r}") from error
        answer = replace(answer, stale=True, from_fallback=True)
        found[environment, answer.character, answer.emotion] = answer
    return found
