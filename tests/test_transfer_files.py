"""Files as the world writes them, and as somebody writes them who means harm."""

import base64
import io
import json
import re
import resource
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prompt_repo import documents, transfer_archives, transfer_schema
from prompt_repo.editing import change_character
from prompt_repo.model import PromptKey, Version
from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer import Form, preview
from prompt_repo.transfer_archives import RATIO
from prompt_repo.transfer_errors import SHOWN, InvalidFile
from prompt_repo.transfer_plan import State, Strategy
from tests.factories import KIM, put
from tests.transfers import exported, imported, places, planned, refused, staged, states

ROWS = [
    ("character", "emotion", "prompt_text"),
    ("aria", "angry", "One; two,\nthree"),
    ("", "idle", "x"),
]


def sheet(separator: str, ends: str = "\n") -> str:
    """A CSV of ROWS."""
    quoted = [[f'"{cell}"' if set(cell) & set(",;\n\t") else cell for cell in row] for row in ROWS]
    return ends.join(separator.join(row) for row in quoted) + ends


def read_texts(raw: bytes, repository: Repository) -> dict[str, str]:
    """The texts of a file by path, read without a problem."""
    with staged(raw, repository) as found:
        assert [] == found.problems()
        return {
            each.path: documents.readable(each.raw or b"", each.path) for each in found.documents()
        }


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_csv_may_be_written_in_any_usual_way(
    repository: Repository, separator: str, ends: str, encoding: str
) -> None:
    """Comma, semicolon or tab; any line end; UTF-8 with and without BOM, UTF-16."""
    found = read_texts(sheet(separator, ends).encode(encoding), repository)

    texts = {"characters/aria/angry.yaml": "One; two,\nthree", "defaults/idle.yaml": "x"}
    assert texts == found


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_may_tell_its_separator(repository: Repository, separator: str) -> None:
    """Excel's own first line is no row of the file; lines count with it."""
    text = f"sep={separator}\r\n" + sheet(separator, "\r\n")

    assert states(repository, text.encode())
    assert [(5, 2, "emotion")] == places(refused(text.replace("idle", "no id").encode()))[:1]


def test_a_byte_that_is_no_text_is_told_by_its_place() -> None:
    """A file saved in an old encoding: the line and column where that first shows."""
    many = "".join(f"c{number},angry,x\n" for number in range(9_000))
    rows = f"character,emotion,prompt_text\n{many}aria,sad,schön\n"

    found = refused(rows.encode("cp1252"))

    assert [(9_002, 13, "")] == places(found)
    assert "save the file as UTF-8" in found.problems[0].message


def test_columns_may_come_in_any_order_and_some_unknown(repository: Repository) -> None:
    """They go by their names, however spelled; what is unknown is told of and left out."""
    raw = b"Mood,Prompt text,EMOTION,Character id\nx,One,angry,aria\n"

    with staged(raw, repository) as found:
        assert ["characters/aria/angry.yaml"] == [each.path for each in found.documents()]
        assert ["column 1 (Mood) is unknown and was left out"] == found.warnings


def test_a_wide_layout_has_a_column_an_emotion(repository: Repository) -> None:
    """A row a character, a column an emotion by id or label; empty cells say nothing."""
    raw = b"character,Idle,angry\naria,Waits,\n,All wait,All rage\n"

    found = read_texts(raw, repository)

    assert {
        "characters/aria/idle.yaml": "Waits",
        "defaults/idle.yaml": "All wait",
        "defaults/angry.yaml": "All rage",
    } == found


