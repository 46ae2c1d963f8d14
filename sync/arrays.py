"""PostgreSQL's arrays as text: taken apart, and put together as PostgreSQL itself writes them."""

import re
from collections.abc import Callable

BARE = re.compile(r'[^\s{}",\\]+')


def each_element(fake: Callable[[str], str]) -> Callable[[str], str]:
    """A function that makes each element of an array's text, at any depth, into another one."""

    def of(text: str) -> str:
        bounds, equals, body = text.rpartition("=") if text.startswith("[") else ("", "", text)
        made, end = _list(body, 0, fake)
        if end != len(body):
            raise ValueError(f"this is no array: {text[:40]!r}")
        return bounds + equals + made

    return of


def _list(text: str, at: int, fake: Callable[[str], str]) -> tuple[str, int]:
    parts: list[str] = []
    at += 1
    while text[at] != "}":
        if text[at] == ",":
            at += 1
        elif text[at] == "{":
            part, at = _list(text, at, fake)
            parts.append(part)
        elif text[at] == '"':
            element, at = _quoted(text, at + 1)
            parts.append(_written(fake(element)))
        else:
            end = at
            while text[end] not in ",}":
                end += 1
            element = text[at:end]
            parts.append(element if element.upper() == "NULL" else _written(fake(element)))
            at = end
    return "{" + ",".join(parts) + "}", at + 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    made = []
    while text[at] != '"':
        if text[at] == "\\":
            at += 1
        made.append(text[at])
        at += 1
    return "".join(made), at + 1


def _written(element: str) -> str:
    if BARE.fullmatch(element) and element.upper() != "NULL":
        return element
    escaped = element.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
