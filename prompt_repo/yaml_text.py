"""Text as YAML: always a literal block for what people write, so that diffs are lines."""

import re
from typing import Any

import yaml

from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.hidden_characters import position
from prompt_repo.yaml_tree import UNHELD, resolved

INDENT = "  "
TEXTS = frozenset({"notes", "description"})
"""Keys whose values may run over several lines; they become literal blocks then."""


def check_text(text: str, path: str, field: str) -> list[Problem]:
    """Where `text` holds what YAML can't; line and column count within the text, from 1."""
    found = UNHELD.search(text)
    if found is None:
        return []
    at = found.start()
    name = "a carriage return" if found[0] == "\r" else f"the character U+{ord(found[0]):04X}"
    line, column = position(text, at)
    message = (
        f"line {line}, column {column} of the text is {name}, which YAML can't keep; take it out"
    )
    return [Problem(path, message, line, column, field)]


def entry(key: str, value: Any, indent: str = "") -> str:
    """One key of a mapping with its value, ending with a line feed.

    `indent` is what stands before the key; the prompt and other texts of several lines become
    literal blocks at the top level only.
    """
    if not indent and (key == "prompt" or (key in TEXTS and "\n" in value)):
        return block(key, value)
    deeper = indent + INDENT
    if isinstance(value, dict):
        return f"{indent}{key}:\n" + "".join(entry(inline(k), v, deeper) for k, v in value.items())
    if key == "emotions":
        return f"{indent}{key}:\n" + "".join(f"{deeper}- {inline(each)}\n" for each in value)
    return f"{indent}{key}: {inline(value)}\n"


def block(key: str, text: str) -> str:
    """`key` with `text` as a literal block scalar, exactly; ends with a line feed.

    The indentation is written out where a reader would guess it wrong (the text begins with a
    blank or an empty line); `-`, nothing or `+` say how many line feeds end the text.
    """
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    chomping = "-" if ends == 0 else "" if ends == 1 and body else "+"
    indicator = str(len(INDENT)) if text[:1] in (" ", "\t", "\n") else ""
    lines = text.removesuffix("\n").split("\n")
    written = "".join(f"{INDENT}{line}\n" if line else "\n" for line in lines)
    return f"{key}: |{indicator}{chomping}\n{written}"


def inline(value: Any, within: bool = False) -> str:
    """A value on one line, quoted only where a reader of YAML 1.1 or 1.2 needs it.

    `within` brackets more needs quotes: a comma, for one.
    """
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{inline(k, True)}: {inline(v, True)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(inline(each, True) for each in value) + "]"
    written: str = yaml.dump([value] if within else value, Dumper=_Dumper, **_OPTIONS)
    written = written.removesuffix("\n")
    written = written[1:-1] if within else written.removesuffix("\n...")
    if written.startswith('"') and "\\U" in written and not ESCAPED.search(value):
        doubled = str(value).replace("'", "''")
        return f"'{doubled}'"  # libyaml escapes emoji, which people read
    return written


def require_text(text: str, path: str, field: str) -> None:
    """Raises InvalidDocument where `text` holds what YAML can't."""
    problems = check_text(text, path, field)
    if problems:
        raise InvalidDocument(problems)


ESCAPED = re.compile(f"{UNHELD.pattern}|[\n\t\ufeff]")
_OPTIONS: dict[str, Any] = {
    "allow_unicode": True,
    "default_flow_style": True,
    "width": 2**31 - 1,
}


class _Dumper(yaml.CSafeDumper):
    """PyYAML's, which knows YAML 1.1; strings that YAML 1.2 would read otherwise are quoted too."""


def _represent(dumper: yaml.CSafeDumper, text: str) -> yaml.Node:
    quoted = '"' if "\n" in text else None if isinstance(resolved(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)


_Dumper.add_representer(str, _represent)
