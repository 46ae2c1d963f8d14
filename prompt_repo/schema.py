"""prompts-schema.json, and what is wrong with a document in words a person can act on."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from prompt_repo.errors import Problem
from prompt_repo.layout import Kind
from prompt_repo.yaml_tree import Node

FILE = "prompts-schema.json"
MOST = 1_000  # problems told of one document
KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


@cache
def schema() -> Mapping[str, Any]:
    """prompts-schema.json, from inside an installed package or from the checkout."""
    here = Path(__file__).parent
    for folder in (here, here.parent):
        if (folder / FILE).exists():
            loaded: Mapping[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
            return loaded
    raise FileNotFoundError(f"{FILE} stands neither in the package nor beside it")


def problems(root: Node, plain: Any, kind: Kind, path: str) -> list[Problem]:
    """What the schema has against a document, in the order of the file.

    `plain` is `root.plain()`.
    """
    found = _found(_validator(kind), root, plain, path)
    if not found and kind is Kind.CONFIGURATION:
        found = _twice(root, path)
    return _in_order(found)


def against(validator: Any, root: Node, plain: Any, path: str) -> list[Problem]:
    """The same of a value and any of our schemas, as `validator_of` made one."""
    return _in_order(_found(validator, root, plain, path))


def _found(validator: Any, root: Node, plain: Any, path: str) -> list[Problem]:
    """What is wrong, as it is found; nobody reads more than so many of one document."""
    faults = (fault for error in validator.iter_errors(plain) for fault in _faults(error))
    return [_problem(root, path, fault) for fault in islice(faults, MOST)]


def validator_of(wanted: Mapping[str, Any]) -> Any:
    """What checks values by a schema, with patterns as JSON Schema means them."""
    return _Validator(wanted)


def _in_order(found: Iterable[Problem]) -> list[Problem]:
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda each: (each.line or 0, each.column or 0))


def _pattern(_: Any, wanted: str, found: Any, __: Any) -> Iterator[ValidationError]:
    """As a JSON schema means it: `$` is the very end, where Python allows a line feed after it."""
    if isinstance(found, str) and not _compiled(wanted).search(found):
        yield ValidationError(f"{found!r} does not match {wanted!r}")


def _unique(_: Any, wanted: bool, found: Any, around: Any) -> Iterator[ValidationError]:
    """As a JSON schema means it, in time that grows with the list; not of one too long anyhow."""
    looked_at = found if wanted and isinstance(found, list) else ()
    if len(looked_at) <= around.get("maxItems", len(looked_at)) and any(_repeats(looked_at)):
        yield ValidationError("something stands in this list twice")


def _repeats(found: Sequence[Any]) -> Iterator[int]:
    """Where a list says again what it said before."""
    seen = set()
    for position, each in enumerate(found):
        told = json.dumps(each, sort_keys=True, default=repr)
        if told in seen:
            yield position
        seen.add(told)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique}
)


@cache
def _validator(kind: Kind) -> Any:
    name = "prompt" if kind in (Kind.DEFAULT, Kind.OVERRIDE) else kind.value
    return _Validator({"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]})


class _Fault(NamedTuple):
    """What is wrong at the end of `steps`; `key` names a key of the mapping there."""

    steps: tuple[str | int, ...]
    message: str
    valid: tuple[str, ...] = ()
    key: str | None = None


def _problem(root: Node, path: str, fault: _Fault) -> Problem:
    """A fault with its place in the file: a scalar's own, else that of its key."""
    node, mark, field = root, root.mark, ""
    for step in fault.steps:
        key = node.keys[step] if node.keys is not None and isinstance(step, str) else None
        node = node.value[step]
        mark = key if key is not None and isinstance(node.value, dict | list) else node.mark
        field = f"{field}[{step}]" if isinstance(step, int) else f"{field}.{step}".lstrip(".")
    if fault.key is not None and node.keys is not None:
        mark, field = node.keys[fault.key], f"{field}.{fault.key[:80]}".lstrip(".")
    return Problem(path, fault.message, mark.line, mark.column, field, fault.valid)


