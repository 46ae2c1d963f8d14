"""The demo's content as a story: who changed which file when, what it said then, and why."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from importlib import resources
from typing import Any

from prompt_repo import documents, yaml_tree
from prompt_repo.layout import CONFIGURATION, character_path
from prompt_repo.model import Author, Character, Configuration, Emotion, Prompt, PromptKey

DAYS = 210  # how long before now the story begins
OPENS, HOURS = 9, 9  # when people work, UTC
PROMOTIONS = (
    (0.11, "First release: the defaults and the first nine characters."),
    (0.24, "Nadia and Ilse join; no logos anywhere."),
    (0.39, "Marlow takes over the weather from Theo; Juno and the Count join."),
    (0.56, "Vesper's gallery; voices and names as reviewed."),
    (0.72, "Calmer loops, fewer hands."),
    (0.86, "Everything reviewed since the last release."),
)
"""When everything on staging goes to production, as a share of the whole time, and why."""

Content = Mapping[str, Any]
"""One file of demo_content as YAML gives it; a test replays all of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit to be: when (a share of the whole time), by whom, why, and the new files."""

    when: float
    author: Author
    reason: str
    files: Mapping[str, bytes | None]


class Calendar:
    """The working hours of the DAYS before a moment, as a line from 0 to 1."""

    def __init__(self, now: datetime) -> None:
        today = now.astimezone(UTC).date()
        days = (today - timedelta(days=back) for back in range(DAYS, 0, -1))
        self._days = [day for day in days if day.weekday() < 5]

    def at(self, share: float) -> datetime:
        """The moment at a share of the working time; whole seconds, UTC."""
        day, rest = divmod(share * len(self._days), 1)
        if day >= len(self._days):
            day, rest = len(self._days) - 1, 1.0
        opens = datetime.combine(self._days[int(day)], time(OPENS), UTC)
        return opens + timedelta(seconds=int(rest * HOURS * 3600))


def story() -> list[Step]:
    """Every commit on staging, in order; the same at each call."""
    project = _content("project.yaml")
    people = {name: Author(**person) for name, person in project["authors"].items()}
    steps = [*_configuration(project, people), *_defaults(project, people)]
    for ident in _characters():
        steps += _character(ident, _content(f"{ident}.yaml"), people)
    return sorted(steps, key=lambda step: step.when)


def promotions() -> list[Step]:
    """When all of staging went to production, in order; these steps hold no files."""
    lead = Author(**_content("project.yaml")["authors"]["lena"])
    return [
        Step(when, lead, f"Promote staging to production\n\n{why}", {}) for when, why in PROMOTIONS
    ]


def _content(name: str) -> Content:
    file = resources.files(__package__).joinpath("demo_content", name)
    content: Content = yaml_tree.parse(file.read_bytes(), name).plain()
    return content


def _characters() -> list[str]:
    folder = resources.files(__package__).joinpath("demo_content")
    names = (file.name.removesuffix(".yaml") for file in folder.iterdir())
    return sorted(name for name in names if name != "project")


def _configuration(project: Content, people: Mapping[str, Author]) -> Iterator[Step]:
    before = project["before_changes"]
    colours = {each["id"]: each["colour"] for each in project["emotions"]} | before["colours"]
    shared = project["variables"] | before["variables"]
    first = Configuration(
        tuple(
            Emotion(each["id"], each["label"], colours[each["id"]]) for each in project["emotions"]
        ),
        shared,
    )
    begun = "Begin with seven emotions and two shared variables"
    yield Step(0.0, people["lena"], begun, {CONFIGURATION: documents.dump(first)})
    for change in project["configuration_changes"]:
        shared = shared | change.get("variables", {})
        colours = colours | change.get("colours", {})
        emotions = tuple(replace(each, colour=colours[each.id]) for each in first.emotions)
        now = documents.dump(replace(first, emotions=emotions, variables=shared))
        yield Step(change["at"], people[change["by"]], change["why"], {CONFIGURATION: now})


def _defaults(project: Content, people: Mapping[str, Author]) -> Iterator[Step]:
    team = ("lena", "amara", "yuki")
    for place, (emotion, steps) in enumerate(project["defaults"].items()):
        key = PromptKey(None, emotion)
        yield from _prompt(key, steps, 0.002 + 0.001 * place, 1.0, team, people)


def _character(ident: str, content: Content, people: Mapping[str, Author]) -> Iterator[Step]:
    begins = 0.012 + content["begins"]
    archived = content.get("archived")
    ends = archived["at"] - 0.01 if archived else 1.0
    steps: list[Step] = []
    for place, (emotion, told) in enumerate(content["prompts"].items()):
        first = begins + place * 0.006 + _dice(ident, emotion).random() * 0.005
        key = PromptKey(ident, emotion)
        steps += _prompt(key, told, first, ends, content["team"], people)
    yield from _with_character(ident, content, steps, people)


def _with_character(
    ident: str, content: Content, steps: Sequence[Step], people: Mapping[str, Author]
) -> Iterator[Step]:
    """The prompts' steps, the first of which brings the character, and the character's own."""
    changes = [*content.get("renames", ()), *content.get("changes", ())]
    if "archived" in content:
        changes.append(content["archived"] | {"archived": True})
    who = Character(
        ident,
        content["name"],
        content["description"],
        content["variables"],
        tuple(content["tags"]),
    )
    path = character_path(ident)
    first, *others = steps
    both = {path: documents.dump(who), **first.files}
    yield replace(first, reason=f"Add {who.name}. {first.reason}", files=both)
    yield from others
    for change in sorted(changes, key=lambda each: float(each["at"])):
        who = replace(
            who,
            name=change.get("name", who.name),
            variables={**who.variables, **change.get("variables", {})},
            archived=change.get("archived", who.archived),
        )
        yield Step(change["at"], people[change["by"]], change["why"], {path: documents.dump(who)})


def _prompt(
    key: PromptKey,
    steps: Sequence[Content],
    first: float,
    ends: float,
    team: Sequence[str],
    people: Mapping[str, Author],
) -> Iterator[Step]:
    """One prompt's versions: the first at `first`, the others spread until `ends`."""
    dice = _dice(key.character or "", key.emotion)
    later = sorted(dice.uniform(first + 0.004, ends) for _ in steps[1:])
    said: list[Prompt | None] = []
    for when, step in zip([first, *later], steps, strict=True):
        said.append(_after(said, step))
        who = step.get("by") or _someone(dice, team, people)
        raw = documents.dump(said[-1]) if said[-1] is not None else None
        yield Step(when, people[who], step["why"], {key.path: raw})


def _after(said: Sequence[Prompt | None], step: Content) -> Prompt | None:
    """What a prompt says after one more step, from all it has said before."""
    if "remove" in step:
        return None
    if "revert" in step:
        number: int = step["revert"]
        return said[number - 1]
    if "restore" in step:
        return said[-2]
    before = (said[-1] if said else None) or Prompt("")
    text: str = step.get("text", before.text)
    for old, new in step.get("swap", {}).items():
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in {text!r}")
        text = text.replace(old, new)
    if "append" in step:
        text = f"{text}\n{step['append']}"
    return Prompt(text, step.get("notes", before.notes), tuple(step.get("tags", before.tags)))


def _someone(dice: random.Random, team: Sequence[str], people: Mapping[str, Author]) -> str:
    """Mostly one of the team; now and then anybody."""
    return dice.choice(team if dice.random() < 0.8 else list(people))


def _dice(*names: str) -> random.Random:
    return random.Random("/".join(names))  # noqa: S311 - a stable choice, no secret