@pytest.mark.parametrize(
    ("raw", "place", "words"),
    [
        (b"", (1, 1), "empty"),
        (b"name,text\nx,y\n", (1, 1), "must name the columns"),
        (b"character,emotion,prompt_text\naria,angry\n", (2, 3), "empty"),
        (b'character,emotion,prompt_text\naria,angry,"cut o', (2, 1), "never closes"),
        (b'character,emotion,prompt_text\naria,angry,"a"b\n', (2, 1), "must be doubled"),
        (b"character,emotion,prompt_text\na,b,c,d\n", (2, 4), "has 4 cells"),
        (b"character,emotion,prompt_text\n../x,idle,y\n", (2, 1), "no character's id"),
        (b"character,emotion,prompt_text\naria,<b>,y\n", (2, 2), "no emotion's id"),
        (b"character,emotion,prompt_text\naria,idle,a\x07b\n", (2, 3), "U+0007"),
        (b"character,emotion,emotion,prompt_text\n", (1, 3), "stands here twice"),
        (b"character,emotion,prompt_text\n\naria,idle,\xff\n", (3, 11), "not UTF-8"),
        (b"character,emotion,prompt_text\naria,idle,x\naria,idle,y\n", (3, 3), "in line 2"),
    ],
)
def test_a_wrong_csv_is_told_by_line_and_column(
    repository: Repository, raw: bytes, place: tuple[int, int], words: str
) -> None:
    """With the column's name, and what would be valid."""
    invalid = refused(raw, repository)

    problem = invalid.problems[0]
    assert words in problem.message
    assert place == (problem.line, problem.column)


def test_what_is_not_here_is_told_at_its_own_cell(repository: Repository) -> None:
    """An unknown character in the character's column, an unknown emotion in the emotion's."""
    raw = b"prompt_text,emotion,character\nx,furious,aria\ny,idle,nobody\n"

    with pytest.raises(InvalidFile) as wrong, planned(repository, raw):
        pass

    assert [(2, 2, "emotion"), (3, 3, "character")] == places(wrong.value)


def test_problems_are_counted_and_the_first_ones_shown(repository: Repository) -> None:
    """Of any number of errors, 200 are told with their places, the others counted."""
    raw = b"character,emotion,prompt_text\n" + b"aria,angry,\n" * 1000

    invalid = refused(raw, repository)

    assert (SHOWN, 1000) == (len(invalid.problems), invalid.count)
    assert list(range(2, SHOWN + 2)) == [each.line for each in invalid.problems]


def test_a_csv_with_versions_needs_all_of_them(repository: Repository) -> None:
    """They are numbered 1, 2, 3; rows may be in any order; who, when and why belong to each."""
    head = b"character,emotion,version,prompt_text,created_by,created_by_email,created_at,reason\n"
    two = b"aria,idle,2,Two,Sam,s@x,2026-01-02T00:00:00Z,b\n"
    one = b"aria,idle,1,One,Sam,s@x,2026-01-01T00:00:00Z,a\n"

    imported(repository, head + two + one)

    page = repository.history.page(repository.head(STAGING), "characters/aria/idle.yaml")
    assert [(2, "b"), (1, "a")] == [(each.number, each.reason) for each in page.versions]
    assert "the versions 1 to 2 belong here" in refused(head + two, repository).problems[0].message
    assert (
        "is no time"
        in refused(head + one.replace(b"2026-01-01T", b"soon "), repository).problems[0].message
    )


ITEM = '{"kind":"prompt","character":"aria","emotion":"idle","prompt_text":"x"}'
HEAD = '{"header":{"format":"prompt-repo","format_version":1},\n"items":[\n'


