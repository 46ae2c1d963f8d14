"""Addresses written by routes that learn it late."""

import pytest
from flask import Flask
from werkzeug.routing import BuildError, Map, Rule

from tests.web import FILLED, make_app
from webapp.late_rules import LateRule

VALUES = {**FILLED, "uuid": "00000000-0000-4000-8000-000000000001"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(tmp_path_factory.mktemp("rules"))


def written(rule: Rule, unknown: bool) -> object:
    """A rule's address twice over, with a value that has no place in it."""
    values = {name: VALUES.get(name, "1") for name in rule.arguments} | {"more": "ü &"}
    return [rule.build(values, append_unknown=unknown) for _ in range(2)]


def test_every_address_is_the_one_that_werkzeug_writes(app: Flask) -> None:
    """With and without what stands in no rule; the first time and after it."""
    rules = list(app.url_map.iter_rules())
    plain = Map(converters=app.url_map.converters)
    for rule in rules:
        again = Rule(rule.rule, endpoint=rule.endpoint, methods=rule.methods)
        plain.add(again)
        for unknown in (False, True):
            assert written(again, unknown) == written(rule, unknown)

    assert len(rules) > 200
    assert {LateRule} == {type(rule) for rule in rules}


def test_a_rule_learns_it_once() -> None:
    """Then it is Werkzeug's own function that writes; what can't be written is refused as ever."""
    late = LateRule("/people/<int:number>", endpoint="person")
    known = Map([late])
    before = late._build

    first = late.build({"number": 7}, append_unknown=False)
    after = late._build

    assert first == ("", "/people/7")
    assert before.__func__.__qualname__ != after.__func__.__qualname__
    assert after == late._build
    assert "/people/8?x=1" == known.bind("localhost").build("person", {"number": 8, "x": 1})
    with pytest.raises(BuildError):
        known.bind("localhost").build("person")
