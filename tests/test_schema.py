"""prompts-schema.json itself: sound, documented, and true of what we write."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prompt_repo import schema
from prompt_repo.layout import ID
from prompt_repo.model import Character, Configuration, Emotion, Limits, Prompt
from prompt_repo.variables import BUILT_IN
from prompt_repo.yaml_tree import DEPTH

TOP = Path(__file__).parent.parent / schema.FILE
DOCUMENTS = ("prompt", "character", "configuration")


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema within a schema."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


def defs() -> dict[str, Any]:
    """The named parts of the schema."""
    found: dict[str, Any] = schema.schema()["$defs"]
    return found


def test_the_schema_is_sound() -> None:
    """It is a JSON schema of draft 2020-12, and the one at the top of the checkout."""
    Draft202012Validator.check_schema(schema.schema())

    assert json.loads(TOP.read_text()) == schema.schema()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_is_described(name: str) -> None:
    """An editor finds a title, a description and a valid example of each document."""
    part = defs()[name]

    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": defs()})

    assert part["title"]
    assert part["description"]
    for example in part["examples"]:
        validator.validate(example)
        Draft202012Validator(schema.schema()).validate(example)


def test_every_key_is_described() -> None:
    """Each key has a title, or a part of its own that has one."""
    keys = {
        key: part
        for each in parts(schema.schema())
        for key, part in (
            each["properties"].items()
            if "additionalProperties" in each and "properties" in each
            else ()
        )
    }

    bare = [key for key, part in keys.items() if "title" not in part and "$ref" not in part]

    assert [] == bare


def test_patterns_say_what_they_mean() -> None:
    """Whatever has a pattern that isn't just `\\S` says in words what is allowed."""
    bare = [
        each["pattern"]
        for each in parts(defs())
        if isinstance(each.get("pattern"), str)
        and each["pattern"] != "\\S"
        and "description" not in each
    ]

    assert [] == bare


def test_the_schema_and_the_code_agree() -> None:
    """Ids, built-in variables, keys and usual limits are the same in the schema and the values."""
    emotion = defs()["emotion"]["properties"]
    limits = defs()["configuration"]["properties"]["limits"]["properties"]
    usual = Limits()

    assert f"^{ID.pattern}$" == emotion["id"]["pattern"]
    assert list(BUILT_IN) == defs()["variables"]["propertyNames"]["not"]["enum"]
    assert set(Emotion.__slots__) == set(emotion)
    assert {"text", *defs()["prompt"]["properties"]} - {"prompt"} == set(Prompt.__slots__)
    assert {"id", *defs()["character"]["properties"]} == set(Character.__slots__)
    assert set(Configuration.__dataclass_fields__) == set(defs()["configuration"]["properties"])
    assert {name: part["default"] for name, part in limits.items()} == {
        name: getattr(usual, name) for name in Limits.__slots__
    }


def test_the_schema_is_shallower_than_the_parser_allows() -> None:
    """No valid document is refused for its depth: a configuration is four deep."""
    assert DEPTH > 4


def test_the_modeline_names_a_part_that_is_there() -> None:
    """The line that the schema tells people to write points at one of its parts."""
    (pointer,) = re.findall(r"\$schema=\S+#(\S+)", schema.schema()["description"])

    assert pointer.removeprefix("/$defs/") in defs()
