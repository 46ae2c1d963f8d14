"""What can go wrong is said in sentences that outlive the process they were raised in."""

import pickle

import pytest

from prompt_repo import errors

RAISED = (
    errors.InvalidId("A b", "character"),
    errors.UnknownEmotion("bored", ["idle", "happy"]),
    errors.BranchNotFound("changes/x"),
    errors.RevisionNotFound("v1", "staging"),
    errors.InvalidDocument([errors.Problem("defaults/idle.yaml", "is wrong", 3, 4, "prompt")]),
    errors.EditConflict([errors.Conflict("a", "1", "2", "3", None, "<<<")], "f" * 40),
    errors.StorageFailed("/srv/x", "No space left on device"),
    errors.RefMoved("staging", None, "f" * 40),
    errors.GitMissing(),
)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_goes_to_another_process_whole(error: errors.PromptRepoError) -> None:
    """With its sentence and all that it carries, from a job or a pool of processes."""
    again = pickle.loads(pickle.dumps(error))

    assert type(error) is type(again)
    assert str(error) == str(again)
    assert vars(error) == vars(again)


def test_a_branch_that_is_not_there_is_a_revision_that_is_not_there() -> None:
    """Whoever handles the one handles the other; the sentence names what there is."""
    assert isinstance(errors.BranchNotFound("x"), errors.RevisionNotFound)
    assert "staging, production" in str(errors.BranchNotFound("x"))
