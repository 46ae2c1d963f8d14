"""What a run tells of how far it has come."""

from sync.progress import Clock, Step


def test_a_few_rows_tell_nothing_of_the_time_that_is_left() -> None:
    """An estimate comes with the first hundredth of all rows."""
    steps: list[Step] = []
    clock = Clock({"towns": 8, "people": 9992}, steps.append)

    clock.tell("towns", 8, 100)
    clock.tell("people", 92, 1000)

    assert [8, 100] == [step.all_done for step in steps]
    assert [True, False] == [step.seconds_left is None for step in steps]


def test_of_no_rows_no_time_is_told() -> None:
    """Nothing is expected and nothing done: an empty database is synced like any other."""
    steps: list[Step] = []
    clock = Clock({"towns": 0}, steps.append)

    clock.tell("towns", 0, 0)

    assert [(0, 0, None)] == [(each.done, each.all_expected, each.seconds_left) for each in steps]
