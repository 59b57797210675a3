"""Whatever command our process dies before or after, with signal 9: the next call says so and finishes."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netcfg.command_line import CommandLine
from netcfg.intent import LineStage
from netcfg.sessions import Conversation, Shell
from netcfg.transaction import Extranet
from tests.real.routers import CE, HUB, Routers
from tests.sampling import sampled

pytestmark = pytest.mark.real

LINE = "water-leased"
POINTS = 120
"""Before and after every command of a change of two devices; those beyond the last one find it done."""
SHARE = 3 / POINTS
FOREIGN = "ip prefix-list BY-HAND seq 5 permit 10.99.0.0/16"
COMMANDS = ((Conversation, "ask"), (Shell, "ask"), (CommandLine, "ask"))


class Killed(BaseException):
    """Our process ends here, as by signal 9."""


class Death:
    """Ends all threads of ours at one point; what a device was told before stays told."""

    def __init__(self, point: int) -> None:
        self.come = False
        self._left = point
        self._lock = threading.Lock()

    def _pass(self) -> None:
        with self._lock:
            self._left -= 1
            self.come = self.come or self._left < 0
        if self.come:
            raise Killed

    def around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """The same command, with a point before and one after it."""

        def mortal(*arguments: Any, **options: Any) -> Any:
            self._pass()
            answer = real(*arguments, **options)
            self._pass()
            return answer

        return mortal


@pytest.fixture
def extranet(laboratory: Routers, tmp_path: Path) -> Iterator[Extranet]:
    yield Extranet(laboratory.world, tmp_path / "kept", within=8)
    laboratory.typed(CE, f"no {FOREIGN}", save=True)


@pytest.mark.chaos
@pytest.mark.parametrize("point", sampled(range(POINTS), SHARE))
def test_killed_at_any_point_the_next_call_finishes_and_keeps_what_others_did(
    laboratory: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    attach = laboratory.step(LINE, LineStage.ATTACH) | {"checks": []}
    before = {device: laboratory.running(device) for device in (CE, HUB)}
    for forward in (True, False):
        death, told = Death(point), list[str]()
        with monkeypatch.context() as dying:
            for owner, name in COMMANDS:
                dying.setattr(owner, name, death.around(getattr(owner, name)))
            try:
                extranet.change(attach, told.append, forward=forward)
            except Killed:
                assert death.come
        if death.come and not forward:
            laboratory.typed(CE, FOREIGN, save=True)
        assert extranet.change(attach, told.append, forward=forward).state == ("done" if forward else "not-done")
        for device in (CE, HUB):
            ours = "ZH-" in laboratory.running(device), "ZH-" in laboratory.startup(device)
            assert ours == (forward, forward), (point, device, told)
    left = laboratory.running(CE)
    if FOREIGN in left:
        assert FOREIGN in laboratory.startup(CE)
        left = left.replace(f"{FOREIGN}\n", "")
    assert {CE: left, HUB: laboratory.running(HUB)} == before
