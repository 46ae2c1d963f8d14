"""The pages of rules and of the mapping: chosen, edited as a file, kept in versions, looked up."""

import io
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from sync import mapping, rules
from sync.rules import Rules
from sync.showing import completed, suggestions
from sync.tables import open_source
from tests.servers import Postgres
from tests.staging_world import KEY, Staging, staging_world
from tests.sync.databases import ask, carry_out
from webapp import rules_view, staging_upkeep, sync_rules
from webapp.records.models import AuditEntry

UNCOVERED = "ALTER TABLE users ADD COLUMN tax_id TEXT"


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(tmp_path, redis_url, sync_mapping="tags") as made:
        yield made


def standing(world: Staging) -> sync_rules.SyncRules:
    found = sync_rules.latest(world.here.records)
    assert found is not None
    return found


def rule(world: Staging, table: str, column: str) -> str:
    return str(rules.parse(standing(world).text).tables[table].columns[column])


def whole_form(page: str) -> dict[str, str]:
    """What a browser would send of the page as it stands."""
    found = {}
    for name, body in re.findall(
        r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected', body)
        first = re.search(r'<option(?: value="([^"]*)")?', body)
        value = (chosen or first)[1]  # type: ignore[index]
        found[name] = (value or "en_US").replace("&#39;", "'").replace("&#34;", '"')
    for name, value in re.findall(r'<input[^>]*name="((?:where|seen)[^"]*)" value="([^"]*)"', page):
        found[name] = value
    return found


def test_every_column_is_shown_with_its_rule_why_and_a_fake(world: Staging) -> None:
    """No original is: what is personal is covered."""
    page = world.here.admin.get("/staging/rules").text

    assert 'name="rule:users:email"' in page
    assert "Called email" in page
    assert "@example." in page
    first = world.in_production("SELECT first_name, last_name, email, phone FROM users LIMIT 1")[0]
    assert first[2] not in page
    assert first[3] not in page


def test_a_rule_that_is_chosen_makes_a_version(world: Staging) -> None:
    """The others stay, with their reasons; the one chosen says who it is of."""
    page = world.here.admin.get("/staging/rules").text
    form = whole_form(page) | {"rule:users:bio": "'null'", "reason": "No bios in staging"}

    answer = world.here.admin.post("/staging/rules", **form)

    made = standing(world)
    assert (303, 2, "No bios in staging") == (answer.status_code, made.version, made.reason)
    assert ("null", "email") == (rule(world, "users", "bio"), rule(world, "users", "email"))
    assert ("chosen by hand", "called email") == (
        made.why["users"]["bio"],
        made.why["users"]["email"],
    )


def test_an_uncovered_column_stands_first_and_saving_takes_what_is_suggested(
    world: Staging,
) -> None:
    """It says so in red, with a suggestion; one button covers it."""
    world.in_production(UNCOVERED)
    page = world.here.admin.get("/staging/rules").text

    answer = world.here.admin.post("/staging/rules", **whole_form(page))

    assert "1 column without a rule" in page
    assert page.index("users.tax_id") < page.index('name="what:assignments"')
    assert 'href="#users.tax_id"' in page
    assert 'id="users.tax_id"' in page
    assert (303, "digits") == (answer.status_code, rule(world, "users", "tax_id"))


@pytest.mark.parametrize("standing", ["", "users: {columns: {id: digits}}"])
def test_what_is_suggested_can_be_saved_as_it_stands(world: Staging, standing: str) -> None:
    """Where there are no rules at all, and where what others refer to has its own."""
    wanted = rules.parse(f"version: 1\ntables:\n  {standing}\n") if standing else Rules()
    source = open_source(f"sqlite:///{world.production}")
    schema = source.schema()

    found = rules_view.made(source, wanted, {}, None)
    whole = completed(wanted, schema, suggestions(wanted, schema, source)).tables
    source.close()

    assert () == found.problems
    assert whole["assignments"].columns["user_id"] == whole["users"].columns["id"]


def test_rules_that_can_not_work_are_not_saved(world: Staging) -> None:
    """An email that must be unique can't get a name that comes again; the choice is kept."""
    page = world.here.admin.get("/staging/rules").text

    answer = world.here.admin.post(
        "/staging/rules", **(whole_form(page) | {"rule:users:email": "full_name"})
    )

    assert (422, 1) == (answer.status_code, standing(world).version)
    assert "unique" in answer.text
    assert "rules.yaml:" not in answer.text  # there are no lines here
    assert "Called first_name" in answer.text
    assert '<option value="full_name" selected' in answer.text


def test_saving_what_stands_makes_no_version(world: Staging) -> None:
    """And the page says that nothing changed."""
    form = whole_form(world.here.admin.get("/staging/rules").text)

    world.here.admin.post("/staging/rules", **form)

    assert 1 == standing(world).version
    page = world.here.admin.get("/staging/rules").text
    assert "Nothing changed: version 1 says the same." in page


def test_a_condition_that_production_can_not_read_is_not_saved(world: Staging) -> None:
    """The page and the file say which table's, and what the database says; it stays as typed."""
    form = whole_form(world.here.admin.get("/staging/rules").text)
    text = standing(world).text.replace("\n  users:\n", "\n  users:\n    where: nowhere > 7\n")

    chosen = world.here.admin.post("/staging/rules", **(form | {"where:users": "id < ("}))
    written = world.here.admin.post("/staging/rules/file", text=text, seen="1")

    assert (422, 422, 1) == (chosen.status_code, written.status_code, standing(world).version)
    assert "users: its condition can&#39;t be read by the database" in chosen.text
    assert 'value="id &lt; ("' in chosen.text
    assert "run again" not in chosen.text
    assert re.search(r"rules.yaml:\d+: users: .*no such column: nowhere", written.text)


def test_a_condition_that_is_more_than_one_never_reaches_production(
    world: Staging, postgres: Postgres
) -> None:
    """Not even to be shown: a second statement could end the read-only transaction."""
    url = postgres.create()
    carry_out(url, "CREATE TABLE people (id int PRIMARY KEY)", "INSERT INTO people VALUES (1)")
    object.__setattr__(world.here.settings, "production_database_url", url)
    world.draft()
    wicked = "true) TO STDOUT; COMMIT; SET transaction_read_only = off; DELETE FROM people; --"

    answer = world.here.admin.post("/staging/rules", **{"where:people": wicked, "seen": "2"})

    assert (422, [(1,)]) == (answer.status_code, ask(url, "SELECT id FROM people"))
    assert "one SQL condition" in answer.text


def test_a_restored_version_that_lacks_a_column_is_mended_and_saved(world: Staging) -> None:
    """Its file is there to be completed, and saving that saves what stands in it."""
    form = whole_form(world.here.admin.get("/staging/rules").text)
    world.here.admin.post("/staging/rules", **(form | {"rule:users:bio": "'null'"}))
    world.in_production(UNCOVERED)

    answer = world.here.admin.post("/staging/rules/versions/1/restore")
    assert 422 == answer.status_code
    assert 'action="/staging/rules/file"' in answer.text
    text = sync_rules.version(world.here.records, 1).text
    mended = text.replace("      bio:", "      tax_id: digits\n      bio:", 1)
    world.here.admin.post("/staging/rules/file", text=mended, seen="2")

    assert 3 == standing(world).version
    assert ("digits", "text") == (rule(world, "users", "tax_id"), rule(world, "users", "bio"))


def test_what_the_form_does_not_show_stays(world: Staging) -> None:
    """A watermark, which is a matter of the file, is there after a rule was chosen."""
    text = standing(world).text.replace("\n  users:\n", "\n  users:\n    watermark: created_at\n")
    world.here.admin.post("/staging/rules/file", text=text, seen="1")
    form = whole_form(world.here.admin.get("/staging/rules").text)

    world.here.admin.post("/staging/rules", **(form | {"rule:users:bio": "'null'"}))

    table = rules.parse(standing(world).text).tables["users"]
    assert (3, "created_at") == (standing(world).version, table.watermark)


def test_somebody_else_s_version_is_not_overwritten(world: Staging) -> None:
    """Who saved over rules that moved meanwhile is told so."""
    form = whole_form(world.here.admin.get("/staging/rules").text)
    world.here.admin.post("/staging/rules", **(form | {"rule:users:bio": "'null'"}))

    answer = world.here.admin.post("/staging/rules", **(form | {"rule:users:bio": "keep"}))

    assert (422, "null") == (answer.status_code, rule(world, "users", "bio"))
    assert "somebody saved other rules meanwhile" in answer.text


def test_a_table_is_skipped_or_only_some_rows_are_copied(world: Staging) -> None:
    """What refers to a skipped table is told; a condition goes into the file."""
    form = whole_form(world.here.admin.get("/staging/rules").text)
    changed = {"what:subscriptions": "skip", "where:comments": "id < 10"}

    assert 303 == world.here.admin.post("/staging/rules", **(form | changed)).status_code

    found = rules.parse(standing(world).text)
    assert (True, "id < 10") == (found.tables["subscriptions"].skip, found.tables["comments"].where)
    made = world.run()
    assert ("completed", 9) == (made.status, made.counts["comments"]["seen"])
    assert "subscriptions" not in made.counts


def test_the_file_goes_out_and_comes_in(world: Staging) -> None:
    """Exported with its reasons, imported with what was changed in it, kept as it was written."""
    out = world.here.admin.get("/staging/rules/versions/1/rules.yaml")
    text = out.text.replace("bio: text", "bio: scrub", 1)
    seen = {"seen": "1", "csrf_token": world.here.admin.csrf()}

    answer = world.here.admin.client.post(
        "/staging/rules/file", data=seen | {"file": (io.BytesIO(text.encode()), "rules.yaml")}
    )

    assert "attachment" in out.headers["Content-Disposition"]
    assert "# called email" in out.text
    assert (303, "scrub", text) == (
        answer.status_code, rule(world, "users", "bio"), standing(world).text,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\ntables:\n  users:\n    columns:\n      email: burn\n", "rules.yaml:5:14"),
        ("a: [", "no YAML"),
        ("version: 1\ntables: {}\n", "no rule covers"),
        ("", "must stand here"),
    ],
)
def test_a_file_that_can_not_work_says_where(world: Staging, text: str, said: str) -> None:
    """With line and column; nothing is saved, and the text is kept."""
    answer = world.here.admin.post("/staging/rules/file", text=text, seen="1")

    assert (422, 1) == (answer.status_code, standing(world).version)
    assert said in answer.text


