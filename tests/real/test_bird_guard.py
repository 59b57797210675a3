"""The guard of a device that loads whole files, on a real BIRD: it is confirmed, or it returns by itself."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netcfg.difference import deeds_between, ours_between
from netcfg.guards.devices import Incomplete
from netcfg.guards.keeper import Keeper
from netcfg.guards.statements import edited
from netcfg.platforms import load_platform

pytestmark = pytest.mark.real

BIRD = load_platform("bird")
BEFORE = """\
# Ask before you change it.
log stderr all;
router id 10.255.0.81;
protocol device { }
protocol static own { ipv4; route 10.9.0.0/16 blackhole; } # of 2009
"""
AFTER = BEFORE.replace("log stderr", "define 'ZH_X' = 10.81.0.0/24;\nlog stderr").replace(
    "ipv4;", "ipv4;\n\troute 10.81.0.0/24 blackhole;"
)
OURS, HIS = "10.81.0.0/24", "protocol static his { ipv4; route 10.99.0.0/16 blackhole; }\n"


class Router:
    """A BIRD without neighbours, and the keeper of its changes."""

    def __init__(self, folder: Path) -> None:
        self.conf, self._ctl, self._store = folder / "bird.conf", folder / "bird.ctl", folder / "store"
        self.conf.write_text(BEFORE)
        self._process: subprocess.Popen[bytes] | None = None
        told = {key: value for key, value in BIRD.keeping.model_dump().items() if isinstance(value, str)}
        self.knowledge = {key: value.replace("birdc", f"birdc -s {self._ctl}") for key, value in told.items()} | {
            "startup": str(self.conf), "parts": str(self._ctl), "ambient": BIRD.ambient,
            "settings": BIRD.difference.settings,
        }  # fmt: skip

    @property
    def stamp(self) -> Path:
        """Where it is noted which configuration was loaded."""
        return self._store / "loaded.json"

    def start(self) -> None:
        words = ("unshare", "--net", "--kill-child", "bird", "-f", "-c", str(self.conf), "-s", str(self._ctl))
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        self.until(lambda: "Daemon is up" in self.told("show status"))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            # Its child is killed with it, and is gone a little later.
            self.until(lambda: "Unable to connect" in self.told("show status"))

    def told(self, command: str) -> str:
        words = ("birdc", "-s", str(self._ctl), *command.split())
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout

    def ask(self, verb: str, label: str = "line-attach", token: str = "ours", **more: Any) -> dict[str, Any]:
        request = {"verb": verb, "label": label, "token": token, "knowledge": self.knowledge, **more}
        return Keeper(self._store, request).answer()

    def hold(self, seconds: float = 60) -> None:
        running = self.ask("look")["running"]
        ours = ours_between(BIRD, running, AFTER)
        kept: dict[str, Any] = {"added": sorted(ours.added), "removed": sorted(ours.removed), "back": ours.back}
        assert self.ask("hold", running=running, seconds=seconds, **kept) == {"is": "held"}

    def push(self, goal: str = AFTER) -> dict[str, Any]:
        return self.ask("push", deeds=deeds_between(BIRD, BEFORE, goal))

    def routes(self) -> str:
        return self.told("show route")

    def until(self, so: Callable[[], bool]) -> None:
        limit = time.monotonic() + 60
        while not so():
            assert time.monotonic() < limit, "it did not come about"
            time.sleep(0.05)


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    router = Router(tmp_path)
    try:
        router.start()
        yield router
    finally:
        router.stop()


def test_what_is_confirmed_is_saved_and_stays_after_a_restart(router: Router) -> None:
    router.hold()
    assert router.push() == {"is": "held"}
    assert OURS in router.routes()
    look = router.ask("look")
    assert (look["is"], OURS in look["running"], look["startup"]) == ("left", True, BEFORE)
    assert router.ask("look", label="another")["is"] == "busy"
    assert router.ask("confirm") == {"outcome": "kept"}
    assert router.ask("save") == {}
    assert router.ask("release") == {}
    look = router.ask("look")
    assert (look["is"], look["unloaded"], look["running"]) == ("free", False, router.conf.read_text())
    assert all(line in router.conf.read_text() for line in (OURS, "# of 2009", "# Ask before"))
    router.stop()
    router.start()
    assert OURS in router.routes()
    assert router.ask("look")["unloaded"] is False


def test_what_is_not_confirmed_returns_by_itself_and_is_told_so(router: Router) -> None:
    router.hold(seconds=2.5)
    assert router.push() == {"is": "held"}
    router.until(lambda: OURS not in router.routes())
    assert router.ask("confirm") == {"outcome": "returned"}
    assert router.ask("look")["running"] == BEFORE
    answer = router.ask("take_back")
    assert (answer["outcome"], answer["ours"], answer["others"]) == ("returned", [], [])


def test_it_is_taken_back_at_once_whoever_asks(router: Router) -> None:
    router.hold()
    router.push()
    # The first attempt has died; the next one has another token.
    answer = router.ask("settle", token="next", owner="line-attach")
    assert (answer["outcome"], answer["lost"]) == ("returned", False)
    assert OURS not in router.routes()
    assert router.ask("look")["is"] == "free"
    assert router.conf.read_text() == BEFORE


def test_an_error_in_the_middle_changes_nothing(router: Router) -> None:
    router.hold()
    refused = router.push(AFTER + "protocol nonsense {\n\tneighbor x;\n}\n")
    assert refused["is"] == "rejected"
    assert "syntax error" in refused["why"]
    assert router.ask("look")["running"] == BEFORE
    assert router.ask("take_back")["outcome"] == "returned"
    assert router.ask("look")["unloaded"] is False


def test_what_somebody_else_loads_in_between_is_in_force_and_stays(router: Router) -> None:
    router.hold()
    router.push()
    router.conf.write_text(BEFORE + HIS)
    router.told("configure")
    assert router.ask("confirm") == {"outcome": "returned"}
    answer = router.ask("take_back")
    assert (answer["outcome"], answer["ours"]) == ("returned", [])
    assert ("protocol static his {}",) in {tuple(path) for path in answer["others"]}
    assert "10.99.0.0/16" in router.routes()
    assert OURS not in router.routes()


def test_what_somebody_else_has_not_loaded_is_neither_loaded_nor_lost(router: Router) -> None:
    router.hold()
    router.push()
    router.until(lambda: time.time() > router.conf.stat().st_mtime + 0.01)
    router.conf.write_text(BEFORE + HIS)
    assert router.ask("confirm") == {"outcome": "kept"}
    assert "somebody else" in router.ask("save")["error"]
    assert router.conf.read_text() == BEFORE + HIS
    assert "10.99.0.0/16" not in router.routes()


def test_nothing_is_loaded_over_what_somebody_else_loaded_since_the_device_was_held(router: Router) -> None:
    router.hold()
    router.conf.write_text(BEFORE + HIS)
    router.told("configure")
    assert router.push()["is"] == "rejected"
    assert "10.99.0.0/16" in router.routes()
    assert router.ask("take_back")["outcome"] == "returned"


def test_where_it_cannot_be_told_what_is_in_force_nothing_is_said_until_the_timer_has_run_out(router: Router) -> None:
    """The process on the device that loaded the change died before it could note that."""
    router.hold(seconds=3.5)
    router.push()
    stamp = json.loads(router.stamp.read_text())
    router.stamp.write_text(json.dumps(stamp | {"loaded": None}))
    assert "not known" in router.ask("look")["strange"]
    assert router.ask("take_back", label="other") == {"outcome": "untouched"}
    with pytest.raises(Incomplete):
        router.ask("confirm")
    router.until(lambda: OURS not in router.routes())
    assert router.ask("take_back")["outcome"] == "returned"
    assert router.ask("look")["running"] == BEFORE


def test_a_configuration_is_known_again_however_often_one_looks(router: Router) -> None:
    """The same time is told a millisecond earlier or later."""
    router.hold()
    router.push()
    assert all(OURS in router.ask("look")["running"] for _look in range(100))
    assert router.ask("confirm") == {"outcome": "kept"}


def test_times_that_are_written_in_another_way_are_told(router: Router) -> None:
    router.conf.write_text("timeformat base iso short ms;\n" + BEFORE)
    router.told("configure")
    assert "times in another way" in router.ask("look")["strange"]


def test_who_saved_our_lines_with_his_keeps_his(router: Router) -> None:
    router.hold()
    router.push()
    router.conf.write_text(AFTER + HIS)
    router.told("configure")
    answer = router.ask("take_back")
    assert (answer["outcome"], answer["ours"]) == ("returned", [])
    assert OURS not in router.routes()
    assert "10.99.0.0/16" in router.routes()
    assert router.conf.read_text().replace("\t", "").endswith(HIS)


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_daemon_that_dies_starts_with_what_was_before(router: Router, confirmed: bool) -> None:
    router.hold()
    router.push()
    if confirmed:
        assert router.ask("confirm") == {"outcome": "kept"}
    router.stop()
    assert router.ask("look")["silent"] == "bird"
    router.start()
    assert router.ask("confirm")["outcome"] == ("kept" if confirmed else "returned")
    assert router.ask("look")["running"] == BEFORE
    assert router.ask("take_back")["ours"] == []


def test_an_edit_that_was_not_loaded_is_seen_beforehand(router: Router) -> None:
    assert router.ask("look")["unloaded"] is False
    router.conf.write_text(edited(BEFORE, (), "x") + HIS)
    assert router.ask("look")["unloaded"] is True
    router.told("configure")
    assert router.ask("look")["unloaded"] is False
