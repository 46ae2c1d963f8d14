"""Documents: what is read, what is refused and where, and what an edit leaves alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.model import Character, Configuration, Emotion, Limits, Prompt
from tests.conftest import Git
from tests.strategies import real_prompts

PROMPT = "characters/aria/angry.yaml"
CHARACTER = "characters/aria/character.yaml"
CONFIGURATION = "prompts.yaml"

ANGRY = b"""\
prompt: |-
  {character_name} clenches her jaw; {emotion}, but holding it in.
  Slow push-in, warm key light, 24 fps.
notes: Softer since the March reviews.
tags: [close-up]
"""
ARIA = b"""\
name: Aria Vale
description: |-
  Ship's navigator.
  Dry humour.
variables:
  wardrobe: a long green coat
  'no': 'yes'
tags: [lead]
archived: true
"""
SHARED = b"""\
format: 1
emotions:
  - {id: idle, label: Idle, colour: '#64748b'}
  - {id: angry, label: Angry, colour: '#dc2626'}
variables:
  frame: Vertical 9:16, 24 fps
limits:
  prompt_bytes: 20000
"""


def problems(raw: bytes, path: str) -> tuple[Problem, ...]:
    """What `parse` has against a file."""
    with pytest.raises(InvalidDocument) as caught:
        documents.parse(raw, path)
    return caught.value.problems


def test_a_prompt_is_read() -> None:
    """A prompt file gives its text, notes and tags."""
    value = documents.parse(ANGRY, PROMPT)

    text = (
        "{character_name} clenches her jaw; {emotion}, but holding it in.\n"
        "Slow push-in, warm key light, 24 fps."
    )
    assert Prompt(text, "Softer since the March reviews.", ("close-up",)) == value


def test_a_character_is_read() -> None:
    """A character's id is its folder's name; words that YAML 1.1 took for booleans are texts."""
    value = documents.parse(ARIA, CHARACTER)

    variables = {"wardrobe": "a long green coat", "no": "yes"}
    description = "Ship's navigator.\nDry humour."
    assert Character("aria", "Aria Vale", description, variables, ("lead",), True) == value


def test_the_configuration_is_read() -> None:
    """prompts.yaml gives the emotions in order, shared variables, and limits with their usuals."""
    value = documents.parse(SHARED, CONFIGURATION)

    emotions = (Emotion("idle", "Idle", "#64748b"), Emotion("angry", "Angry", "#dc2626"))
    limits = Limits(prompt_bytes=20_000)
    assert Configuration(emotions, {"frame": "Vertical 9:16, 24 fps"}, limits) == value


@pytest.mark.parametrize(
    ("raw", "path"), [(ANGRY, PROMPT), (ARIA, CHARACTER), (SHARED, CONFIGURATION)]
)
def test_our_own_form_is_the_documented_one(raw: bytes, path: str) -> None:
    """Writing what was read gives the file as the documentation shows it."""
    assert raw == documents.dump(documents.parse(raw, path), path)


WRONG = {
    "no text": (b"notes: x\n", PROMPT, 1, 1, "", "the key 'prompt' is missing"),
    "empty text": (b"prompt:\n", PROMPT, 1, 8, "prompt", "this must be text, not empty"),
    "blank text": (b"prompt: ' '\n", PROMPT, 1, 9, "prompt", "at least one visible character"),
    "a number": (b"prompt: 12\n", PROMPT, 1, 9, "prompt", "not a number; put it in quotes"),
    "hexadecimal": (b"prompt: 0x1F\n", PROMPT, 1, 9, "prompt", "not a number"),
    "infinity": (b"prompt: -.inf\n", PROMPT, 1, 9, "prompt", "not a number"),
    "a truth": (b"prompt: true\n", PROMPT, 1, 9, "prompt", "not true or false"),
    "a list": (b"notes: x\nprompt:\n- x\n", PROMPT, 2, 1, "prompt", "text, not a list"),
    "a mapping": (b"prompt: {a: b}\n", PROMPT, 1, 1, "prompt", "this must be text, not a mapping"),
    "a typo": (b"prompt: x\nnote: y\n", PROMPT, 2, 1, "note", "did you mean 'notes'?"),
    "a foreign key": (b"prompt: x\nzzz: y\n", PROMPT, 2, 1, "zzz", "allowed are prompt, notes"),
    "tags as text": (b"prompt: x\ntags: a\n", PROMPT, 2, 7, "tags", "must be a list, not text"),
    "a tag twice": (b"prompt: x\ntags: [a, b, a]\n", PROMPT, 2, 14, "tags[2]", "'a' stands in"),
    "a tag with blanks": (b"prompt: x\ntags:\n- ' a'\n", PROMPT, 3, 3, "tags[0]", "without blanks"),
    "a tag that ends a line": (b'prompt: x\ntags: ["a\\n"]\n', PROMPT, 2, 8, "tags[0]", "one line"),
    "a nested list": (b"prompt: x\ntags:\n  - [a]\n", PROMPT, 3, 5, "tags[0]", "text, not a list"),
    "not a mapping": (b"just words\n", PROMPT, 1, 1, "", "this must be a mapping, not text"),
    "nothing": (b"", PROMPT, 1, 1, "", "the file is empty"),
    "only a comment": (b"# x\n", PROMPT, 1, 1, "", "the file is empty"),
    "a key twice": (b"prompt: x\nprompt: y\n", PROMPT, 2, 1, "", "already, in line 1"),
    "a nested key twice": (b"name: A\nvariables: {a: b, a: c}\n", CHARACTER, 2, 19, "", "already"),
    "a number as a key": (b"1: x\n", PROMPT, 1, 1, "", "a key must be text"),
    "a list as a key": (b"? [a]\n: x\n", PROMPT, 1, 3, "", "a key must be text"),
    "an anchor": (b"prompt: &a x\n", PROMPT, 1, 9, "", "anchors (&name) are not allowed"),
    "an anchor on a mapping": (b"&a {prompt: x}\n", PROMPT, 1, 1, "", "anchors"),
    "an alias": (b"prompt: x\nnotes: *a\n", PROMPT, 2, 8, "", "aliases (*name)"),
    "a merge key": (b"<<: {prompt: x}\n", PROMPT, 1, 1, "", "merge keys (<<)"),
    "a tag": (b"prompt: !!str x\n", PROMPT, 1, 9, "", "tags (!name)"),
    "a tag on a list": (b"tags: !x [a]\n", PROMPT, 1, 7, "", "tags (!name)"),
    "a Python object": (b"prompt: !!python/object:os.system x\n", PROMPT, 1, 9, "", "tags (!name)"),
    "two documents": (b"prompt: x\n---\nprompt: y\n", PROMPT, 2, 1, "", "a second document"),
    "no YAML": (b"prompt: x\n y: z\n", PROMPT, 2, 3, "", "this is not YAML: mapping values"),
    "an open quote": (b"prompt: 'x\n", PROMPT, 2, 1, "", "this is not YAML"),
    "a tab for indentation": (b"prompt: x\ntags:\n\t- a\n", PROMPT, 3, 1, "", "this is not YAML"),
    "an open list": (b"tags: [a\n", PROMPT, 2, 1, "", "this is not YAML"),
    "an unknown escape": (b'prompt: "\\q"\n', PROMPT, 1, 10, "", "this is not YAML"),
    "half an emoji": (b'prompt: "\\ud83d"\n', PROMPT, 1, 12, "", "this is not YAML"),
    "latin 1": (b"prompt: x\nnotes: caf\xe9\n", PROMPT, 2, 11, "", "byte 21 of the file (0xe9)"),
    "latin 1 after umlauts": ("notes: ö".encode() + b"\xe9", PROMPT, 1, 9, "", "byte 10 of"),
    "UTF-16": ("prompt: x".encode("utf-16"), PROMPT, 1, 1, "", "byte 1 of the file (0xff)"),
    "a NUL": (b"prompt: x\0\n", PROMPT, 1, 10, "", "(U+0000) is not allowed"),
    "a bell": (b"prompt: |-\n  x\n  y\a\n", PROMPT, 3, 4, "", "(U+0007) is not allowed"),
    "a next line": ("prompt: |-\n  x\u0085y\n".encode(), PROMPT, 2, 4, "", "(U+0085)"),
    "a line separator": ("prompt: x\u2028y\n".encode(), PROMPT, 1, 10, "", "(U+2028)"),
    "a lone carriage return": (b"prompt: x\ry\n", PROMPT, 1, 10, "", "a carriage return within"),
    "an escaped bell": (b'prompt: "x\\a"\n', PROMPT, 1, 9, "", "holds U+0007"),
    "an escaped carriage return": (b'prompt: "x\\r\\n"\n', PROMPT, 1, 9, "", "holds U+000D"),
    "no name": (b"description: x\n", CHARACTER, 1, 1, "", "the key 'name' is missing"),
    "a prompt's key": (b"name: A\nprompt: x\n", CHARACTER, 2, 1, "prompt", "unknown key 'prompt'"),
    "archived as text": (b"name: A\narchived: no\n", CHARACTER, 2, 11, "archived", "true or false"),
    "a long name": (b"name: " + b"A" * 201, CHARACTER, 1, 7, "name", "has 201 characters, at most"),
    "a variable's name": (
        *(b"name: A\nvariables:\n  Lens: x\n", CHARACTER, 3, 3, "variables.Lens"),
        "'Lens' can't name a variable; use 1 to 64 of a-z",
    ),
    "a built-in variable": (
        *(b"name: A\nvariables:\n  emotion: x\n", CHARACTER, 3, 3, "variables.emotion"),
        "{emotion} is always there and can't be set",
    ),
    "a variable's value": (
        *(b"name: A\nvariables:\n  lens: 50\n", CHARACTER, 3, 9, "variables.lens"),
        "this must be text, not a number",
    ),
    "format 2": (SHARED.replace(b"1", b"2", 1), CONFIGURATION, 1, 9, "format", "this must be 1"),
    "no emotions": (
        *(b"format: 1\nemotions: []\n", CONFIGURATION, 2, 1, "emotions"),
        "this has 0 items, at least 1 are allowed",
    ),
    "an emotion without a label": (
        *(b"format: 1\nemotions:\n  - {id: a, colour: '#000000'}\n", CONFIGURATION, 3, 5),
        *("emotions[0]", "the key 'label' is missing"),
    ),
    "an emotion's colour": (
        *(SHARED.replace(b"#dc2626", b"#DC2626"), CONFIGURATION, 4, 39, "emotions[1].colour"),
        "'#DC2626' is not allowed here; write it as #rrggbb",
    ),
    "a colour with a line feed": (
        *(SHARED.replace(b"'#dc2626'", b'"#dc2626\\n"'), CONFIGURATION, 4, 39),
        *("emotions[1].colour", "write it as #rrggbb"),
    ),
    "an emotion's id": (
        *(SHARED.replace(b"idle", b"../x"), CONFIGURATION, 3, 10, "emotions[0].id"),
        "'../x' is not allowed here; use 1 to 64 of a-z",
    ),
    "an id with a line feed": (
        *(SHARED.replace(b"idle", b'"idle\\n"'), CONFIGURATION, 3, 10, "emotions[0].id"),
        "is not allowed here; use 1 to 64 of a-z",
    ),
    "an emotion named character": (
        *(SHARED.replace(b"idle", b"character"), CONFIGURATION, 3, 10, "emotions[0].id"),
        "'character' is reserved",
    ),
    "an emotion twice": (
        *(SHARED.replace(b"angry", b"idle"), CONFIGURATION, 4, 10, "emotions[1].id"),
        "the emotion 'idle' stands in this list already, in line 3",
    ),
    "a limit too high": (
        *(SHARED.replace(b"20000", b"99999999"), CONFIGURATION, 8, 17, "limits.prompt_bytes"),
        "this must be 4,194,304 or less",
    ),
    "a limit too low": (
        *(SHARED.replace(b"20000", b"0"), CONFIGURATION, 8, 17, "limits.prompt_bytes"),
        "this must be 1 or more",
    ),
    "a limit as text": (
        *(SHARED.replace(b"20000", b"20k"), CONFIGURATION, 8, 17, "limits.prompt_bytes"),
        "this must be a whole number, not text",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_its_place(name: str) -> None:
    """Each thing wrong names file, line, column and field, and says what is allowed."""
    raw, path, line, column, field, message = WRONG[name]

    (problem,) = problems(raw, path)

    assert (path, line, column, field) == (
        problem.path,
        problem.line,
        problem.column,
        problem.field,
    )
    assert message in problem.message


def test_every_problem_is_told() -> None:
    """All that is wrong in a file is told at once, each thing once, in the order of the file."""
    raw = b"format: 2\nemotion: x\nlimits:\n  tags: -1\n"

    found = [
        (problem.line, problem.field, problem.valid) for problem in problems(raw, CONFIGURATION)
    ]

    allowed = ("format", "emotions", "variables", "limits")
    assert [
        (1, "", ("emotions",)),
        (1, "format", ("1",)),
        (2, "emotion", allowed),
        (4, "limits.tags", ()),
    ] == found


def test_a_problem_reads_like_a_compilers() -> None:
    """As text, a problem is path, line, column, field and sentence."""
    (problem,) = problems(b"prompt: x\ntags: a\n", PROMPT)

    assert f"{PROMPT}:2:7: tags: this must be a list, not text" == str(problem)


@pytest.mark.parametrize("path", ["README.md", "defaults/../x.yaml", "characters/a/b/c.yaml", ""])
def test_a_foreign_path_holds_no_document(path: str) -> None:
    """Where no document of ours may stand, none is read."""
    (problem,) = problems(b"prompt: x\n", path)

    assert "no document of a prompt repository stands here" in problem.message


BOMBS = {
    "a billion laughs": b"a: &a [" + b"x," * 9 + b"]\nb: &b [" + b"*a," * 9 + b"]\n",
    "deep lists": b"[" * 100_000,
    "deep mappings": b"{a: " * 100_000,
    "deep dashes": b"- " * 100_000,
    "deep keys": b"? " * 100_000,
    "deep blocks": b"".join(b" " * depth + b"a:\n" for depth in range(1000)),
    "many values": b"tags: [" + b"x," * 2_000_000 + b"]",
    "many keys": b"".join(b"k%d: 1\n" % number for number in range(300_000)),
    "many lines": b"emotions:\n" + b"- 1\n" * 1_000_000,
    "fifty megabytes": b"a" * 50_000_000,
    "a number of a million digits": b"tags: " + b"9" * 1_000_000,
    "many open brackets in flow": b"{" * 100_000,
}


@pytest.mark.parametrize("path", [PROMPT, CONFIGURATION])
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.timeout(10)
def test_a_bomb_is_refused(name: str, path: str) -> None:
    """What would eat memory, stack or time is a problem like any other, and soon."""
    found = problems(BOMBS[name], path)

    assert len(found) <= documents.PROBLEMS_SHOWN


def test_a_byte_order_mark_is_no_part_of_a_file() -> None:
    """A file that an editor began with a BOM reads as without it."""
    assert Prompt("x") == documents.parse(b"\xef\xbb\xbfprompt: x\n", PROMPT)


def test_a_file_with_crlf_is_read_with_lf() -> None:
    """A file that was checked out with CRLF says the same."""
    assert documents.parse(ANGRY, PROMPT) == documents.parse(ANGRY.replace(b"\n", b"\r\n"), PROMPT)


def test_normalise_changes_crlf_alone() -> None:
    """CRLF becomes LF; other blanks, feeds and returns stay as they are."""
    assert "a\nb\n\n \t\rc\n " == documents.normalise("a\r\nb\n\r\n \t\rc\r\n ")


CONTROLS = "\0\x01\x08\x0b\x0c\r\x0e\x1f\x7f\x80\x85\x9f\u2028\u2029\ufffe\uffff\ud800\udfff"


@pytest.mark.parametrize("character", CONTROLS, ids=lambda each: f"U+{ord(each):04X}")
def test_what_yaml_cannot_hold_is_refused_with_its_place(character: str) -> None:
    """Line and column of such a character count within the text."""
    prompt = Prompt(f"one\ntwo é{character} three")

    with pytest.raises(InvalidDocument) as caught:
        documents.dump(prompt, PROMPT)

    (problem,) = caught.value.problems
    assert (PROMPT, "prompt", 2, 6) == (problem.path, problem.field, problem.line, problem.column)
    assert caught.value.problems == tuple(documents.check_prompt(prompt, Limits(), PROMPT))


def test_a_control_character_in_any_text_is_refused() -> None:
    """Names, variables and tags are held to what YAML can hold, like prompts."""
    for value in (
        Character("aria", "A\0"),
        Character("aria", "A", variables={"lens": "\x07"}),
        Prompt("x", tags=("\x1b",)),
    ):
        with pytest.raises(InvalidDocument, match="YAML can't keep"):
            documents.dump(value)


def test_what_breaks_the_schema_is_not_written() -> None:
    """A value that could not be read again is refused before it is written."""
    for value in (
        Prompt(" \n"),
        Character("aria", ""),
        Character("aria", "A", variables={"emotion": "x"}),
        Configuration(()),
        Prompt("x", tags=("a", "a")),
    ):
        with pytest.raises(InvalidDocument):
            documents.dump(value)


def test_limits_are_told_with_their_setting() -> None:
    """A text over the limit is refused with both sizes and where the limit stands."""
    prompt = Prompt("é" * 6, "n" * 4, ("a", "b"))
    limits = Limits(prompt_bytes=10, notes_bytes=3, tags=1)

    found = documents.check_prompt(prompt, limits, PROMPT)

    assert ["prompt", "notes", "tags"] == [problem.field for problem in found]
    assert (
        "the text has 12 bytes, 10 are allowed (limits.prompt_bytes in prompts.yaml)"
        == found[0].message
    )
    assert [] == documents.check_prompt(prompt, Limits(12, 4, 2), PROMPT)


@pytest.mark.parametrize("text", ["", " ", "\n\t \n", "\u00a0\u3000"])
def test_a_text_needs_something_to_see(text: str) -> None:
    """A prompt of blanks alone is refused."""
    (problem,) = documents.check_prompt(Prompt(text), Limits(), PROMPT)

    assert "at least one visible character" in problem.message


def test_the_longest_prompt_of_all_fits() -> None:
    """The highest limit a repository can set holds for a text whose lines are shortest."""
    limits = Limits(prompt_bytes=4_194_304)
    prompt = Prompt("a\n" * (limits.prompt_bytes // 2))

    raw = documents.dump(prompt)

    assert [] == documents.check_prompt(prompt, limits, PROMPT)
    assert prompt == documents.parse(raw, PROMPT)


def test_every_real_prompt_survives(shared_data: Path) -> None:
    """Each real prompt reads the same from our parser, PyYAML and ruamel, always in a block."""
    texts = {name: documents.normalise(text) for name, text in real_prompts(shared_data).items()}

    written = {name: documents.dump(Prompt(text)) for name, text in texts.items()}

    assert 113 == len(written)
    for name, raw in written.items():
        assert raw.startswith(b"prompt: |"), name
        value = documents.parse(raw, PROMPT)
        assert isinstance(value, Prompt)
        assert texts[name] == value.text, name
        assert texts[name] == yaml.safe_load(raw)["prompt"], name
        assert texts[name] == YAML(typ="safe", pure=True).load(raw)["prompt"], name


def test_every_real_prompt_survives_git(shared_data: Path, tmp_path: Path, git: Git) -> None:
    """Saved, committed and read by `git show`, each real prompt is what it was."""
    texts = {name: documents.normalise(text) for name, text in real_prompts(shared_data).items()}
    git(tmp_path, "init", "-q")
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_bytes(documents.dump(Prompt(text)))

    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Real prompts")
    shown = {name: git(tmp_path, "show", f"HEAD:{name}.yaml").encode() for name in texts}

    assert {name: Prompt(text) for name, text in texts.items()} == {
        name: documents.parse(raw, PROMPT) for name, raw in shown.items()
    }


def test_an_edit_of_one_word_is_one_line_of_git_diff(
    shared_data: Path, tmp_path: Path, git: Git
) -> None:
    """Changing one word of each real prompt changes one line of each file."""
    texts = {name: documents.normalise(text) for name, text in real_prompts(shared_data).items()}
    files = {name: tmp_path / f"{name}.yaml" for name in texts}
    git(tmp_path, "init", "-q")
    for name, file in files.items():
        file.write_bytes(documents.dump(Prompt(texts[name], "Notes", ("a",))))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Before")

    for name, file in files.items():
        word = texts[name].split()[-1]
        head, _, tail = texts[name].rpartition(word)
        after = Prompt(f"{head}changed{tail}", "Notes", ("a",))
        file.write_bytes(documents.edit(file.read_bytes(), PROMPT, after))
    numbers = [line.split("\t")[:2] for line in git(tmp_path, "diff", "--numstat").splitlines()]

    assert [["1", "1"]] * len(texts) == numbers


BY_HAND = b"""\
# yaml-language-server: $schema=../../prompts-schema.json#/$defs/prompt
tags:            # where it shows
  - close-up
  # not yet: night
  - warm
