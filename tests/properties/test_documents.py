"""Any text comes back the same from any YAML parser; any edit keeps what it was not about."""

from dataclasses import replace
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.model import Character, Configuration, Prompt
from tests import strategies

Document = Configuration | Character | Prompt
PATH = "characters/aria/sad.yaml"


def second_parser(raw: bytes) -> Any:
    """What ruamel.yaml, in pure Python and by YAML 1.2, reads."""
    return YAML(typ="safe", pure=True).load(raw)


@given(strategies.documents)
def test_what_is_written_reads_the_same(place: tuple[str, Document]) -> None:
    """A document written as YAML and parsed is the value it was."""
    path, value = place

    raw = documents.dump(value, path)

    assert value == documents.parse(raw, path)


@given(strategies.documents)
def test_every_parser_reads_the_same(place: tuple[str, Document]) -> None:
    """PyYAML by YAML 1.1, with libyaml and without, and ruamel by YAML 1.2 agree on every file."""
    raw = documents.dump(place[1], place[0])

    by_libyaml = yaml.load(raw, Loader=yaml.CSafeLoader)
    by_python = yaml.safe_load(raw)
    by_ruamel = second_parser(raw)

    assert by_libyaml == by_python
    assert by_libyaml == by_ruamel


@given(strategies.prompts)
@example(Prompt(" leads with a blank\n\n"))
@example(Prompt("\n\n  x\n   "))
@example(Prompt("\tx \n\t\n \n"))
@example(Prompt("\ufeffx"))
@example(Prompt("x", notes="\n\n"))
@example(Prompt("x", notes="\n "))
def test_a_prompt_is_always_a_literal_block(prompt: Prompt) -> None:
    """The text stands line by line behind two blanks, whatever it holds."""
    raw = documents.dump(prompt).decode()

    head, *lines = raw.split("\n")
    text = prompt.text.removesuffix("\n").split("\n")

    assert head.startswith("prompt: |")
    assert [f"  {line}" if line else "" for line in text] == lines[: len(text)]


PAIRS = strategies.paths.flatmap(
    lambda path: st.tuples(
        st.just(path), strategies.by_path[path], strategies.by_path[path], st.booleans()
    )
)


@given(PAIRS)
def test_an_edit_of_a_canonical_file_is_canonical(
    pair: tuple[str, Document, Document, bool],
) -> None:
    """Editing what we wrote gives the same lines as writing the new value from nothing."""
    path, before, after, few = pair
    if few:  # most edits change one thing
        after = replace(before, **{"tags": after.tags} if path != "prompts.yaml" else {})

    edited = documents.edit(documents.dump(before, path), path, after)

    assert after == documents.parse(edited, path)
    assert sorted(documents.dump(after, path).split(b"\n")) == sorted(edited.split(b"\n"))


COMMENTS = ("# about the text", "", "# about the rest", "#: odd", "# trailing")


@given(strategies.prompts, strategies.prompts)
def test_an_edit_keeps_comments(before: Prompt, after: Prompt) -> None:
    """Comments between the keys of a file stay, whatever changes around them."""
    parts = documents.dump(Prompt(before.text), PATH).decode()
    raw = f"{COMMENTS[0]}\n{parts}{COMMENTS[2]}\ntags:\n- one\n{COMMENTS[4]}\n- two\n".encode()

    edited = documents.edit(raw, PATH, after)

    assert after == documents.parse(edited, PATH)
    lines = edited.decode().split("\n")
    assert COMMENTS[0] == lines[0]
    assert COMMENTS[2] in lines


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
@example(b"prompt: |-\n  x\n\x00")
@example(b"? |\n  prompt\n: x\n")
@example(b"{prompt: x}")
@example(b"--- !!map\nprompt: x")
def test_no_bytes_break_the_parser(raw: bytes) -> None:
    """Whatever stands in a file, the answer is a value or a list of problems that name the file."""
    try:
        found: object = documents.parse(raw, PATH)
    except InvalidDocument as refused:
        assert refused.problems
        assert {PATH} == {problem.path for problem in refused.problems}
    else:
        assert isinstance(found, Prompt)


YAML_PIECES = (
    *("prompt", "notes", "tags", "x", ": ", ":", "\n", "\n  ", "- ", "|", "|-", ">", "[", "]"),
    *("{", "}", ",", "'", '"', "&a ", "*a", "!!str ", "---\n", "...\n", "? ", "#c\n", "1", " "),
)


@given(st.lists(st.sampled_from(YAML_PIECES), max_size=20).map("".join))
def test_what_parses_can_be_written(text: str) -> None:
    """A file somebody wrote by hand, if it is valid, can be written by us and says the same."""
    try:
        value = documents.parse(text.encode(), PATH)
    except InvalidDocument:
        return

    assert value == documents.parse(documents.dump(value, PATH), PATH)
