"""The timer on a device that takes an unconfirmed change back, where the platform has none of its own.

It holds the device for one change at a time. What an earlier attempt left behind, pushed and never confirmed because
its process died, is taken back at once instead of waited for: nobody checked it, and the device is then known again.
"""

import time

from netcfg.errors import DeviceBusy, NotReturned
from netcfg.platforms import Platform
from netcfg.sessions import Sessions, Shell

_AGAIN_SECONDS = 0.5
_WAIT_SECONDS = 120.0
"""A change of another line that holds the device is over by then, or its timer has run out."""
_RETURN_SECONDS = 30.0


class Timer:
    """The timer of one change on one device."""

    def __init__(self, sessions: Sessions, device: str, platform: Platform, label: str) -> None:
        self._sessions = sessions
        self._device = device
        self._script = platform.timer_script()
        self._label = label

    def arm(self, seconds: float) -> str:
        """Hold the device, start the timer, and return the configuration that it would bring back.

        DeviceBusy where another change holds the device too long.
        """
        limit = time.monotonic() + _WAIT_SECONDS
        with self._sessions.shell(self._device) as shell:
            while True:
                answer, _, text = self._run(shell, "arm", self._label, str(round(seconds))).partition("\n")
                word, _, owner = answer.partition(" ")
                if word == "armed":
                    return text
                if word == "left":
                    self._take_back(shell, owner)
                elif time.monotonic() > limit:
                    raise DeviceBusy(self._device, owner)
                else:
                    time.sleep(_AGAIN_SECONDS)

    def confirm(self) -> bool:
        """Keep the change; False where the timer was faster."""
        with self._sessions.shell(self._device) as shell:
            return self._run(shell, "confirm", self._label).strip() == "confirmed"

    def take_back(self) -> None:
        """Bring the earlier configuration back now; NotReturned where the device ends up with another one."""
        with self._sessions.shell(self._device) as shell:
            self._take_back(shell, self._label)

    def release(self) -> None:
        """Let the device go for other changes."""
        with self._sessions.shell(self._device) as shell:
            self._run(shell, "release", self._label)

    def _take_back(self, shell: Shell, label: str) -> None:
        answer = self._run(shell, "return", label).strip()
        if answer not in {"returned", "confirmed"}:
            raise NotReturned(self._device, label, answer)

    def _run(self, shell: Shell, *arguments: str) -> str:
        return shell.run(arguments, self._script, _RETURN_SECONDS)


def startup(shell: Shell, platform: Platform) -> str | None:
    """Return the configuration that a device would start with; None while a change of it is undecided."""
    word, _, text = shell.run(("look", "none"), platform.timer_script()).partition("\n")
    return text if word == "decided" else None