notes: short  # why
# The words themselves.

prompt: |-   # keep it under 40 words
  Old words,
    indented

# The end.
"""
HELD = Prompt("Old words,\n  indented", "short", ("close-up", "warm"))

EDITS = {
    "one word": (replace(HELD, text="New words,\n  indented"), b"Old", b"New"),
    "the text's indentation": (
        replace(HELD, text=" led\nby a blank"),
        b"|-   # keep it under 40 words\n  Old words,\n    indented\n",
        b"|2-   # keep it under 40 words\n   led\n  by a blank\n",
    ),
    "the end of the text": (
        replace(HELD, text="Old words,\n  indented\n"),
        b"|-   # keep",
        b"|   # keep",
    ),
    "empty lines at the end": (
        replace(HELD, text="Old words,\n  indented\n\n"),
        b"|-   # keep",
        b"|+   # keep",
    ),
    "notes": (replace(HELD, notes="long: er"), b"short  #", b"'long: er'  #"),
    "notes of two lines": (
        replace(HELD, notes="a\nb"),
        b"notes: short  # why\n",
        b"notes: |-  # why\n  a\n  b\n",
    ),
    "no notes": (replace(HELD, notes=""), b"notes: short  # why\n", b""),
    "a tag more": (
        replace(HELD, tags=("close-up", "warm", "new")),
        b"  - warm\n",
        b"  - warm\n  - new\n",
    ),
    "a tag before": (
        replace(HELD, tags=("new", "close-up", "warm")),
        b"  - close-up\n",
        b"  - new\n  - close-up\n",
    ),
    "a tag less": (replace(HELD, tags=("warm",)), b"  - close-up\n", b""),
    "another tag": (replace(HELD, tags=("close-up", "cold")), b"- warm", b"- cold"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_leaves_the_rest_as_people_wrote_it(name: str) -> None:
    """In a file written by hand only the lines of what changed change."""
    after, old, new = EDITS[name]

    edited = documents.edit(BY_HAND, PROMPT, after)

    assert BY_HAND.replace(old, new) == edited


@pytest.mark.parametrize("value", [HELD, Prompt("x")])
def test_an_edit_that_changes_nothing_gives_the_same_bytes(value: Prompt) -> None:
    """Saving what stands there keeps the file byte for byte, in whatever style it is."""
    for raw in (
        BY_HAND,
        BY_HAND.replace(b"\n", b"\r\n"),
        b"{prompt: x}",
        b"\xef\xbb\xbfprompt: 'x'",
    ):
        if documents.parse(raw, PROMPT) == value:
            assert raw == documents.edit(raw, PROMPT, value)


def test_a_new_key_goes_where_it_would_stand() -> None:
    """Notes added to a file of ours stand between the text and the tags."""
    raw = b"prompt: |-\n  x\ntags: [a]\n"

    edited = documents.edit(raw, PROMPT, Prompt("x", "n", ("a",)))

    assert b"prompt: |-\n  x\nnotes: n\ntags: [a]\n" == edited


ANEW = {
    "flow style": b"{prompt: x, notes: y}\n",
    "no document": b"prompt: [\n",
    "an end that adds to the text": b"notes: y\nprompt: |\n  x",
    "another document's end": b"prompt: x\nnotes: y\n...\n# after\n",
}


@pytest.mark.parametrize("name", ANEW)
def test_a_file_that_cannot_be_spliced_is_written_anew(name: str) -> None:
    """Where lines can't be told apart the result is in our own form, and right."""
    after = Prompt("x", "z", ("a",))

    edited = documents.edit(ANEW[name], PROMPT, after)

    assert after == documents.parse(edited, PROMPT)


