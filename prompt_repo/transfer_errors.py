"""What can go wrong with an import.

* PromptRepoError
  - InvalidFile          a file can't be imported (carries every problem, each with its place)
  - ImportConflicts      documents changed here and in the file (carries them)
  - ImportMoved          what the file is about moved since the preview (carries where it is now)
  - ImportEdited         what an import changed is another by now, so that it can't be undone
  - NotInFile            something was decided about documents that the file lacks
"""

from collections.abc import Sequence

from prompt_repo.errors import AboutPaths, Problem, PromptRepoError

SHOWN = 200


class InvalidFile(PromptRepoError):
    """A file can't be imported; `problems` are at most 200 of the `count` that were found."""

    def __init__(self, problems: Sequence[Problem], count: int | None = None) -> None:
        self.problems = tuple(problems[:SHOWN])
        self.count = max(count or 0, len(problems))
        more = self.count - 5
        said = "; ".join(str(problem) for problem in self.problems[:5])
        super().__init__(f"{said} and {more:,} more problems" if more > 0 else said)


class ImportConflicts(AboutPaths):
    """Documents changed here and in the file, and nobody has said which shall stand."""

    said = "decide first about {}: overwrite, skip or merge"


class ImportMoved(PromptRepoError):
    """What the file is about moved since the import was planned: `paths`, where they are known."""

    def __init__(self, branch: str, planned: str, now: str, paths: Sequence[str] = ()) -> None:
        self.branch, self.planned, self.now, self.paths = branch, planned, now, tuple(paths)
        more = len(paths) - 5
        named = ", ".join(paths[:5]) + (f" and {more:,} more" if more > 0 else "")
        super().__init__(
            f"{branch} moved since this import was planned, from {planned[:9]} to {now[:9]}"
            f"{f' ({named})' if named else ''}; nothing was imported: look at the new plan"
        )


class ImportEdited(AboutPaths):
    """What an import changed is another by now."""

    said = "{} changed again since the import; nothing was undone"


class NotInFile(AboutPaths):
    """Something was decided about documents that the file says nothing of."""

    said = "the file says nothing of {}; nothing was imported"