def around(*items: str) -> bytes:
    """An export with these items, one a line from line 3 on."""
    return (HEAD + ",\n".join(items) + "\n]}\n").encode()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (ITEM.replace('"x"', "§7"), "must be text"),
        (ITEM.replace('"x"', "§null"), "must be text"),
        (ITEM.replace('"x"', '§"  "'), "empty"),
        (ITEM.replace('"x"', '§"a\\u0007"'), "U+0007"),
        (ITEM.replace('"x"', '§"a\\ud800"'), "U+D800"),
        (ITEM.replace('"aria"', '§"../x"'), "not allowed"),
        (ITEM.replace('"idle"', '§"character"'), "reserved"),
        (ITEM.replace('"x"', "§NaN"), "NaN is no value in JSON"),
        (ITEM.replace('"x"', "§" + "1" * 5000), "too long"),
        (ITEM.replace("}", ',§"colour":"red"}'), "unknown key 'colour'"),
        (ITEM.replace("}", ',§"emotion":"sad"}'), "stands here already, in line 4"),
        (ITEM.replace("}", ',"tags":[§" a"]}'), "without blanks"),
        (ITEM.replace("}", ',"notes":' + "[" * 16 + "§" + "[" * 24 + "]" * 40 + "}"), "deep"),
        ('§{"kind":"song"}', "one of configuration"),
        ("§[]", "an item is an object"),
        ("§" + ITEM.replace(',"prompt_text":"x"', ""), "'prompt_text' is missing"),
    ],
)
def test_a_wrong_item_is_told_by_line_and_column(item: str, words: str) -> None:
    """Types, ids, texts, keys, NaN, keys twice, deep nesting; other items are checked too.

    § marks the place where the error is told.
    """
    raw = around(ITEM.replace("idle", "happy"), item.replace("§", ""), '{"kind":"song"}')

    invalid = refused(raw)

    problem = invalid.problems[0]
    assert words in problem.message
    assert (4, item.index("§") + 1) == (problem.line, problem.column)
    assert (5, 1) == (invalid.problems[-1].line, invalid.problems[-1].column)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "breaks off"),
        (b"[1]", "begins with {"),
        (b'{"a":1}', "neither an export"),
        (around(ITEM)[:-30], "breaks off"),
        (around(ITEM)[:-4], "breaks off"),
        (around(ITEM) + b"{}", "goes on after its end"),
        (around(ITEM, ITEM), "stands in this file already in line 3"),
        (around(ITEM).replace(b"}\n]", b"},\n]"), "value belongs here"),
        (around(ITEM).replace(b'"items"', b'"items":[],"items"'), "stands here already"),
        (around(ITEM).replace(b"prompt-repo", b"other"), "must be 'prompt-repo'"),
        (around(ITEM).replace(b'version":1', b'version":2'), "must be 1"),
        (b"[" * 100_000, "begins with"),
        (b'{"items":' + b"[" * 100_000, "deep|item is an object"),
        (around(ITEM).replace(b'"x"', b'"\xff"'), "UTF-8"),
        (b'{"items":[' + ITEM.encode() + b" ", "breaks off"),
        (around(ITEM.replace('"x"', '"no end')), "no closing quote|line break"),
    ],
)
def test_a_broken_export_is_told(raw: bytes, words: str) -> None:
    """Cut off anywhere, nested without end, of another format: a sentence and a place."""
    invalid = refused(raw)

    assert re.search(words, invalid.problems[0].message), invalid.problems[0]
    assert invalid.problems[0].line is not None


def test_every_cut_of_an_export_is_refused(repository: Repository) -> None:
    """A file cut off at any byte imports nothing."""
    put(repository, {"aria/angry": "One", "defaults/idle": "Two"})
    raw = exported(repository, versions=True).rstrip()

    for end in range(0, len(raw), 7):
        assert refused(raw[:end]).count, end


def test_keys_may_come_in_any_order(repository: Repository) -> None:
    """A tool that sorts keys or indents changes nothing that counts."""
    put(repository, {"aria/angry": "One"})
    value = json.loads(exported(repository))
    turned = json.dumps({key: value[key] for key in ("checksum", "items", "header")}, indent=1)

    assert {State.UNCHANGED} == set(states(repository, turned.encode()).values())


def test_large_files_take_little_memory(repository: Repository, tmp_path: Path) -> None:
    """A hundred megabytes of JSON: read to the end, its one error found, in bounded memory."""
    file = tmp_path / "large.json"
    text = "word " * 8_000
    with file.open("w") as out:
        out.write(HEAD)
        for number in range(2_500):
            name = "idle" if number else "<b>"
            item = {"kind": "prompt", "character": f"c{number}", "emotion": name}
            out.write(json.dumps({**item, "prompt_text": text}) + ",\n")
        out.write(ITEM + "\n]}")
    assert file.stat().st_size > 100_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(InvalidFile) as invalid, preview(repository, STAGING, file):
        pass

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert 3 == invalid.value.problems[0].line
    assert 1 == invalid.value.count
    assert grown < 60_000, f"{grown} kB more"