def test_an_edit_of_a_file_with_crlf_keeps_its_comments() -> None:
    """A file with CRLF is edited like another; its line ends become LF."""
    after = replace(HELD, notes="x")

    edited = documents.edit(BY_HAND.replace(b"\n", b"\r\n"), PROMPT, after)

    assert BY_HAND.replace(b"short", b"x") == edited


def test_an_edit_of_a_character_keeps_its_comments() -> None:
    """A variable that changes takes its line and no other; others keep comments and order."""
    raw = b"""\
name: Aria
# What she wears and holds.
variables:
    wardrobe: coat  # green
    # lens: 35 mm
    prop: 'map'
archived: false
"""
    after = Character("aria", "Aria", variables={"wardrobe": "cape", "prop": "map", "no": "on"})

    edited = documents.edit(raw, CHARACTER, after)

    new = b"    prop: 'map'\n    'no': 'on'\n"
    assert raw.replace(b"coat", b"cape").replace(b"    prop: 'map'\n", new) == edited


def test_archiving_a_character_adds_one_line() -> None:
    """A flag that changes is written, and taken away again, alone."""
    raw = b"# Who.\nname: Aria\ntags: [a]\n\n# End.\n"

    archived = documents.edit(raw, CHARACTER, Character("aria", "Aria", tags=("a",), archived=True))
    restored = documents.edit(archived, CHARACTER, Character("aria", "Aria", tags=("a",)))

    assert b"# Who.\nname: Aria\ntags: [a]\narchived: true\n\n# End.\n" == archived
    assert raw == restored


def test_an_edit_of_the_configuration_keeps_its_comments() -> None:
    """An emotion that is added, and one whose colour changes, take a line each."""
    raw = b"""\
format: 1
emotions:
  # Calm ones.
  - {id: idle, label: Idle, colour: '#64748b'}
  # Loud ones.
  - id: angry
    label: Angry
    colour: '#dc2626'
  - {id: happy, label: Happy, colour: '#ca8a04'}  # since May
limits: {tags: 3}
"""
    before = documents.parse(raw, CONFIGURATION)
    assert isinstance(before, Configuration)
    idle, angry, happy = before.emotions
    emotions = (replace(idle, colour="#000000"), angry, happy, Emotion("sad", "Sad", "#2563eb"))

    edited = documents.edit(raw, CONFIGURATION, replace(before, emotions=emotions))

    last = b"  # since May\n"
    sad = b"  - {id: sad, label: Sad, colour: '#2563eb'}\n"
    assert raw.replace(b"#64748b", b"#000000").replace(last, last + sad) == edited
