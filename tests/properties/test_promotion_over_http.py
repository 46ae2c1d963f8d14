"""The same model, where everybody outside works with plain git over HTTP, and the server checks."""

from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from prompt_repo.drift import State
from prompt_repo.repository import PRODUCTION, STAGING
from tests.factories import key
from tests.git_client import address, secret
from tests.git_client import git as laptop
from tests.gitrepo import git
from tests.properties.test_promotion import Clone, TwoEnvironments, continued
from tests.web import make_app, served, services
from webapp.access import Scope


class TwoEnvironmentsServed(TwoEnvironments):
    """Pushes to staging and production go through the door that everybody's pushes go through."""

    @initialize()
    def begin(self) -> None:
        """The same beginning, behind a real socket."""
        super().begin()
        app = make_app(self.folder)
        self.repository = services(app).repository.get()
        self.server = ExitStack()
        url = self.server.enter_context(served(app))
        self.address = address(url, secret(app, Scope.WRITE, Scope.PROMOTE))

    def teardown(self) -> None:
        """The server goes, then the folder."""
        if hasattr(self, "server"):
            self.server.close()
        super().teardown()

    def clone(self, branch: str) -> Clone:
        """A work tree of somebody with a token."""
        return Clone(self.address, branch)

    def deliver(self, clone: Path, message: str, moved: set[str]) -> set[str]:
        """Pushes; what moves though it is held back has to be named, and nothing moves before."""
        held = moved & self.held
        if held:
            before = self.repository.head(PRODUCTION)
            refused = laptop(clone, "push", "origin", PRODUCTION)
            assert not refused.ok
            trailers = [f"Promotes-Held-Back: {key(name).path}" for name in sorted(held)]
            assert all(trailer in refused.said for trailer in trailers), refused.said
            assert before == self.repository.head(PRODUCTION)
            known = git(clone, "log", "-1", "--format=%(trailers:only)").splitlines()
            words = "\n".join([*(line for line in known if line), *trailers])
            git(clone, "commit", "-q", "--amend", "-m", f"{message}\n\n{words}")
        taken = laptop(clone, "push", "origin", PRODUCTION)
        assert taken.ok, taken.said
        head = self.repository.head(PRODUCTION)
        assert head == git(clone, "rev-parse", "HEAD")
        assert head in self.repository.store.tags().values()
        return held

    @precondition(lambda self: self.goes())
    @rule(data=st.data())
    def promote_some_by_hand(self, data: st.DataObject) -> None:
        """CI takes some files of staging by plain git, and says in a trailer from where."""
        able = self.names(State.AHEAD, State.HELD_BACK, State.DIVERGED)
        named = data.draw(st.sets(st.sampled_from(able), min_size=1))
        with self.clone(PRODUCTION) as clone:
            for name in sorted(named):
                where = "rm" if self.staging[name].text is None else "checkout"
                source = [] if where == "rm" else [f"origin/{STAGING}"]
                git(clone, where, "-q", *source, "--", key(name).path)
            source = git(clone, "rev-parse", f"origin/{STAGING}")
            git(clone, "commit", "-q", "-m", f"Some\n\nPromoted-From: {source}")
            picked = self.deliver(clone, "Some", named)
        after = {**self.production, **{name: self._taken(name) for name in named}}
        self._release(continued(after, self.staging), picked=picked)

    @rule(name=st.sampled_from(["aria/idle", "defaults/idle"]))
    def push_what_staging_does_not_hold(self, name: str) -> None:
        """It is refused in words, and nothing moved: the invariants see to that."""
        with self.clone(PRODUCTION) as clone:
            file = clone / key(name).path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("prompt: Of nobody.\n")
            git(clone, "add", "-A")
            git(clone, "commit", "-q", "-m", "By hand")
            refused = laptop(clone, "push", "origin", PRODUCTION)
        assert not refused.ok
        assert "neither merges staging nor names a commit of it" in refused.said


TestTwoEnvironmentsServed = TwoEnvironmentsServed.TestCase
TestTwoEnvironmentsServed.settings = settings(
    max_examples=15, stateful_step_count=14, deadline=None
)
