"""Puts a run's actuators together: the real ones of its world, or those that only write down what they would do."""

from collections.abc import Mapping

from migrations.plan import Actuator
from migrations.run.actuators import StepActuator
from migrations.run.fake import FakeActuator
from migrations.run.home import RunHome


def actuators_of(home: RunHome) -> Mapping[Actuator, StepActuator]:
    """Return who acts for each kind of unit in a run."""
    if home.settings().actuators == "fake":
        fake = FakeActuator(home.path / "fake")
        return dict.fromkeys(Actuator, fake)
    # The engines take seconds to import, and the fakes need none of them.
    from migrations.run.real import real_actuators  # noqa: PLC0415

    return real_actuators(home)
