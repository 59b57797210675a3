"""Puts a run's actuators together: the real ones of its world, or those that only write down what they would do."""

from collections.abc import Callable, Mapping

from migrations.plan import Actuator
from migrations.run.actuators import StepActuator
from migrations.run.fake import FakeActuator
from migrations.run.home import RunHome


def assembler_of(home: RunHome) -> Callable[[], Mapping[Actuator, StepActuator]]:
    """Return what puts together who acts for each kind of unit in a run; importing the engines is done at once."""
    if home.settings().actuators == "fake":
        fake = FakeActuator(home.path / "fake")
        return lambda: dict.fromkeys(Actuator, fake)
    # The engines take seconds to import, and the fakes need none of them.
    from migrations.run.real import real_actuators  # noqa: PLC0415

    return lambda: real_actuators(home)
