"""Everything that the audit log tells of, really done: who does it by which request."""

import io
import os
import re
from html import unescape
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from prompt_repo.repository import PRODUCTION, STAGING
from tests.factories import put
from tests.git_client import Clone, address, git, prompt, secret
from tests.staging_world import Staging
from tests.test_job_pages import queue
from tests.test_rules_pages import whole_form
from tests.test_staging_pages import form as configuration
from tests.web import PASSWORD, Browser, bearer, person, served
from webapp import audit_tending, change_records, exports, import_jobs, tokens
from webapp.access import Role, Scope
from webapp.cli import main
from webapp.config import environment_of

ENV = f"/environments/{STAGING}"
ARIA, API = f"{ENV}/characters/aria", f"/api/v1/environments/{STAGING}"
ANGRY = f"{API}/characters/aria/emotional-prompts/angry"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
SHEET = 'character,emotion,prompt_text\naria,idle,"{}"\naria,angry,"{}"\n'


class Deeds:
    """Does it all, once; what is made on the way is needed further on."""

    def __init__(self, world: Staging, folder: Path) -> None:
        self.world, self.here, self.folder = world, world.here, folder
        self.ada = person(self.here.app, Role.ADMIN, "ada")
        self.kim = person(self.here.app, Role.REVIEWER, "kim")
        self.client = self.here.app.test_client()
        self.headers = bearer(self.here.app, Scope.ADMIN)

    def all(self) -> None:
        """Every deed."""
        for each in (
            self.prompts, self.prompts_by_api, self.changes, self.changes_by_api, self.promotions,
            self.previews, self.transfers, self.large_transfers, self.transfers_by_api, self.syncs,
            self.rules, self.people, self.tokens, self.webhooks, self.jobs, self.git,
            self.commands, self.upkeep,
        ):  # fmt: skip
            each()

    def head(self, branch: str = STAGING) -> str:
        return self.here.repository.head(branch)

    def put(self, **texts: str) -> None:
        """Edits that nobody enters, but the clock."""
        put(self.here.repository, {name.replace("__", "/"): text for name, text in texts.items()})

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What the API answers."""
        more = {"json": body} if body is not None else {}
        asked = self.client.open(path, method=method, headers={**self.headers, **headers}, **more)
        assert asked.status_code < 400, f"{method} {path}: {asked.text}"
        return asked.json

    def post(self, path: str, who: Browser | None = None, /, **form: str) -> TestResponse:
        """A form that was taken."""
        answer = (who or self.ada).post(path, **form)
        assert answer.status_code < 400, f"{path}: {answer.text[-4000:]}"
        return answer

    def send(self, path: str, *pairs: tuple[str, str]) -> TestResponse:
        """A form with fields of one name."""
        data = MultiDict([("csrf_token", self.ada.csrf()), *pairs])
        answer = self.ada.client.post(path, data=data)
        assert answer.status_code < 400, f"{path}: {answer.text[-4000:]}"
        return answer

    def prompts(self) -> None:
        save = {"notes": "", "tags": "", "action": "save"}
        self.post(f"{ARIA}/angry", base=self.head(), text="Breathes.", reason="Calm", **save)
        self.post(f"{ARIA}/angry/history/1/revert", base=self.head(), reason="As it was")
        self.post(f"{ARIA}/angry/remove", base=self.head(), reason="The default is better")
        self.post(f"{ARIA}/angry/restore")
        person = {"name": "Cleo", "description": "", "tags": ""}
        self.post(f"{ENV}/new-character", id="cleo", **person)
        base = self.head()
        self.post(f"{ENV}/characters/cleo/character", base=base, **person | {"tags": "lead"})
        self.post(f"{ENV}/characters/cleo/character/archive", archived="yes")
        cells = [("cell", "aria/angry"), ("kind", "replace"), ("find", "breath"), ("with", "sigh")]
        self.send(f"{ENV}/bulk/apply", *cells, ("base", self.head()), ("reason", "Sighs"))
        self.post(f"{ENV}/bulk/{self.head()}/undo", reason="No")

    def prompts_by_api(self) -> None:
        character = f"{API}/characters"
        self.ask("POST", character, {"id": "dan", "name": "Dan"})
        self.ask("PATCH", f"{character}/dan", {"name": "Daniel"}, **{"If-Match": "*"})
        self.ask("DELETE", f"{character}/dan", **{"If-Match": "*"})
        for path in (ANGRY, f"{API}/defaults/angry"):
            wanted = {"prompt_text": "{character_name} stares.", "reason": "By the API"}
            self.ask("PUT", path, wanted, **{"If-Match": "*"})
            back = {"version": 1, "reason": "Back"}
            self.ask("POST", f"{path}/revert", back, **{"If-Match": "*"})
            self.ask("DELETE", path, **{"If-Match": "*"})
            self.ask("POST", f"{path}/restore", {"reason": "Again"}, **{"If-Match": "*"})
        edit = {"character": "aria", "emotion": "angry", "prompt_text": "Many.", "if_match": "*"}
        done = self.ask("POST", f"{API}/bulk", {"edits": [edit], "reason": "Many at once"})
        self.ask("POST", f"{API}/bulk/undo", {"commit": done["commit"], "reason": "No"})

    def changes(self) -> None:
        number = self._proposed("Angrier.")
        row = change_records.found(self.here.records, number)
        at, files = f"/changes/{number}", {"path": "characters/aria/angry.yaml"}
        self.post(f"{at}/say", self.kim, text="What do you think?")
        on = {**files, "line": "1", "head": row.head, "text": "This line."}
        told = self.post(f"{at}/lines", self.ada, **on)
        comment = told.headers["Location"].rpartition("-")[2]
        self.post(f"{at}/comments/{comment}/settle", self.ada)
        edited = {"notes": "", "tags": "", "reason": "Softer", "text": "Angrier, softer."}
        self.post(f"{at}/edit", self.kim, base=row.head, **files, **edited)
        self.put(bolt__angry="Meanwhile.")
        self.post(f"{at}/update", self.ada, head=self._head_of(number))
        self.post(f"{at}/clips", self.ada, **files, of="aria/angry")
        self.post(f"{at}/close", self.kim, text="Later")
        self.post(f"{at}/reopen", self.kim)
        self.put(aria__angry="Staging has its own.")
        clash = {"head": self._head_of(number), "base": self.head(), "c0": "text"}
        self.post(f"{at}/conflicts", self.kim, **clash, **{"c0-text": "Both."})
        number = self._proposed("Angrier still.")
        review = {"head": self._head_of(number), "text": "Good.", "action": "approve"}
        self.post(f"/changes/{number}/say", **review)
        self.post(f"/changes/{number}/merge", head=self._head_of(number))
        gone = {"base": self.head(), "title": "Drop it"}
        self.post(f"{ARIA}/angry/propose-removal", self.kim, **gone)
        named = {"name": "Dr Aria", "description": "", "tags": "", "title": "Her name"}
        to = f"{ARIA}/character/propose"
        self.post(to, self.kim, base=self.head(), action="open", about="", **named)

    def _proposed(self, text: str) -> int:
        sent = {"action": "open", "text": text, "title": text, "base": self.head()}
        told = self.post(f"{ARIA}/angry/propose", self.kim, **sent)
        return int(told.headers["Location"].rpartition("/")[2])

    def _head_of(self, number: int) -> str:
        return change_records.found(self.here.records, number).head

    def changes_by_api(self) -> None:
        edit = {"character": "aria", "emotion": "angry", "prompt_text": "Asked.", "if_match": "*"}
        made = self.ask("POST", "/api/v1/changes", {"title": "By the API", "edits": [edit]})
        number = made["number"]
        at = f"/api/v1/changes/{number}"
        more = {"edits": [{**edit, "prompt_text": "Asked again."}]}
        self.ask("POST", f"{at}/edits", more)
        said = self.ask("POST", f"{at}/comments", {"text": "Well?"})
        self.ask("PATCH", f"{at}/comments/{said['id']}", {"settled": True})
        self.put(bolt__angry="Moved once more.")
        self.ask("POST", f"{at}/update", {"head": self._head_of(number)})
        self.ask("POST", f"{at}/close", {"text": "Later"})
        self.ask("POST", f"{at}/reopen")
        self.headers, mine = bearer(self.here.app, Scope.ADMIN), self.headers
        review = {"verdict": "request_changes", "head": self._head_of(number), "text": "Not yet"}
        self.ask("POST", f"{at}/reviews", review)
        self.ask("POST", f"{at}/reviews", {**review, "verdict": "approve"})
        self.headers = mine
        self.ask("POST", f"{at}/merge", {"head": self._head_of(number)})

    def promotions(self) -> None:
        for who, by_api in (("aria", False), ("bolt", True)):
            self.put(**{f"{who}__idle": "For Friday."})
            if by_api:
                plan = self.ask("GET", "/api/v1/promotions/plan")
                pins = {STAGING: plan["from"]["commit"], PRODUCTION: plan["to"]["commit"]}
                done = self.ask("POST", "/api/v1/promotions", {"plan": pins})
                back = f"/api/v1/promotions/{done['id']}/rollback"
                self.ask("POST", back, {"reason": "Too soft"})
                continue
            plan = self.send("/promotion/plan", ("all", "1"))
            went = self.send("/promotion", *hidden(plan), ("reason", "Friday"))
            release = went.headers["Location"]
            undo = self.ada.get(f"{release}/roll-back")
            chosen = ("path", "characters/aria/idle.yaml"), ("reason", "Too loud")
            self.send(f"{release}/roll-back", *hidden(undo), *chosen)

    def previews(self) -> None:
        made = self.post(f"{ARIA}/angry/test", text="Fumes.").headers["Location"]
        self.here.work(("previews",))
        self.post(f"{made}/again")
        waits = self.post(f"{ARIA}/angry/test", text="Waits.").headers["Location"]
        self.post(f"{waits}/cancel")
        self.post(f"{ARIA}/angry/compare/clips?from=1&to=2", **{"from": "1", "to": "2"})
        self.post(f"{ENV}/clips/aria")
        asked = self.ask("POST", f"{ANGRY}/test", {"prompt_text": "By the API."})
        self.ask("DELETE", f"/api/v1/previews/{asked['id']}")
        self.ask("POST", f"{API}/defaults/angry/test", {"prompt_text": "The default."})

    def transfers(self) -> None:
        page = self.post("/transfers/export", environment=STAGING, form="csv")
        self.ada.get(f"{page.headers['Location']}/file")
        plan = self._sent(SHEET.format("From a sheet.", "From a sheet, too."))
        kept = {"decide.characters/aria/angry.yaml": "overwrite"}
        self.post(plan, action="keep", **kept)
        self.post(plan, action="apply", strategy="overwrite", reason="The sheet")
        self.post(f"{plan}/undo")
        self.ask("GET", f"{API}/export")

    def large_transfers(self) -> None:
        """Those that take a worker: carried out, and called off."""
        with (
            mock.patch.object(import_jobs, "AT_ONCE", 10),
            mock.patch.object(exports, "AT_ONCE", 0),
        ):
            plan = self._sent(SHEET.format("Large.", "Large, too."))
            self.here.work(("upkeep",))
            self.post(plan, action="apply", strategy="overwrite", reason="A large sheet")
            self.here.work(("upkeep",))
            self.post(f"{self._sent(SHEET.format('Never.', 'Never.'))}/cancel")
            page = self.post("/transfers/export", environment=STAGING, form="csv")
            self.post(f"{page.headers['Location']}/cancel")
            wanted = {"environment": STAGING, "format": "csv"}
            made = self.ask("POST", "/api/v1/admin/prompts/export", wanted)
            self.ask("DELETE", f"/api/v1/admin/prompts/exports/{made['id']}")
            made = self._imported("preview", SHEET.format("Never.", "Never."))
            self.ask("DELETE", f"/api/v1/admin/prompts/imports/{made['id']}")

    def transfers_by_api(self) -> None:
        made = self.ask("POST", "/api/v1/admin/prompts/export", {"environment": STAGING})
        self.client.get(f"/api/v1/admin/prompts/exports/{made['id']}/file", headers=self.headers)
        self._imported("apply", SHEET.format("By the API.", "By the API, too."))

    def _sent(self, text: str) -> str:
        file = (io.BytesIO(text.encode()), "sheet.csv")
        told = {"csrf_token": self.ada.csrf(), "environment": STAGING, "file": file}
        address_: str = self.ada.client.post("/imports", data=told).headers["Location"]
        return address_

    def _imported(self, mode: str, text: str) -> Any:
        asked = self.client.post(
            f"/api/v1/admin/prompts/import?mode={mode}&environment=staging&strategy=overwrite",
            data=text.encode(), headers=self.headers,
        )  # fmt: skip
        assert asked.status_code < 300, asked.text
        return asked.json

    def syncs(self) -> None:
        world = self.world
        world.run()
        for by_api in (False, True):
            for number in (1, 2):
                role = f"lead {by_api}"
                world.in_production("UPDATE users SET role = ? WHERE id = ?", role, number)
                world.in_staging("UPDATE users SET bio = ? WHERE id = ?", role, number)
            start = f"{'/api/v1' if by_api else ''}/staging/syncs"
            if by_api:
                made = self.ask("POST", start, {})["id"]
            else:
                made = self.post(start).headers["Location"].rpartition("/")[2]
            self.here.work(("syncs",))
            if by_api:
                skip = {"action": "skip", "resume": False}
                self.ask("POST", f"{start}/{made}/resolve", skip)
                self.ask("POST", f"{start}/{made}/resume")
                self.here.work(("syncs",))
                waits = self.ask("POST", start, {})["id"]
                self.ask("POST", f"{start}/{waits}/cancel")
                continue
            self.post(f"{start}/{made}/conflicts", scope="all", action="skip")
            self.post(f"{start}/{made}/resume")
            self.here.work(("syncs",))
            waits = self.post(start).headers["Location"]
            self.post(f"{waits}/cancel")

    def rules(self) -> None:
        world = self.world
        email = world.in_production("SELECT email FROM users WHERE id = 7")[0][0]
        self.post("/staging/mapping", value=email, reason="Ticket 4711", which="original")
        self.post("/staging/configuration", **configuration(world, storage_bucket="studio-qa"))
        self.ask("PATCH", "/api/v1/staging/config", {"environment_name": "qa"})
        page = self.ada.get("/staging/rules").text
        chosen = whole_form(page) | {"rule:users:bio": "'null'", "reason": "No bios"}
        self.post("/staging/rules", **chosen)
        self.post("/staging/rules/draft")
        file = unescape(self.ada.get("/staging/rules/file").text)
        text = file[file.index("<textarea") :].partition(">")[2].partition("</textarea>")[0]
        seen = re.search(r'name="seen" value="([0-9]+)"', file)
        assert seen is not None
        self.post("/staging/rules/file", text=text.lstrip("\n"), seen=seen[1], reason="By hand")
        self.post("/staging/rules/versions/1/restore")

    def people(self) -> None:
        self.post("/new-person", name="lou", role="viewer")
        self.post("/people/lou/role", role="reviewer")
        self.post("/people/lou/details", display_name="Lou", email="lou@studio.example")
        self.post("/people/lou/password")
        self.post("/people/lou/disabled", disabled="yes")
        other = Browser(self.here.app)
        other.log_in("ada", "not the password")
        other.log_in("ada")
        own = {"current": PASSWORD, "new": "another-Password-1", "again": "another-Password-1"}
        eve = person(self.here.app, Role.VIEWER, "eve")
        self.post("/account/password", eve, **own)
        person(self.here.app, Role.VIEWER, "vic").post("/logout")
        person(self.here.app, Role.VIEWER, "win").get("/people")

    def tokens(self) -> None:
        self.post("/tokens/new", name="nightly", scope="read", environment=STAGING, days="7")
        page = self.ada.get("/tokens").text
        number = max(int(each) for each in re.findall(r"/tokens/([0-9]+)/revoke", page))
        self.post(f"/tokens/{number}/revoke")

    def webhooks(self) -> None:
        events = [("event", "prompt.changed")]
        self.send("/webhooks/new", ("url", "https://8.8.8.8/hook"), *events)
        self.send("/webhooks/1", ("enabled", "1"), ("event", "promotion.done"))
        self.post("/webhooks/1/ping")
        self.post("/webhooks/1/deliveries/1/again")

    def jobs(self) -> None:
        queue(self.here)
        self.here.work(("upkeep",))
        self.post("/jobs/job-1/again")
        self.here.work(("upkeep",))
        self.post("/jobs/job-1/forget")
        queue(self.here)
        self.post("/jobs/job-1/stop")

    def git(self) -> None:
        with served(self.here.app) as url:
            where = address(url, secret(self.here.app, Scope.WRITE))
            assert git(self.folder, "clone", "-q", where, "clone").ok
            clone = Clone(self.folder / "clone")
            clone.commit({"characters/bolt/angry.yaml": prompt("Pushed.")}, "From a laptop")
            pushed = clone.push("staging")
            assert pushed.ok, pushed.said

    def commands(self) -> None:
        """What the server's own command line does."""
        out, sheet = self.folder / "out.json", self.folder / "in.csv"
        sheet.write_text(SHEET.format("By the command line.", "By it, too."))
        self.put(aria__happy="To be promoted.")
        self._run("export", "-o", str(out))
        self._run("import", str(sheet), "--strategy", "overwrite", "--reason", "From a shell")
        self._run("promote")
        releases = self.here.repository.store.tag_names()
        self._run("rollback", max(each for each in releases if each.startswith("production/")))
        self._run("user", "add", "zoe", "--password-stdin", given="a-long-Password-1\n")
        self._run("user", "passwd", "zoe", "--password-stdin", given="a-long-Password-2\n")
        for verb in (("role", "zoe", "reviewer"), ("disable", "zoe"), ("enable", "zoe")):
            self._run("user", *verb)
        self._run("token", "create", "--name", "shell", "--scope", "read")
        number = max(each.id for each in tokens.listed(self.here.records))
        self._run("token", "revoke", str(number))
        self._run("preview", "cleanup")
        self._run("sync", "unlock")
        live, copied = (f"sqlite:///{each}" for each in (self.world.production, self.world.staging))
        rules = self.folder / "rules.yaml"
        self._run("sync", "plan", "--source", live, "-o", str(rules))
        databases = ("--source", live, "--target", copied)
        self._run("sync", "run", *databases, "--rules", str(rules), "--dry-run")

    def _run(self, *words: str, given: str = "") -> None:
        data = str(self.here.settings.data)
        with mock.patch.dict(os.environ, environment_of(self.here.settings)):
            done = CliRunner().invoke(main, ["--data", data, *words], input=given)
        assert done.exit_code == 0, (words, done.output, done.exception)

    def upkeep(self) -> None:
        """What the server does by itself, and what is done to the log."""
        tend = audit_tending.tend
        tend(self.here.records, self.here.repository, 0)
        self.put(bolt__happy="By plain Git.")
        tend(self.here.records, self.here.repository, 0)
        self.ada.get("/audit/export.csv")
        self.post("/audit/anchor")


def hidden(page: TestResponse) -> list[tuple[str, str]]:
    """What a page's form carries on unseen."""
    found = [(name, unescape(value)) for name, value in HIDDEN.findall(page.text)]
    return [pair for pair in found if pair[0] not in ("csrf_token", "back")]
