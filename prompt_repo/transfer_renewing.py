"""An import planned anew from what was read of its file, for what it is about moved meanwhile."""

from dataclasses import dataclass

from prompt_repo.progress import Progress, silent
from prompt_repo.repository import Repository
from prompt_repo.transfer_apply import Choices
from prompt_repo.transfer_plan import NO_BASE, Plan, State, plan

BEFORE = """
CREATE TEMP TABLE before AS SELECT path, state, ours, merged FROM plan
"""
MOVED = """
SELECT now.path FROM plan now JOIN before USING (path) WHERE now.ours IS NOT before.ours
ORDER BY now.path
"""
WRITTEN = """
UPDATE plan SET merged = before.merged FROM before, written
WHERE before.path = plan.path AND written.path = plan.path
    AND before.ours IS plan.ours AND before.state = plan.state AND plan.state = ?
"""


@dataclass(frozen=True)
class Renewed:
    """A new plan, and the documents that stand otherwise here than the one before showed."""

    plan: Plan
    moved: tuple[str, ...]

    def choices(self, before: Choices) -> Choices:
        """The choices that still make sense: of conflicts that are the same ones."""
        gone = frozenset(self.moved)
        kept = {path: word for path, word in before.each.items() if path not in gone}
        return Choices(before.default, {path: kept[path] for path in kept if self._open(path)})

    def _open(self, path: str) -> bool:
        entry = self.plan.entry(path)
        return entry is not None and entry.state is State.CONFLICT


def renew(
    repository: Repository,
    old: Plan,
    *,
    base: str | None = None,
    create_characters: bool = False,
    progress: Progress = silent,
) -> Renewed:
    """What an import would do now; its options are those that it was planned with at first.

    Texts that somebody wrote for a conflict stand where it is the same one. Raises InvalidFile
    where the file doesn't fit any more.
    """
    staged = old.staged
    staged.connection.execute("DROP TABLE IF EXISTS temp.before")
    staged.connection.execute(BEFORE)
    staged.restore()
    staged.warnings = [each for each in staged.warnings if each != NO_BASE]
    found = plan(
        repository,
        old.branch,
        staged,
        base=base,
        create_characters=create_characters,
        progress=progress,
    )
    staged.connection.execute(WRITTEN, (str(State.CONFLICT),))
    moved = tuple(path for (path,) in staged.connection.execute(MOVED))
    return Renewed(found, moved)
