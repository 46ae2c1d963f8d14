"""Checking a whole tree, as `validate` and the check of a push do."""

import pytest

from prompt_repo import documents
from prompt_repo.model import Character, Limits, Prompt
from prompt_repo.validation import Finding, Severity, check_tree
from tests.factories import EMOTIONS, configuration

ARIA = "characters/aria/character.yaml"


def tree(**files: str) -> dict[str, bytes]:
    """A sound tree with aria in it, and files whose `__` stand for slashes."""
    sound = {
        "prompts.yaml": documents.dump(configuration(light="warm light")),
        ARIA: documents.dump(Character("aria", "Aria", variables={"coat": "a green coat"})),
    }
    given = {f"{name.replace('__', '/')}.yaml": text.encode() for name, text in files.items()}
    return sound | given


def told(files: dict[str, bytes], *, strict: bool = False) -> list[str]:
    """Findings as lines."""
    return [f"{each.severity} {each.problem}" for each in check_tree(files.items(), strict=strict)]


def only(files: dict[str, bytes]) -> Finding:
    """The one finding about a tree."""
    (finding,) = check_tree(files.items())
    return finding


def test_a_sound_tree_has_nothing_wrong() -> None:
    """Variables of all three sources are known."""
    files = tree(
        characters__aria__idle="prompt: '{character_name} in {coat}, {light}, {emotion}'",
        defaults__idle="prompt: '{character_id} waits, {light}'",
    )

    assert [] == told(files, strict=True)


@pytest.mark.parametrize(
    "path", ["README.md", "defaults/Idle.yaml", "characters/aria/a/b.yaml", "defaults/idle.yml"]
)
def test_what_is_no_document_is_an_error(path: str) -> None:
    """The message says what may stand in a repository."""
    finding = only({**tree(), path: b""})

    assert (path, Severity.ERROR) == (finding.problem.path, finding.severity)
    assert "characters/<id>/<emotion>.yaml" in finding.problem.message


def test_a_tree_needs_its_configuration() -> None:
    """Without it nothing can be said of emotions, so that is all that is said."""
    files = tree(characters__aria__bored="prompt: x")
    del files["prompts.yaml"]

    assert "prompts.yaml" == only(files).problem.path


def test_a_broken_configuration_is_told_once() -> None:
    """Emotions aren't held against a list that can't be read."""
    files = {**tree(characters__aria__bored="prompt: x"), "prompts.yaml": b"format: 2\n"}

    assert {"prompts.yaml"} == {each.problem.path for each in check_tree(files.items())}


def test_an_emotion_that_is_not_in_the_list_carries_the_list() -> None:
    """In a default as in an override."""
    finding = only(tree(characters__aria__bored="prompt: x"))

    assert tuple(each.id for each in EMOTIONS) == finding.problem.valid
    assert "'bored' is not an emotion here; valid are idle, happy, angry" in str(finding.problem)
    assert told(tree(defaults__bored="prompt: x"))


def test_an_override_needs_its_character() -> None:
    """One error a character, however many overrides there are."""
    files = tree(characters__bolt__idle="prompt: x", characters__bolt__angry="prompt: y")

    assert "characters/bolt/character.yaml is missing" in only(files).problem.message


def test_a_character_whose_file_is_broken_is_not_missing() -> None:
    """Only what is wrong with the file is told."""
    files = tree(characters__aria__idle="prompt: x")
    files[ARIA] = b"name: 5\n"

    assert ARIA == only(files).problem.path


def test_a_schema_error_names_line_column_and_field() -> None:
    """As `path:line:column: field: message`."""
    (line,) = told(tree(defaults__idle="prompt: x\nnotes: 5\n"))

    assert line.startswith("error defaults/idle.yaml:2:8: notes: ")


def test_limits_are_held() -> None:
    """Those of this repository's configuration."""
    small = documents.dump(configuration().__class__(EMOTIONS, limits=Limits(prompt_bytes=10)))
    files = {**tree(defaults__idle="prompt: eleven char"), "prompts.yaml": small}

    assert "11 bytes" in only(files).problem.message


def test_an_unknown_variable_is_a_warning_and_strict_makes_it_an_error() -> None:
    """Real prompts are full of braces."""
    files = tree(characters__aria__idle="prompt: '{cote} {\"json\": 1} {}'")

    assert Severity.WARNING is only(files).severity
    assert "{cote} is no variable here" == only(files).problem.message
    assert told(files, strict=True)[0].startswith("error ")


def test_the_place_of_a_variable_in_a_literal_block() -> None:
    """Line and column of the file, below a comment and within indentation."""
    finding = only(tree(defaults__idle="# Why.\nprompt: |-\n    First.\n\n    Then {cote}.\n"))

    assert (5, 10) == (finding.problem.line, finding.problem.column)


def test_the_place_of_a_variable_in_a_block_that_begins_with_blanks() -> None:
    """What documents.dump writes for such a text."""
    raw = documents.dump(Prompt("  {cote}\n\n")).decode()
    line = raw.split("\n").index("    {cote}") + 1

    problem = only(tree(defaults__idle=raw)).problem

    assert (line, 5) == (problem.line, problem.column)


def test_the_place_of_a_variable_in_a_file_with_crlf() -> None:
    """A carriage return at the end of a line moves nothing."""
    problem = only(tree(defaults__idle="prompt: |-\r\n  A\r\n  {cote}\r\n")).problem

    assert (3, 3) == (problem.line, problem.column)


def test_the_place_of_a_variable_in_a_quoted_text() -> None:
    """Where the value begins, as escapes move what follows."""
    problem = only(tree(defaults__idle='prompt: "x\\n {cote}"')).problem

    assert (1, 9) == (problem.line, problem.column)


def test_a_default_may_use_what_all_who_need_it_have() -> None:
    """Here only aria, who has a coat."""
    files = tree(defaults__idle="prompt: '{coat}'")

    assert [] == told(files)


def test_a_default_names_who_lacks_a_variable() -> None:
    """Those with an override of their own and the archived don't count."""
    files = tree(
        defaults__idle="prompt: '{coat}'",
        characters__bolt__character="name: Bolt",
        characters__cleo__character="name: Cleo\narchived: true",
        characters__dan__character="name: Dan",
        characters__dan__idle="prompt: x",
    )

    assert "{coat} is no variable of bolt" == only(files).problem.message


def test_many_who_lack_a_variable_are_counted() -> None:
    """Three are named."""
    files = tree(defaults__idle="prompt: '{coat}'")
    for name in "bcdef":
        files[f"characters/{name}/character.yaml"] = b"name: X"

    assert "{coat} is no variable of b, c, d and 2 more" == only(files).problem.message


def test_findings_are_ordered_by_place() -> None:
    """Whatever the order of the files."""
    files = tree(defaults__idle="prompt: |-\n  {b} {a}\n  {c}\n", defaults__angry="prompt: ''")

    paths = [each.problem.path for each in check_tree(reversed(files.items()))]
    words = [each.problem.message[:3] for each in check_tree(reversed(files.items()))][1:]

    assert ["defaults/angry.yaml", *["defaults/idle.yaml"] * 3] == paths
    assert ["{b}", "{a}", "{c}"] == words