def test_an_earlier_version_comes_back_as_the_newest(world: Staging) -> None:
    """Versions are never changed, only followed."""
    form = whole_form(world.here.admin.get("/staging/rules").text)
    world.here.admin.post("/staging/rules", **(form | {"rule:users:bio": "'null'"}))

    world.here.admin.post("/staging/rules/versions/1/restore")

    made = standing(world)
    assert (3, "As version 1 was", "text") == (
        made.version,
        made.reason,
        rule(world, "users", "bio"),
    )
    assert "Version 3" in world.here.admin.get("/staging/rules/versions").text
    assert 404 == world.here.admin.get("/staging/rules/versions/9").status_code


def test_a_draft_covers_everything_anew(world: Staging) -> None:
    """Also what came since."""
    world.in_production(UNCOVERED)

    world.here.admin.post("/staging/rules/draft")

    assert (2, "digits") == (standing(world).version, rule(world, "users", "tax_id"))


# The mapping


def test_an_original_finds_its_fake_and_who_asked_is_logged(world: Staging) -> None:
    """By POST with a reason; the log has who, why and how many, and not the original."""
    world.run()
    email = world.in_production("SELECT email FROM users WHERE id = 7")[0][0]
    fake = world.in_staging("SELECT email FROM users WHERE id = 7")[0][0]

    answer = world.here.admin.post(
        "/staging/mapping", value=f"  {email.upper()} ", reason="Ticket 4711", which="original"
    )

    with world.here.records.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "mapping.look_up")
        ).one()
    assert fake in answer.text
    assert "no-store" == answer.headers["Cache-Control"]
    assert ("Ticket 4711", 1) == (entry.detail["reason"], entry.detail["found"])
    assert email not in str(entry.detail).lower()


