"""The timer on a device that takes an unconfirmed change back, where the platform has none of its own.

It holds the device for one change at a time. What an earlier attempt left behind, pushed and never confirmed because
its process died, is taken back at once instead of waited for: nobody checked it, and the device is then known again.
"""

import time

from netcfg.errors import DeviceBusy, NotReturned
from netcfg.platforms import Platform
from netcfg.sessions import Shell

_AGAIN_SECONDS = 0.5
_WAIT_SECONDS = 120.0
"""A change of another line that holds the device is over by then, or its timer has run out."""
_RETURN_SECONDS = 60.0


class Timer:
    """The timer of one change on one device, reached through one shell."""

    def __init__(self, shell: Shell, device: str, platform: Platform, label: str) -> None:
        self._shell = shell
        self._device = device
        self._script = platform.timer_script()
        self._label = label

    def look(self) -> str | None:
        """Return the configuration that the device would start with; None where a change was left undecided.

        Waits while another change is under way, for until that is over nothing can be said of the device.
        """
        limit = time.monotonic() + _WAIT_SECONDS
        while True:
            answer, _, text = self._run("look", self._label).partition("\n")
            word, _, owner = answer.partition(" ")
            if word != "busy":
                return text if word == "free" else None
            self._wait(limit, owner)

    def arm(self, seconds: float) -> str:
        """Hold the device, start the timer, and return the configuration that it would bring back.

        DeviceBusy where another change holds the device too long.
        """
        limit = time.monotonic() + _WAIT_SECONDS
        while True:
            answer, _, text = self._run("arm", self._label, str(round(seconds))).partition("\n")
            word, _, owner = answer.partition(" ")
            if word == "armed":
                return text
            if word == "left":
                self._return(owner)
            else:
                self._wait(limit, owner)

    def confirm(self) -> bool:
        """Keep the change; False where the timer was faster."""
        return self._run("confirm", self._label).strip() == "confirmed"

    def take_back(self) -> None:
        """Bring the earlier configuration back now; NotReturned where the device ends up with another one."""
        self._return(self._label)

    def release(self) -> None:
        """Let the device go for other changes."""
        self._run("release", self._label)

    def _wait(self, limit: float, owner: str) -> None:
        if time.monotonic() > limit:
            raise DeviceBusy(self._device, owner)
        time.sleep(_AGAIN_SECONDS)

    def _return(self, label: str) -> None:
        answer = self._run("return", label).strip()
        if answer not in {"returned", "confirmed"}:
            raise NotReturned(self._device, label, answer)

    def _run(self, *arguments: str) -> str:
        return self._shell.run(arguments, self._script, _RETURN_SECONDS)
