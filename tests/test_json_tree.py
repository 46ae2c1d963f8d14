"""JSON with places: they are right, and told in one pass however large an item is."""

import json

import pytest

from prompt_repo import json_tree
from prompt_repo.json_tree import NotJson, parse
from prompt_repo.yaml_tree import Mark
from tests.transfers import refused

TEXT = '{"a": [1,\n  {"b": "x"}], \n "c": [[], {}, null]}'


def test_each_value_knows_its_place() -> None:
    """Places count from the beginning of the item, through lists and objects and after them."""
    root = parse(TEXT, 0, Mark(3, 5))

    inner = root.value["a"].value[1]
    assert (root.mark, root.end) == (Mark(3, 5), Mark(5, 22))
    assert (inner.mark, inner.end) == (Mark(4, 3), Mark(4, 13))
    assert inner.value["b"].mark == Mark(4, 9)
    assert root.value["a"].end == Mark(4, 14)
    assert root.keys is not None
    assert root.keys["c"] == Mark(5, 2)
    assert [each.mark.column for each in root.value["c"].value] == [8, 12, 16]


class Watched(str):
    """A text that counts how many of its characters are searched for line ends."""

    __slots__ = ("searched",)

    def count(self, *given: object) -> int:  # type: ignore[override]
        sub, start, end = given
        self.searched = getattr(self, "searched", 0) + end - start  # type: ignore[operator]
        return super().count(sub, start, end)  # type: ignore[arg-type]


def test_places_are_told_in_one_pass() -> None:
    """No character is searched for line ends twice, so that an item takes time as it is long."""
    text = Watched(json.dumps([{"a": [1, 2, {"b": "c"}]}] * 500))

    parse(text, 0, Mark(1, 1))

    assert text.searched <= len(text)


def test_an_item_of_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are counted as they are read, so that no file fills the memory with places."""
    monkeypatch.setattr(json_tree, "MOST", 5)
    assert len(parse("[1,2,3,4]", 0, Mark(1, 1)).value) == 4

    with pytest.raises(NotJson, match="more than the 5 values allowed"):
        parse("[1,2,3,4,5]", 0, Mark(1, 1))


def test_a_file_of_too_many_keys_is_refused() -> None:
    """What can be no export is left at once, with the line where it became clear."""
    rows = ",\n".join(f'"k{number}": 1' for number in range(1_000))

    found = refused(("{" + rows + "}").encode())

    assert found.problems[0].line == 101
    assert "more than the 100 keys allowed" in found.problems[0].message