@pytest.mark.parametrize("form", list(Form))
def test_formulas_are_defused_and_come_back(repository: Repository, form: Form) -> None:
    """A cell never begins like a formula; an import gives the text exactly."""
    texts = ["=1+1", "+x", "-x", "@x", "\tx", "'=x", "''=x", "'x", "＝x", "\n=x"]
    raw = b""
    for number, text in enumerate(texts):
        put(repository, {"aria/angry": text})
        raw = exported(repository, form)
        put(repository, {"aria/angry": f"other {number}"})

        imported(repository, raw, Strategy.OVERWRITE)

        stored = repository.current(STAGING).stored(PromptKey("aria", "angry"))
        assert stored is not None
        assert text == stored.prompt.text
        if form is Form.CSV:
            assert (
                not raw.split(b"aria,angry,")[1].lstrip(b'"').startswith((b"=", b"+", b"-", b"@"))
            )


def zipped(files: dict[str, bytes], **links: str) -> bytes:
    """A zip with files, and with links by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
        for name, target in links.items():
            entry = zipfile.ZipInfo(f"characters/{name}/idle.yaml")
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return out.getvalue()


FILES = {
    "characters/dana/character.yaml": b"name: Dana\n",
    "characters/dana/idle.yaml": b"# by hand\nprompt: |-\n  Hi\n",
    "README.md": b"x",
}


@pytest.mark.parametrize("below", ["", "prompts-main/"])
def test_a_zip_of_our_files_imports(repository: Repository, below: str) -> None:
    """As a work tree holds them, comments and all, with or without a folder around."""
    raw = zipped({f"{below}{name}": text for name, text in FILES.items()})

    imported(repository, raw)

    head = repository.head(STAGING)
    assert FILES["characters/dana/idle.yaml"] == repository.store.read(
        head, "characters/dana/idle.yaml"
    )


def test_what_is_not_here_is_told_by_the_file_in_a_zip(repository: Repository) -> None:
    """Each file of a zip is named, not the zip."""
    raw = zipped({"characters/nobody/idle.yaml": b"prompt: x\n"})

    with pytest.raises(InvalidFile) as wrong, planned(repository, raw):
        pass

    assert ["characters/nobody/idle.yaml"] == [each.path for each in wrong.value.problems]


def test_a_folder_of_our_files_imports(repository: Repository, tmp_path: Path) -> None:
    """Links in it are refused, Git's own folder is left alone."""
    folder = tmp_path / "tree"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")

    with preview(repository, STAGING, folder) as found:
        assert 2 == found.counts[State.CREATE]

    (folder / "defaults").symlink_to("/etc")
    with pytest.raises(InvalidFile, match="link"), preview(repository, STAGING, folder):
        pass


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../defaults/idle.yaml", "leads out"),
        ("/defaults/idle.yaml", "leads out"),
        ("defaults/../../idle.yaml", "leads out"),
        ("defaults\\idle.yaml", "leads out"),
        ("C:/defaults/idle.yaml", "leads out"),
    ],
)
def test_a_zip_that_leads_out_is_refused(name: str, words: str) -> None:
    """Above it, absolute, with a drive: refused by its name, not cleaned up."""
    assert words in refused(zipped({name: b"prompt: x\n", "prompts.yaml": b""})).problems[0].message


