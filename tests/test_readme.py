"""What README and docs/ say exists: files, settings, verbs and their options."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from webapp.cli import main
from webapp.config import Settings, variable

ROOT = Path(__file__).parent.parent
DOCUMENTS = {
    path.relative_to(ROOT): path.read_text()
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
ALL = "\n".join(DOCUMENTS.values())
LINKS = [
    (document, target)
    for document, text in DOCUMENTS.items()
    for target in sorted(set(re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)))
]
CONTEXT = click.Context(main)


def commands() -> list[str]:
    """Every `prompt-repo …` line of a code block, without what a shell adds."""
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", ALL, re.DOTALL | re.MULTILINE)
    text = "\n".join(block for language, block in blocks if not language).replace("\\\n", " ")
    found = re.findall(r"prompt-repo ([^\n|<)]+)", text)
    return [command.strip() for command in found]


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_links_lead_somewhere(document: Path, target: str) -> None:
    """Every relative link names a file of this checkout."""
    assert target.startswith("http") or (ROOT / document.parent / target).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"PROMPT_REPO_[A-Z0-9_]+", ALL))))
def test_settings_exist(name: str) -> None:
    """Every variable that README names is read."""
    assert name in {variable(each) for each in fields(Settings)}


@pytest.mark.parametrize("command", commands())
def test_verbs_and_options_exist(command: str) -> None:
    """Every command line names a verb that is there, with options it knows."""
    words = shlex.split(command)
    group: click.Command = main
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            options = {name for each in group.params for name in each.opts}
            assert word in options, f"{group.name} has no {word}"
            if not next(each for each in group.params if word in each.opts).is_flag and words:  # type: ignore[attr-defined]
                words.pop(0)
        elif isinstance(group, click.Group):
            found = group.get_command(CONTEXT, word)
            assert found is not None, f"{group.name} has no verb {word}"
            group = found


def test_there_are_commands() -> None:
    """The pattern above finds what it is meant to find."""
    assert len(commands()) >= 6
