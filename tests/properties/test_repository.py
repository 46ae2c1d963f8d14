"""A repository held against a dictionary."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from prompt_repo.editing import Edit, change_character, restore, revert, save
from prompt_repo.model import Character, PromptKey, Source
from prompt_repo.repository import STAGING, Repository
from tests.factories import SAM, key, make_repository

NAMES = [
    f"{folder}/{emotion}" for folder in ("defaults", "aria", "bo") for emotion in ("idle", "angry")
]
TEXTS = st.text(
    st.sampled_from("ab \n\t{}é😀#:-|'\""),
    min_size=1,
    max_size=20,
).filter(str.strip) | st.sampled_from(["{character_name} waits.", "{{character_name}} {x}"])


class PromptsAgainstADictionary(RuleBasedStateMachine):
    """Random edits; after each the repository says what a plain dictionary says."""

    @initialize()
    def begin(self) -> None:
        """An empty repository with two characters."""
        self.folder = Path(tempfile.mkdtemp())
        self.repository = make_repository(self.folder, ("aria", "bo"))
        self.names = {"aria": "Aria", "bo": "Bo"}
        self.texts: dict[str, str] = {}
        self.versions: dict[str, list[tuple[str, str | None]]] = {name: [] for name in NAMES}

    def teardown(self) -> None:
        """The folder goes."""
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def note(self, name: str, commit: str, text: str | None) -> None:
        """The dictionary's side of an edit."""
        self.versions[name].append((commit, text))
        if text is None:
            del self.texts[name]
        else:
            self.texts[name] = text

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def set(self, name: str, text: str) -> None:
        """A text that differs is a version; the same text is none."""
        outcome = save(self.repository, STAGING, [Edit(key(name), text)], SAM, "")
        if self.texts.get(name) == text:
            assert outcome.commit is None
        else:
            assert outcome.commit is not None
            self.note(name, outcome.commit.oid, text)

    @rule(texts=st.dictionaries(st.sampled_from(NAMES), TEXTS, min_size=2))
    def set_many(self, texts: dict[str, str]) -> None:
        """Many edits share one commit."""
        edits = [Edit(key(name), text) for name, text in texts.items()]
        outcome = save(self.repository, STAGING, edits, SAM, "")
        for name, text in texts.items():
            if self.texts.get(name) != text:
                assert outcome.commit is not None
                self.note(name, outcome.commit.oid, text)

    @precondition(lambda self: self.texts)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Removing is a version without text."""
        name = data.draw(st.sampled_from(sorted(self.texts)))
        outcome = save(self.repository, STAGING, [Edit(key(name), None)], SAM, "")
        assert outcome.commit is not None
        self.note(name, outcome.commit.oid, None)

    @precondition(lambda self: any(self.gone()))
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """A removed prompt can be listed, and comes back with its last text."""
        name = data.draw(st.sampled_from(self.gone()))
        prompt = key(name)
        assert prompt.emotion in self.repository.current(STAGING).removed(prompt.character)
        outcome = restore(self.repository, STAGING, prompt, SAM, "")
        assert outcome.commit is not None
        last = next(text for _, text in reversed(self.versions[name]) if text is not None)
        self.note(name, outcome.commit.oid, last)

    @precondition(lambda self: any(self.versions.values()))
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        """The old text is the new version."""
        name = data.draw(st.sampled_from([name for name in NAMES if self.versions[name]]))
        texts = [text for _, text in self.versions[name]]
        numbers = [number for number, text in enumerate(texts, 1) if text is not None]
        number = data.draw(st.sampled_from(numbers))
        outcome = revert(self.repository, STAGING, key(name), number, SAM, "")
        if outcome.commit is None:
            assert self.texts.get(name) == texts[number - 1]
        else:
            self.note(name, outcome.commit.oid, texts[number - 1])

    @rule(who=st.sampled_from(["aria", "bo"]), name=st.sampled_from(["Ada", "Zoë", "{emotion}"]))
    def rename(self, who: str, name: str) -> None:
        """A character's label is no part of its prompts' history."""
        change_character(
            self.repository, STAGING, who, lambda _: Character(who, name), SAM, "Rename"
        )
        self.names[who] = name

    @rule()
    def reopen(self) -> None:
        """Another process, with nothing in memory."""
        self.repository = Repository.open(self.repository.store.path)

    def gone(self) -> list[str]:
        """The names that once stood and don't now."""
        return [name for name in NAMES if self.versions[name] and name not in self.texts]

    @invariant()
    def says_what_the_dictionary_says(self) -> None:
        """An override always wins; `{character_name}` is always the character's name."""
        if not hasattr(self, "repository"):
            return
        catalogue = self.repository.current(STAGING)
        for who in ("aria", "bo"):
            for emotion in ("idle", "angry"):
                own = self.texts.get(f"{who}/{emotion}")
                text = own if own is not None else self.texts.get(f"defaults/{emotion}")
                if text is None:
                    assert catalogue.source(who, emotion) is Source.MISSING
                    continue
                resolved = catalogue.resolve(who, emotion)
                assert resolved.source is (Source.GLOBAL if own is None else Source.CHARACTER)
                filled = text.replace("{{character_name}}", "\0")
                filled = filled.replace("{character_name}", self.names[who])
                assert resolved.text == filled.replace("\0", "{character_name}")

    @invariant()
    def versions_never_change(self) -> None:
        """A version once read says the same for ever."""
        if not hasattr(self, "repository"):
            return
        commit = self.repository.current(STAGING).commit
        for name, versions in self.versions.items():
            if not versions:
                continue
            page = self.repository.history.page(commit, key(name).path, limit=500)
            read = [(version.number, version.commit) for version in reversed(page.versions)]
            assert read == [(number, oid) for number, (oid, _) in enumerate(versions, 1)]
            oid, text = versions[0]
            stored = self.repository.catalogue(oid).stored(PromptKey(*_parts(name)))
            assert (stored.prompt.text if stored else None) == text


def _parts(name: str) -> tuple[str | None, str]:
    prompt = key(name)
    return prompt.character, prompt.emotion


TestPromptsAgainstADictionary = PromptsAgainstADictionary.TestCase
TestPromptsAgainstADictionary.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None
)