def test_a_link_in_a_zip_is_refused() -> None:
    """What it points to is never looked at."""
    raw = zipped({}, dana="/etc/passwd")

    assert "is a link" in refused(raw).problems[0].message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}, "save its sheet as CSV"),
        ({"mimetype": b"x", "content.xml": b"<x/>"}, "save its sheet as CSV"),
        ({"notes.txt": b"x"}, "this zip holds none of our documents"),
        ({}, "this zip holds none of our documents"),
    ],
)
def test_a_zip_of_something_else_is_refused(files: dict[str, bytes], words: str) -> None:
    """A workbook above all, which people take for a sheet."""
    assert words in refused(zipped(files)).problems[0].message


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_packed_otherwise_is_refused(how: int) -> None:
    """Only what every program packs is unpacked."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("defaults/idle.yaml", b"prompt: x\n")

    assert "pack it with Deflate" in refused(out.getvalue()).problems[0].message


def test_a_name_in_a_zip_that_is_no_text_is_told() -> None:
    """The name says that it is UTF-8, and is not."""
    raw = zipped({"defaults/idl\u00e9.yaml": b"prompt: x\n"})

    found = refused(raw.replace("\u00e9".encode(), b"\xff\xff"))

    assert "this zip can't be read" in found.problems[0].message


def test_a_zip_bomb_is_refused_unopened() -> None:
    """By what its table says it would unpack to, and by what comes out where that lies."""
    bomb = zipped({"defaults/idle.yaml": b"prompt: " + b"x" * 50_000_000})
    assert len(bomb) * RATIO < 50_000_000

    assert "would unpack" in refused(bomb).problems[0].message
    lying = bomb.replace(struct.pack("<I", 50_000_008), struct.pack("<I", 1000))
    assert refused(lying).count


def test_a_damaged_zip_is_refused() -> None:
    """Cut off or scrambled: one sentence."""
    raw = zipped(FILES)

    assert refused(raw[: len(raw) // 2]).count
    assert refused(raw[:40] + b"\0\1\2\3" * 8 + raw[72:]).count


@pytest.mark.parametrize("step", ["_bounded", "_top", "_take"])
def test_a_slip_of_ours_is_not_told_as_a_damaged_zip(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A ValueError outside of zipfile comes through: the file is whole, and the log is to know."""

    def slip(*_: object) -> None:
        raise ValueError("a slip of ours")

    monkeypatch.setattr(transfer_archives, step, slip)

    with pytest.raises(ValueError, match="a slip of ours"):
        refused(zipped(FILES))


CARD = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Dána Ray",
        "description": "A pilot.\r\nDry.",
        "personality": "calm",
        "scenario": "",
        "first_mes": "Hi {{user}}",
        "tags": ["lead", " night  shift ", "lead"],
    },
}


def png(**texts: bytes) -> bytes:
    """A PNG of one pixel with texts."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    told = b"".join(chunk(b"tEXt", name.encode() + b"\0" + text) for name, text in texts.items())
    pixel = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + told + pixel + chunk(b"IEND", b"")


def embedded(card: Any) -> bytes:
    """A card as it stands in an image."""
    return base64.b64encode(json.dumps(card).encode())


def cards() -> Iterator[bytes]:
    """The same character as V1, V2 and V3, as JSON and in images."""
    third = {**CARD, "spec": "chara_card_v3", "spec_version": "3.0"}
    yield json.dumps(CARD["data"]).encode()
    yield json.dumps(CARD).encode()
    yield json.dumps(third).encode()
    yield png(chara=embedded(CARD))
    yield png(chara=embedded({**CARD, "data": {"name": "Older"}}), ccv3=embedded(third))


@pytest.mark.parametrize("raw", list(cards()))
def test_a_character_card_becomes_a_character(repository: Repository, raw: bytes) -> None:
    """Name, description and tags; its id is made of the name."""
    imported(repository, raw)

    who = repository.current(STAGING).character("dana-ray")
    assert "Dána Ray" == who.name
    assert "A pilot.\nDry.\n\nPersonality: calm" == who.description
    assert ("lead", "night shift") == who.tags


def test_a_card_keeps_what_it_can_not_know(repository: Repository) -> None:
    """Over a character who is here, it takes no variable away that prompts are made of."""
    imported(repository, json.dumps(CARD).encode())
    ours = partial(replace, variables={"coat": "red"}, tags=("ours",))
    change_character(repository, STAGING, "dana-ray", ours, KIM, "Dress her")
    newer = {**CARD, "data": {"name": "Dána Ray", "description": "Older.", "tags": ["lead"]}}

    imported(repository, json.dumps(newer).encode(), Strategy.OVERWRITE)

    who = repository.current(STAGING).character("dana-ray")
    assert ("Older.", {"coat": "red"}, ("ours", "lead")) == (
        who.description, dict(who.variables), who.tags,
    )  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        png(),
        png(chara=b"not base64!"),
        png(chara=embedded([1])),
        png(chara=base64.b64encode(b"[" * 100_000)),
        png(chara=embedded({"spec": "chara_card_v2", "data": {"name": "  "}})),
        png(chara=embedded({"spec": "chara_card_v2", "data": {"name": "日本"}})),
        png(chara=embedded(CARD))[:60],
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt",
    ],
)
def test_an_image_without_a_card_is_refused(raw: bytes) -> None:
    """No card, no base64, no JSON, no name, cut off, of a size that can't be: a sentence each."""
    assert 1 == refused(raw).count


