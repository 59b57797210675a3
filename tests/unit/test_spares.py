"""A session that was opened for one look serves the next one, if it still answers and nothing went wrong with it."""

import pytest

from netcfg.command_line import CommandLine
from netcfg.sessions import Shell
from netcfg.spares import Loan, Spares


class Open(Shell):
    """A shell without a device behind it."""

    def __init__(self, *, alive: bool = True) -> None:
        self.closed = 0
        self.answers = alive

    @property
    def alive(self) -> bool:
        """Say whether somebody would answer."""
        return self.answers and not self.closed

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1


@pytest.fixture
def spares() -> Spares:
    return Spares(seconds=3600)


def used(spares: Spares, session: Open, *, keep: bool = True) -> None:
    with Loan(spares, "water-ce", session, keep=keep) as lent:
        assert lent is session


def test_a_session_is_lent_to_one_at_a_time_and_to_whoever_asks_for_its_device(spares: Spares) -> None:
    session = Open()
    used(spares, session)
    assert spares.take(Shell, "water-hub") is None
    assert spares.take(CommandLine, "water-ce") is None
    # Its own class is what it is asked for by.
    assert spares.take(Open, "water-ce") is session
    assert spares.take(Open, "water-ce") is None
    assert not session.closed


def test_one_that_does_not_answer_any_more_is_closed_and_not_lent(spares: Spares) -> None:
    session = Open(alive=False)
    used(spares, session)
    assert spares.take(Open, "water-ce") is None
    assert session.closed == 1


@pytest.mark.parametrize("keep", [True, False])
def test_one_with_which_something_went_wrong_is_closed(spares: Spares, keep: bool) -> None:
    session = Open()
    with pytest.raises(KeyboardInterrupt), Loan(spares, "water-ce", session, keep=keep):
        raise KeyboardInterrupt
    assert session.closed == 1
    assert spares.take(Open, "water-ce") is None


def test_one_that_is_not_to_be_kept_is_closed(spares: Spares) -> None:
    session = Open()
    used(spares, session, keep=False)
    assert session.closed == 1


def test_no_two_of_one_kind_are_kept(spares: Spares) -> None:
    one, other = Open(), Open()
    used(spares, one)
    used(spares, other)
    assert one.closed == 1
    assert spares.take(Open, "water-ce") is other


def test_nobody_holds_a_place_on_a_device_for_long() -> None:
    spares, session = Spares(seconds=0.0), Open()
    used(spares, session)
    for timer in spares.waiting:
        timer.join()
    assert session.closed == 1
    assert spares.take(Open, "water-ce") is None


def test_one_gives_its_place_up_for_a_new_one(spares: Spares) -> None:
    session = Open()
    used(spares, session)
    spares.drop(Open, "water-ce")
    spares.drop(Open, "water-ce")
    assert session.closed == 1
