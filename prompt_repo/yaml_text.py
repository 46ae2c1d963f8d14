"""Text as YAML: always a literal block for what people write, so that diffs are lines."""

import re

import yaml

from prompt_repo.errors import InvalidDocument, Problem

INDENT = "  "
UNHELD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
"""What a block scalar can't hold exactly: controls, a lone CR, NEL, LS, PS, BOM, surrogates."""


def check_text(text: str, path: str, field: str) -> list[Problem]:
    """Where `text` holds what YAML can't; line and column count within the text, from 1."""
    found = UNHELD.search(text)
    if found is None:
        return []
    at = found.start()
    code = ord(found[0])
    name = "a carriage return without a line feed" if code == 13 else f"U+{code:04X}"
    line = text.count("\n", 0, at) + 1
    message = f"line {line} of the text holds {name}, which YAML can't keep; take it out"
    return [Problem(path, message, line, at - text.rfind("\n", 0, at), field)]


def require_text(text: str, path: str, field: str) -> None:
    """Raises InvalidDocument where `text` holds what YAML can't."""
    problems = check_text(text, path, field)
    if problems:
        raise InvalidDocument(problems)


def block(key: str, text: str) -> str:
    """`key` with `text` as a literal block scalar, exactly; ends with a line feed.

    The indentation is written out where a reader would guess it wrong (the text begins with a
    blank or an empty line); `-`, nothing or `+` say how many line feeds end the text.
    """
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    chomping = "-" if ends == 0 else "" if ends == 1 and body else "+"
    indicator = str(len(INDENT)) if text[:1] in (" ", "\n", "\t") else ""
    lines = "\n".join(INDENT + line if line else "" for line in text.split("\n"))
    closing = "" if ends else "\n"
    return (
        f"{key}: |{indicator}{chomping}\n{lines.removesuffix(INDENT) if ends else lines}{closing}"
    )


def inline(value: object) -> str:
    """A short value on one line, quoted only where YAML (1.1 or 1.2) needs it."""
    text: str = yaml.dump(
        value,
        Dumper=yaml.CSafeDumper,
        allow_unicode=True,
        default_flow_style=True,
        sort_keys=False,
        width=2**31 - 1,
    )
    return text.removesuffix("\n").removesuffix("\n...")