def test_the_schema_is_published_and_exports_keep_to_it(repository: Repository) -> None:
    """docs/export-schema.json is what exports are checked by, and both kinds of export pass."""
    file = Path(__file__).parent.parent / "docs" / "export-schema.json"
    put(repository, {"aria/angry": "One", "defaults/idle": "Two"})
    put(repository, {"aria/angry": None})

    published = json.loads(file.read_text())

    assert transfer_schema.schema() == published
    Draft202012Validator.check_schema(published)
    for versions in (False, True):
        value = json.loads(exported(repository, versions=versions))
        assert [] == list(Draft202012Validator(published).iter_errors(value))


def test_places_name_fields(repository: Repository) -> None:
    """A program finds the item and its field by name."""
    item = ITEM.replace("}", ',"versions":[{"version":1}]}')

    found = places(refused(around(item)))

    assert "items[0].versions[0]" in {field for _, _, field in found}


ROW = (
    "character,emotion,version,removed,prompt_text,created_by,created_by_email,created_at,reason\n"
)


@pytest.mark.parametrize("number", ["9" * 20, "9" * 5000, "0", "1.0", "-1"])
def test_a_version_that_is_no_number_is_told(number: str) -> None:
    """However large it is."""
    raw = f"{ROW}aria,angry,{number},,x,K,k@x,2026-01-01T00:00:00Z,r\n".encode()

    assert [(2, 3, "version")] == places(refused(raw))


def versioned(text: str, name: str = "Kim", **more: Any) -> bytes:
    """An export of one prompt with one version, without a checksum."""
    by = {"name": name, "email": "kim@studio.example"}
    version = {"version": 1, "created_by": by, "created_at": "2026-01-01T00:00:00Z"}
    item = {"kind": "prompt", "character": "aria", "emotion": "angry", "prompt_text": text, **more}
    header = {"format": "prompt-repo", "format_version": 1}
    versions = [{**version, "reason": "First", "prompt_text": "First."}]
    return json.dumps({"header": header, "items": [{**item, "versions": versions}]}).encode()


def history_of(repository: Repository) -> Sequence[Version]:
    """The versions of Aria's angry prompt, newest first."""
    held = repository.history.held(repository.head(STAGING), "characters/aria/angry.yaml")
    assert held is not None
    return repository.history.line(held.row, 10)


def test_a_text_beyond_its_last_version_is_one_more(repository: Repository) -> None:
    """Whoever edits an export by hand and leaves the versions gets another, by themselves."""
    done = imported(repository, versioned("Edited."))

    assert 2 == done.commits
    assert [("Bring it in", KIM.name), ("First", "Kim")] == [
        (each.reason, each.author.name) for each in history_of(repository)
    ]


def test_half_a_character_in_a_name_is_replaced(repository: Repository) -> None:
    """Git keeps text alone; the rest of the version comes as it is."""
    imported(repository, versioned("First.", "K\ud800m"))

    assert ["K?m"] == [each.author.name for each in history_of(repository)]


def test_half_a_character_in_a_key_is_told() -> None:
    """As any key that is unknown."""
    assert refused(versioned("First.", **{"\ud800": "x"})).count


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"character": ["aria"]}, "this must be text or null, not a list"),
        ({"tags": [{"a": number} for number in range(12_000)]}, "at most 1,000 are allowed"),
        ({"tags": ["a", "b", "a"]}, "'a' stands in this list already"),
    ],
)
def test_an_item_of_something_else_is_told(more: dict[str, Any], said: str) -> None:
    """At once, however much of it there is."""
    found = refused(versioned("First.", **more))

    assert said in found.problems[0].message
    assert 1_000 >= found.count
