"""JSON values with a rule for each path; what no path names is made up."""

import json
import re
from collections.abc import Callable
from typing import Any

from sync.rules import Rule
from sync.values import of_number

Simple = Callable[..., Callable[[str], str]]
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
UNPAIRED = re.compile(r"[\ud800-\udfff]")
"""Half a letter, which JSON may spell and no text can hold."""
PERSONAL_KEY = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+?[\d ()./-]{7,}")


class Number(str):
    """A number in its own spelling."""

    __slots__ = ()


class Documents:
    """Fakes of JSON texts; `canonical` writes them as PostgreSQL writes jsonb."""

    def __init__(self, rule: Rule, simple: Simple, canonical: bool) -> None:
        paths = {
            _pattern(path): each
            for path, each in rule.options.items()
            if path.startswith("$") and isinstance(each, Rule)
        }
        self._rules = [
            (
                path,
                each.kind,
                None if each.kind in ("null", "constant", "json") else simple(each),
                each,
            )
            for path, each in paths.items()
        ]
        self._text, self._digits = simple(Rule("text")), simple(Rule("digits"))
        self._email = simple(Rule("email"))
        self._canonical = canonical

    def fake(self, text: str) -> str:
        """The document with other values; text that is no JSON is made up as a whole."""
        try:
            read = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)
        except (ValueError, RecursionError):
            return self._text(text)
        made = self._value(read, "$")
        return _written(made, self._canonical)

    def _value(self, value: Any, path: str) -> Any:
        ruled = self._ruled(value, path)
        if ruled is not None:
            return ruled[0]
        if isinstance(value, dict):
            return {
                self._key(key): self._value(each, f"{path}.{key}") for key, each in value.items()
            }
        if isinstance(value, list):
            return [self._value(each, f"{path}[{place}]") for place, each in enumerate(value)]
        if isinstance(value, Number):
            return Number(of_number(self._digits, value))
        return self._text(value) if isinstance(value, str) and value else value

    def _ruled(self, value: Any, path: str) -> tuple[Any] | None:
        for pattern, kind, fake, rule in self._rules:
            if pattern.fullmatch(path):
                return self._by_rule(value, kind, fake, rule)
        return None

    def _by_rule(self, value: Any, kind: str, fake: Any, rule: Rule) -> tuple[Any] | None:
        if kind == "null":
            return (None,)
        if kind == "constant":
            return (rule.options["value"],)
        if kind == "keep" or value is None or isinstance(value, bool) or value == "":
            return (value,)
        if isinstance(value, dict | list) or fake is None:
            return None
        if not isinstance(value, Number):
            return (fake(value),)
        made = of_number(fake, value) if kind == "digits" else fake(value)
        return (Number(made) if NUMBER.fullmatch(made) else made,)

    def _key(self, key: str) -> str:
        return self._email(key) if PERSONAL_KEY.fullmatch(key) else key


def _pattern(path: str) -> re.Pattern[str]:
    """`$.a[*].b` as a pattern; `*` stands for any one name or place."""
    parts = re.split(r"(\[\*\]|\.\*)", path)
    wild = {"[*]": r"\[\d+\]", ".*": r"\.[^.\[]+"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))


def _written(value: Any, canonical: bool) -> str:
    if isinstance(value, dict):
        names = (
            sorted(value, key=lambda name: (len(name.encode()), name.encode()))
            if canonical
            else value
        )
        inner = ", ".join(f"{_string(name)}: {_written(value[name], canonical)}" for name in names)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(each, canonical) for each in value) + "]"
    return str(value) if isinstance(value, Number) else _string(value)


def _string(value: Any) -> str:
    made = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if UNPAIRED.search(made) else made
