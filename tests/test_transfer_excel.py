"""CSV by what Excel's documentation says of it; Excel itself can't be had here."""

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer_cells import EXCEL_KEEPS, excel_counts, is_cut, was_cut
from tests.factories import make_repository, put
from tests.web import Browser, bearer, make_app, person
from webapp.access import Role, Scope
from webapp.cli import main

LONG = "x" * EXCEL_KEEPS


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = make_repository(tmp_path, ("aria", "bolt"))
    put(found, {"aria/angry": f"{LONG}y", "bolt/angry": LONG, "aria/idle": "Waits."})
    return found


def run(repository: Repository, *words: str) -> Result:
    done = CliRunner().invoke(main, ["--data", str(repository.store.path.parent), *words])
    assert done.exit_code == 0, done.output
    return done


def test_how_long_a_cell_is_to_excel() -> None:
    """It counts by 16 bits, and the quote that makes a text of a formula is one of them."""
    assert (3, 2) == (excel_counts("a😀"), excel_counts("é中"))
    assert is_cut(f"{LONG}y")
    assert not is_cut(LONG)
    assert is_cut("😀" * (EXCEL_KEEPS // 2 + 1))
    assert is_cut("=" + "x" * (EXCEL_KEEPS - 1))
    assert was_cut(LONG)
    assert was_cut("😀" * (EXCEL_KEEPS // 2))
    assert not was_cut(f"{LONG}y")


def test_a_cell_that_excel_would_cut_is_named(repository: Repository, tmp_path: Path) -> None:
    """On the command line, beside what is written whole; JSON has no such cells."""
    target = tmp_path / "out.csv"

    told = run(repository, "export", "--format", "csv", "-o", str(target)).stderr
    of_versions = run(repository, "export", "--format", "csv", "--versions", "-o", str(target))
    quiet = run(repository, "export", "-o", str(tmp_path / "out.json")).stderr

    assert "warning: aria/angry: prompt_text has 32,768 characters" in told
    assert "Excel keeps 32,767 of a cell" in told
    assert "bolt" not in told
    assert "aria/angry: prompt_text" in of_versions.stderr
    assert f"{LONG}y" in target.read_text()
    assert "warning" not in quiet


def test_the_page_and_the_api_name_it_as_well(repository: Repository) -> None:
    """Beside the file."""
    app = make_app(repository.store.path.parent)
    admin: Browser = person(app, Role.ADMIN)

    page = admin.post("/transfers/export", environment=STAGING, form="csv").headers["Location"]
    answer = app.test_client().post(
        "/api/v1/admin/prompts/export",
        json={"environment": STAGING, "format": "csv"},
        headers=bearer(app, Scope.ADMIN),
    )

    assert "aria/angry: prompt_text has 32,768 characters" in admin.get(page).text
    assert "The file is ready." in admin.get(page).text
    (warning,) = answer.json["warnings"]
    assert warning.startswith("aria/angry: prompt_text has 32,768 characters")


def test_a_cell_that_excel_may_have_cut_is_pointed_out(
    repository: Repository, tmp_path: Path
) -> None:
    """With its line, before anything is imported."""
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"character,emotion,prompt_text\naria,angry,{LONG}\naria,idle,Still waits.\n")

    told = run(repository, "import", str(sheet), "--dry-run", "--strategy", "skip").stderr

    assert "warning: line 2: prompt_text is just as long as the longest cell" in told
    assert "line 3" not in told


def test_what_excel_needs_of_a_file(repository: Repository) -> None:
    """A BOM on request, rows that end in CRLF, quotes doubled, line ends in cells as they are."""
    put(repository, {"aria/idle": 'Says "no".\nTurns; waits, turns.\n'})

    raw = run(repository, "export", "--format", "csv", "--bom", "--character", "aria").stdout_bytes
    plain = run(repository, "export", "--format", "csv", "--character", "aria").stdout_bytes

    assert raw == b"\xef\xbb\xbf" + plain
    assert raw.count(b"\r\n") == raw.replace(b"\r\n", b"").count(b"\r") + 3
    assert b'"Says ""no"".\nTurns; waits, turns.\n"' in raw
    rows = list(csv.DictReader(io.StringIO(plain.decode(), newline="")))
    assert 'Says "no".\nTurns; waits, turns.\n' in {row["prompt_text"] for row in rows}
