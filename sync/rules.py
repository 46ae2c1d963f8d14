"""The file of rules: which column gets what. Read with line and column, written by `plan`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from sync.errors import InvalidRules, Problem
from sync.kinds import KINDS
from sync.pools import FALLBACK, load

VERSION = 1
LARGEST = 1_000_000
DEEPEST = 10
LONGEST = 10_000
"""Characters of a single value: some numbers of YAML take the square of their length to read."""
UNREAD = (ValueError, LookupError, AttributeError, TypeError)
"""What PyYAML raises of a value that is not what its tag says it is."""
PLAIN = re.compile(r"[\w$][\w.$ -]*")


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one column: a kind, and its options."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    line: int | None = field(default=None, compare=False)
    column: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if self.kind == "constant":
            return f"constant: {self.options['value']!r}"
        if not self.options:
            return self.kind
        return (
            f"{self.kind}: {{{', '.join(f'{key}: {each}' for key, each in self.options.items())}}}"
        )


@dataclass(frozen=True, slots=True)
class TableRules:
    """The rules of one table: skipped, or its columns' rules and which rows are wanted."""

    name: str
    columns: dict[str, Rule] = field(default_factory=dict)
    skip: bool = False
    where: str = ""
    line: int | None = field(default=None, compare=False)
    watermark: str = ""
    """A column that production moves on with every change of a row."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, by table; `locale` is whose names and places are usual."""

    tables: dict[str, TableRules] = field(default_factory=dict)
    locale: str = FALLBACK
    path: str = field(default="rules", compare=False)


def parse(text: str, path: str = "rules") -> Rules:
    """The rules that a YAML text holds. Raises InvalidRules with every problem found."""
    return _Reader(path).read(text)