def test_a_fake_leads_to_no_original_unless_they_are_sealed(world: Staging) -> None:
    """By default there is none to be found."""
    world.run()
    fake = world.in_staging("SELECT email FROM users WHERE id = 7")[0][0]
    email = world.in_production("SELECT email FROM users WHERE id = 7")[0][0]

    answer = world.here.admin.post(
        "/staging/mapping", value=fake, reason="Ticket 4712", which="fake"
    )

    assert "the original is not kept" in answer.text
    assert email not in answer.text


def test_an_original_taken_for_a_fake_stays_out_of_the_log(world: Staging) -> None:
    """Whoever mistakes the two has not put somebody's address where nothing is taken out."""
    world.run()
    email = world.in_production("SELECT email FROM users WHERE id = 7")[0][0]

    world.here.admin.post("/staging/mapping", value=email, reason="Ticket 4715", which="fake")

    with world.here.records.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "mapping.look_up")
        ).one()
    assert 0 == entry.detail["found"]
    assert email not in str(entry.detail)


def test_sealed_originals_open_by_a_setting(tmp_path: Path, redis_url: str) -> None:
    """Whoever set it may see them."""
    with staging_world(tmp_path, redis_url, sync_mapping="sealed") as world:
        world.run()
        fake = world.in_staging("SELECT email FROM users WHERE id = 7")[0][0]
        email = world.in_production("SELECT email FROM users WHERE id = 7")[0][0]

        answer = world.here.admin.post(
            "/staging/mapping", value=fake, reason="Ticket 4713", which="fake"
        )

    assert email in answer.text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"value": "", "reason": "Ticket 4711"}, "what to look up"),
        ({"value": "a@b.example", "reason": "hm"}, "Say why"),
        ({"value": "a@b.example", "reason": "Ticket 4711", "which": "all"}, "an original up, or"),
    ],
)
def test_a_look_up_needs_a_value_and_a_reason(
    world: Staging, form: dict[str, str], said: str
) -> None:
    """Nothing is looked up without."""
    answer = world.here.admin.post("/staging/mapping", **form)

    assert 422 == answer.status_code
    assert said in answer.text


