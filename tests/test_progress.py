"""What a long task tells of itself."""

from prompt_repo.progress import TOLD_EVERY, counted, silent


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    """Not of every single thing: that would cost more than the things."""
    told: list[tuple[str, int, int | None]] = []

    went = list(counted(range(600), "Checking", 600, lambda *words: told.append(words)))

    assert list(range(600)) == went
    assert [TOLD_EVERY, 2 * TOLD_EVERY, 600] == [done for _, done, _ in told]
    assert {("Checking", 600)} == {(what, of) for what, _, of in told}


def test_progress_of_nothing_is_told() -> None:
    """An empty task comes to its end too."""
    told: list[int] = []

    list(counted([], "Checking", 0, lambda what, done, of: told.append(done)))

    assert [0] == told


def test_nobody_watches_for_free() -> None:
    """The things themselves come back."""
    things = [1, 2]

    assert things is counted(things, "Checking", 2, silent)
