"""What Hypothesis draws: texts as people write them, prompts, characters, configurations."""

import json
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

from prompt_repo.model import Character, Configuration, Emotion, Limits, Prompt
from prompt_repo.variables import BUILT_IN
from prompt_repo.yaml_tree import UNHELD

CHARACTERS = st.characters(exclude_categories=["Cs"]).filter(lambda each: not UNHELD.match(each))
"""Every character a text can hold."""

_TRICKY = (
    *("\n", "\n\n", " ", "\t", "  ", "#", " #", ": ", "- ", "---", "...", "|", "'", '"', "\\"),
    *("{", "}", "{{", "}}", "{emotion}", "{{emotion}}", "[", "]", ",", "&a", "*a", "!x", "<<: "),
    *(
        "%",
        "<<<<<<< yours\n",
        "👩🏽\u200d🚀",
        "مرحبا",
        "\u200f",
        "\ufeff",
        "é",
        "e\u0301",
        "null",
        "0x1f",
    ),
)
TEXTS = st.lists(st.sampled_from(_TRICKY) | st.text(CHARACTERS, max_size=8), max_size=14).map(
    "".join
)
"""Texts that a repository can hold, full of what YAML, diffs and templates stumble over."""

VISIBLE = TEXTS.filter(str.strip)
LINES = VISIBLE.map(lambda text: text.replace("\n", " ")).filter(str.strip)
TAGS = st.lists(
    LINES.map(lambda text: text.strip()[:64].strip()).filter(bool), max_size=4, unique=True
).map(tuple)
IDS = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,20}\Z").filter(lambda word: word != "character")
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,15}\Z").filter(lambda word: word not in BUILT_IN)
NAMES |= st.sampled_from(("null", "true", "no", "on", "y"))
VARIABLES = st.dictionaries(NAMES, TEXTS, max_size=4)

prompts = st.builds(Prompt, VISIBLE, TEXTS, TAGS)
characters = st.builds(
    Character,
    st.just("aria"),
    VISIBLE.map(lambda text: text[:200]).filter(str.strip),
    TEXTS,
    VARIABLES,
    TAGS,
    st.booleans(),
)
emotions = st.builds(
    Emotion,
    IDS,
    LINES.map(lambda text: text[:64]).filter(str.strip),
    st.from_regex(r"\A#[0-9a-f]{6}\Z"),
)
configurations = st.builds(
    Configuration,
    st.lists(emotions, min_size=1, max_size=5, unique_by=lambda each: each.id).map(tuple),
    VARIABLES,
    st.builds(Limits, st.integers(1, 4_194_304), st.integers(0, 1_048_576), st.integers(0, 1000)),
)
by_path: Mapping[str, st.SearchStrategy[Prompt | Character | Configuration]] = {
    "characters/aria/sad.yaml": prompts,
    "characters/aria/character.yaml": characters,
    "prompts.yaml": configurations,
}
paths = st.sampled_from(sorted(by_path))
documents = paths.flatmap(lambda path: st.tuples(st.just(path), by_path[path]))
"""A path with a value that may stand there."""


def real_prompts(folder: Path) -> dict[str, str]:
    """The prompts of real-prompts.jsonl by name, as they are."""
    with (folder / "real-prompts.jsonl").open(encoding="utf-8", newline="\n") as file:
        return {row["name"]: row["text"] for row in map(json.loads, file)}
