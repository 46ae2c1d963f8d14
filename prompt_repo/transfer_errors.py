"""What can go wrong with an import.

* PromptRepoError
  - InvalidFile          a file can't be imported (carries every problem, each with its place)
  - ImportConflicts      documents changed here and in the file (carries them)
  - ImportMoved          what the file is about moved since the preview (carries where it is now)
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
    """What the file is about moved since the import was planned."""

    def __init__(self, branch: str, planned: str, now: str) -> None:
        self.branch, self.planned, self.now = branch, planned, now
        super().__init__(
            f"{branch} moved since this preview was made, from {planned[:9]} to {now[:9]}; "
            "nothing was imported: look at a new preview"
        )


class NotInFile(AboutPaths):
    """Something was decided about documents that the file says nothing of."""

    said = "the file says nothing of {}; nothing was imported"