def _faults(error: ValidationError) -> Iterator[_Fault]:
    """One error of the validator as what a person has to mend; some hold several."""
    steps = tuple(error.absolute_path)
    wanted: Any = error.validator_value
    around: Any = error.schema
    found: Any = error.instance
    if "propertyNames" in error.absolute_schema_path:
        yield _variable_name(steps, str(error.validator), around, found)
    elif error.validator == "additionalProperties":
        yield from (
            _unknown_key(steps, key, tuple(around["properties"]))
            for key in found
            if key not in around["properties"]
        )
    elif error.validator == "required":
        missing = (key for key in wanted if key not in found)
        yield from (_Fault(steps, f"the key {key!r} is missing", (key,)) for key in missing)
    elif error.validator == "uniqueItems":
        yield from _repeated(steps, found)
    else:
        sentence = SENTENCES.get(str(error.validator))
        message, valid = sentence(wanted, found, around) if sentence else (error.message[:300], ())
        yield _Fault(steps, message, tuple(valid))


def _unknown_key(steps: tuple[str | int, ...], key: str, allowed: tuple[str, ...]) -> _Fault:
    near = get_close_matches(key[:80], allowed, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    message = f"unknown key {key[:80]!r}; {hint}allowed are {', '.join(allowed)}"
    return _Fault(steps, message, allowed, key)


def _variable_name(steps: tuple[str | int, ...], rule: str, around: Any, name: str) -> _Fault:
    if rule == "not":
        return _Fault(steps, f"{{{name}}} is always there and can't be set", (), name)
    return _Fault(
        steps,
        f"{name[:80]!r} can't name a variable; {around['description']}",
        (around["pattern"],),
        name,
    )


def _repeated(steps: tuple[str | int, ...], found: Sequence[Any]) -> Iterator[_Fault]:
    for position in _repeats(found):
        said = f"{found[position]!r}"[:100]
        yield _Fault((*steps, position), f"{said} stands in this list already")


def _twice(root: Node, path: str) -> list[Problem]:
    """What a JSON schema can't say: an emotion's id stands once."""
    lines: dict[str, int] = {}
    found = []
    for number, node in enumerate(root.value["emotions"].value):
        ident = node.value["id"]
        if ident.value in lines:
            place = f"in line {lines[ident.value]}"
            message = f"the emotion {ident.value!r} stands in this list already, {place}"
            found.append(_problem(root, path, _Fault(("emotions", number, "id"), message)))
        lines.setdefault(ident.value, ident.mark.line)
    return found


Sentence = Callable[[Any, Any, Any], tuple[str, Sequence[str]]]


def _type(wanted: Any, found: Any, _: Any) -> tuple[str, Sequence[str]]:
    kinds = [KINDS.get(each, each) for each in ([wanted] if isinstance(wanted, str) else wanted)]
    quote = "string" in wanted and isinstance(found, int | float)
    hint = "; put it in quotes" if quote else ""
    return f"this must be {' or '.join(kinds)}, not {_kind_of(found)}{hint}", kinds


def _kind_of(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    kinds = {dict: "a mapping", list: "a list", str: "text", int: "a number", float: "a number"}
    return kinds[type(value)]


def _matching(wanted: Any, found: Any, around: Any) -> tuple[str, Sequence[str]]:
    if not found.strip():
        return "this is empty; write at least one visible character", ()
    return f"{found[:80]!r} is not allowed here; {around['description']}", (wanted,)


def _counted(limit: str, unit: str) -> Sentence:
    def sentence(wanted: Any, found: Any, _: Any) -> tuple[str, Sequence[str]]:
        return f"this has {len(found):,} {unit}, at {limit} {wanted:,} are allowed", ()

    return sentence


SENTENCES: Mapping[str, Sentence] = {
    "type": _type,
    "pattern": _matching,
    "const": lambda wanted, *_: (f"this must be {wanted!r}", (str(wanted),)),
    "not": lambda _, found, __: (f"{found!r} is reserved; choose another name", ()),
    "maxLength": _counted("most", "characters"),
    "maxItems": _counted("most", "items"),
    "minItems": _counted("least", "items"),
    "maxProperties": _counted("most", "keys"),
    "minimum": lambda wanted, *_: (f"this must be {wanted:,} or more", ()),
    "maximum": lambda wanted, *_: (f"this must be {wanted:,} or less", ()),
}