class _Reader:
    """Walks YAML's nodes, which know their places, and gathers what is wrong."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._problems: list[Problem] = []

    def read(self, text: str) -> Rules:
        """The rules; raises InvalidRules."""
        root = self._composed(text)
        if not isinstance(root, yaml.MappingNode):
            self._wrong("a mapping with `version`, `locale` and `tables` must stand here", root)
        found: dict[str, Any] = {"tables": {}, "locale": FALLBACK, "version": None}
        for name, key, node in self._entries(root):
            if name == "tables":
                found["tables"] = {each.name: each for each in self._tables(node)}
            elif name in found:
                found[name] = self._plain(node)
            else:
                self._wrong(f"{name!r} is not known here; known are version, locale, tables", key)
        if found["version"] != VERSION:
            self._wrong(f"the file must say `version: {VERSION}`", root)
        if found["locale"] not in load().locales:
            known = ", ".join(sorted(load().locales))
            self._wrong(f"{found['locale']!r} is no locale here; known are {known}", root)
        if self._problems:
            raise InvalidRules(self._problems)
        return Rules(found["tables"], found["locale"], self._path)

    def _composed(self, text: str) -> yaml.Node | None:
        if len(text) > LARGEST:
            raise InvalidRules([Problem(f"the file is larger than {LARGEST:,} characters")])
        try:
            self._refuse_what_grows(text)
            return yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            said = f"this is no YAML: {error.problem or error.context}"
            raise InvalidRules([Problem(said, line, column, self._path)]) from error
        except (yaml.YAMLError, RecursionError, UnicodeEncodeError) as error:
            raise InvalidRules([Problem(f"this is no YAML: {error}", path=self._path)]) from error

    def _refuse_what_grows(self, text: str) -> None:
        """Composing what is nested very deep would end the whole process; a few lines of aliases
        may stand for more than any memory holds, or for themselves.
        """
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            said = ""
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.AliasEvent):
                said = f"aliases are not read here: write out what *{event.anchor} stands for"
            elif isinstance(event, yaml.ScalarEvent) and len(event.value) > LONGEST:
                said = f"no name or value is longer than {LONGEST:,} characters"
            if depth > DEEPEST:
                said = f"this is nested more than {DEEPEST} deep"
            if said:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise InvalidRules([Problem(said, line, path=self._path)])

    def _wrong(self, message: str, node: yaml.Node | None) -> None:
        mark = node.start_mark if node is not None else None
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self._problems.append(Problem(message, *place, self._path))

    def _entries(self, node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            return
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._wrong("a name must stand here", key)
            elif key.value in seen:
                self._wrong(f"{key.value!r} stands here twice", key)
            else:
                seen.add(key.value)
                yield key.value, key, value

    def _tables(self, node: yaml.Node) -> Iterator[TableRules]:
        if not isinstance(node, yaml.MappingNode):
            self._wrong("a mapping of tables to their rules must stand here", node)
        for name, key, value in self._entries(node):
            line = key.start_mark.line + 1
            if isinstance(value, yaml.ScalarNode) and value.value == "skip":
                yield TableRules(name, skip=True, line=line)
            elif isinstance(value, yaml.MappingNode):
                yield self._table(name, value, line)
            else:
                self._wrong("write `skip`, or `columns:` and perhaps `where:`", value)

    def _table(self, name: str, node: yaml.MappingNode, line: int) -> TableRules:
        columns: dict[str, Rule] = {}
        where = watermark = ""
        for word, key, value in self._entries(node):
            if word == "columns":
                if not isinstance(value, yaml.MappingNode):
                    self._wrong("a mapping of columns to rules must stand here", value)
                columns = {
                    column: rule
                    for column, _, each in self._entries(value)
                    if (rule := self._rule(each)) is not None
                }
            elif word == "where":
                where = self._condition(value)
            elif word == "watermark":
                watermark = str(self._plain(value) or "")
            else:
                known = "columns, where and watermark"
                self._wrong(f"{word!r} is not known here; known are {known}", key)
        return TableRules(name, columns, where=where, line=line, watermark=watermark)

    def _condition(self, node: yaml.Node) -> str:
        where = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not isinstance(where, str) or not where.strip() or ";" in where or "--" in where:
            self._wrong("write one SQL condition, without `;` and comments", node)
        return str(where).strip()

    def _rule(self, node: yaml.Node) -> Rule | None:
        place = node.start_mark.line + 1, node.start_mark.column + 1
        if isinstance(node, yaml.ScalarNode):
            kind = "null" if node.tag.endswith(":null") else str(node.value)
            options: dict[str, Any] = {}
        elif isinstance(node, yaml.MappingNode) and len(node.value) == 1:
            ((kind, _, value),) = list(self._entries(node)) or [("", node, node)]
            options = {"value": self._plain(value)} if kind == "constant" else self._options(value)
        else:
            self._wrong("write the name of a kind, or `kind: {option: value}`", node)
            return None
        problem = _misuse(kind, options)
        if problem:
            self._wrong(problem, node)
            return None
        return Rule(kind, options, *place)

    def _options(self, node: yaml.Node) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            self._wrong("the options of a kind are a mapping: `kind: {option: value}`", node)
        return {
            name: self._rule(value) if name.startswith("$") else self._plain(value)
            for name, _, value in self._entries(node)
        }

    def _plain(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            self._wrong("a single value must stand here", node)
            return None
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(node, deep=True)
        except (yaml.YAMLError, *UNREAD):
            self._wrong(f"{node.value[:40]!r} can't be read as {node.tag.rpartition(':')[2]}", node)
            return None


def _misuse(kind: str, options: dict[str, Any]) -> str:
    """What is wrong with a rule as it is written; empty if nothing is."""
    if kind not in KINDS:
        return f"{kind!r} is no kind of rule; known are {', '.join(KINDS)}"
    known = KINDS[kind].options
    for name, value in options.items():
        if "*" in known and name.startswith("$"):
            continue
        if name not in known:
            what = ", ".join(known) or "none"
            return f"{kind} has no option {name!r}; known: {what.replace('*', 'paths such as $.a')}"
        if name == "days" and not (isinstance(value, int) and 0 < value <= 36500):
            return "`days` is a number from 1 to 36500"
        if name == "locale" and value not in load().locales:
            return f"{value!r} is no locale here; known are {', '.join(sorted(load().locales))}"
    return ""


def without_watermarks(rules: Rules) -> Rules:
    """All that decides about fakes: a watermark only tells where to look."""
    bare = {name: replace(table, watermark="") for name, table in rules.tables.items()}
    return replace(rules, tables=bare)


def dump(rules: Rules, why: dict[tuple[str, str], str] | None = None) -> str:
    """The rules as YAML that people read; `why` gives the remark behind a column."""
    tables = "tables:" if rules.tables else "tables: {}"
    lines = [f"version: {VERSION}", f"locale: {rules.locale}", tables]
    for table in rules.tables.values():
        if table.skip:
            lines.append(f"  {_name(table.name)}: skip")
            continue
        lines.append(f"  {_name(table.name)}:")
        if table.where:
            lines.append(f"    where: {_name(table.where)}")
        if table.watermark:
            lines.append(f"    watermark: {_name(table.watermark)}")
        lines.append("    columns:" if table.columns else "    columns: {}")
        for column, rule in table.columns.items():
            remark = _escaped(" ".join((why or {}).get((table.name, column), "").split()))
            line = f"      {_name(column)}: {_written(rule)}"
            lines.append(f"{line}  # {remark}" if remark else line)
    return "\n".join(lines) + "\n"


def _name(text: Any) -> str:
    if isinstance(text, str) and not PLAIN.fullmatch(text):
        return _escaped(json.dumps(text, ensure_ascii=False))
    made: str = yaml.safe_dump(text, width=10**6, allow_unicode=True, default_flow_style=True)
    return made.removesuffix("...\n").strip()


def _escaped(text: str) -> str:
    """What nobody sees as YAML spells it in a quoted name: some of it would end the line there."""
    return "".join(
        each if each.isprintable() else f"\\u{ord(each):04x}" if each < "\U00010000"
        else f"\\U{ord(each):08x}" for each in text
    )  # fmt: skip


def _written(rule: Rule) -> str:
    if rule.kind == "constant":
        return f"{{constant: {_name(rule.options['value'])}}}"
    if not rule.options:
        return "'null'" if rule.kind == "null" else rule.kind
    options = ", ".join(
        f"{_name(key)}: {_written(each) if isinstance(each, Rule) else _name(each)}"
        for key, each in rule.options.items()
    )
    return f"{{{rule.kind}: {{{options}}}}}"