def test_the_mapping_is_off_by_a_setting(tmp_path: Path, redis_url: str) -> None:
    """Nothing is kept, and the page says so."""
    with staging_world(tmp_path, redis_url) as world:
        world.run()

        assert "No mapping is kept" in world.here.admin.get("/staging/mapping").text
        assert not (world.here.settings.data / "mapping.sqlite3").exists()


def test_mappings_are_gone_after_their_time(world: Staging) -> None:
    """The upkeep takes them away."""
    world.run()
    file = world.here.settings.data / "mapping.sqlite3"
    kept = mapping.Mapping(f"sqlite:///{file}", mapping.Key(KEY), days=30)
    before = len(kept.look_up(world.in_production("SELECT email FROM users")[0][0]))
    _age(file)
    done = staging_upkeep.clean_up(world.here.records, world.here.settings)
    after = len(kept.look_up(world.in_production("SELECT email FROM users")[0][0]))
    kept.close()

    assert (1, 0) == (before, after)
    assert done["mappings"] > 100


def test_what_was_kept_goes_also_once_it_is_switched_off(world: Staging) -> None:
    """Nothing new is kept, and what is there does not stay for ever."""
    world.run()
    file = world.here.settings.data / "mapping.sqlite3"
    _age(file)
    off = replace(world.here.settings, sync_mapping="off", anonymization_key="")

    done = staging_upkeep.clean_up(world.here.records, off)

    assert done["mappings"] > 100
    assert 0 == staging_upkeep.clean_up(world.here.records, off)["mappings"]


def _age(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("UPDATE prompt_repo_mapping SET expires = '2020-01-01T00:00:00+00:00'")
    database.close()


NAMES = (
    "<script>alert(1)</script>", "a\"b'c", "%s{}", "..", "line\nin", "\u202e", "\u2028", "\x85",
    "null", "1:1", "{{7*191*1001}}", " lead ", "&a", "*a", "a:b", "\x1b[31m", "-",
)  # fmt: skip


def test_tables_may_be_called_anything(world: Staging) -> None:
    """Their rules are drafted, saved, shown and carried out; no name is taken for code."""
    for name in NAMES:
        quoted = '"' + name.replace('"', '""') + '"'
        world.in_production(f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT)")
        world.in_production(f"INSERT INTO {quoted} VALUES (1, ?)", f"met {name} by chance")
    drafted = world.here.admin.post("/staging/rules/draft")
    pages = [world.here.admin.get(f"/staging/rules{each}") for each in ("", "/file", "/versions")]
    saved = world.here.admin.post("/staging/rules", **whole_form(pages[0].text), reason="As it is")
    made = world.run()
    pages.append(world.here.admin.get(f"/staging/syncs/{made.id}"))

    assert (303, 303, "completed") == (drafted.status_code, saved.status_code, made.status)
    assert {200} == {each.status_code for each in pages}
    text = "".join(each.text for each in pages)
    assert "<script>alert" not in text
    assert "1338337" not in text
    assert {*NAMES} < {*made.counts}


def test_a_file_that_is_refused_since_it_was_saved_can_be_mended(world: Staging) -> None:
    """Its page is the file with what is wrong; the next version is an ordinary one."""
    good = standing(world).text
    saved = sync_rules.save(
        world.here.records, "version: 1\ntables: {a: &b skip, c: *b}\n", {}, "person:ada", "", 1
    )

    page = world.here.admin.get("/staging/rules")
    mended = world.here.admin.post("/staging/rules/file", text=good, seen=saved.version)

    assert 422 == page.status_code
    assert "write out what *b stands for" in page.text
    assert "&amp;b skip" in page.text
    assert 303 == mended.status_code
    assert 200 == world.here.admin.get("/staging/rules").status_code
