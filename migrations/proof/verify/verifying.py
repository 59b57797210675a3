"""Runs the checks of hosts in a process of their own, and reads how they came out.

VerifyError
├── NothingToVerify   no unit has moved, so that nothing could fail
└── ChecksBroken      the checks themselves could not be run; nothing is known about the hosts
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

from infra.parent_death import killed_with_parent
from infra.worlds import World
from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.kinds import Kind
from inventory.model import Programme
from inventory.plain import plain
from inventory.words import _
from migrations.evidence.seen import Failure, UnitChecks
from migrations.proof.verify.expectations import Expectation, Side, expectations
from migrations.proof.verify.order import CheckOrder

CHECKS = Path(__file__).with_name("hosts.py")
_OUTCOMES: Mapping[str, Literal["failed", "unknown"]] = {"failure": "failed", "error": "failed", "skipped": "unknown"}
_KEPT = ("PATH", "HOME", "LANG", "LANGUAGE", "LC_ALL", "TMPDIR")


class VerifyError(ZhengheError):
    """Verification could not come to an answer; carries the reason and what to do next."""

    def __init__(self, reason: str, mend: str) -> None:
        self.reason = reason
        self.mend = mend
        super().__init__(f"{reason}; {mend}")


class NothingToVerify(VerifyError):
    """No unit has moved, so that nothing could fail."""


class ChecksBroken(VerifyError):
    """The checks themselves could not be run; nothing is known about the hosts."""


class VerifyResult(Model):
    """How all checks came out, by unit; `junit` is the file for other tools."""

    passed: int
    failed: int
    unknown: int = 0
    units: tuple[UnitChecks, ...]
    junit: Path
    seconds: float


def verify(
    world: World, programme: Programme, kinds: Mapping[str, Kind], sides: Mapping[str, Side], home: Path
) -> VerifyResult:
    """Check all hosts of the units that are given with the side on which their service is; VerifyError otherwise."""
    return check_hosts(world, expectations(programme, kinds, sides), home)


def check_hosts(world: World, wanted: Sequence[Expectation], home: Path, timeout: float = 600.0) -> VerifyResult:
    """Check expectations in a process of its own; the JUnit file is written to `home`."""
    if not wanted:
        raise NothingToVerify(_("nothing has moved, so there is nothing to verify"), _("carry a plan out first"))
    home.mkdir(parents=True, exist_ok=True)
    junit = home / "verify.xml"
    junit.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="zh-verify-") as scratch:
        folder = Path(scratch)
        order = CheckOrder(ssh_config=str(world.ssh_config), patience=10, sockets=scratch, expectations=tuple(wanted))
        (folder / "order.json").write_text(order.model_dump_json())
        try:
            said = _pytest(folder / "order.json", junit, timeout)
        finally:
            _close(folder)
    if not junit.exists():
        raise ChecksBroken(_("pytest ended without a result: {said}").format(said=said[-500:]), _("look at its output"))
    return _read(junit)


def _pytest(order: Path, junit: Path, timeout: float) -> str:
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(CHECKS.parent), "--tb=line"]
    options += ["--import-mode=importlib", f"--junitxml={junit}", "-o", "junit_family=xunit1"]
    environment = {name: value for name in _KEPT if (value := os.environ.get(name))}
    environment |= {
        "ZHENGHE_CHECKS": str(order),
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    try:
        done = subprocess.run(
            killed_with_parent([sys.executable, "-m", "pytest", *options, str(CHECKS)]),
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        reason = _("the checks did not end in {seconds} s").format(seconds=timeout)
        raise ChecksBroken(reason, _("look whether the hosts answer over SSH")) from exc
    return done.stdout + done.stderr


def _close(sockets: Path) -> None:
    """End the shared connections, those of checks that were broken off too."""
    for socket in sockets.iterdir():
        if socket.is_socket():
            command = ["ssh", "-F", os.devnull, "-o", f"ControlPath={socket}", "-O", "exit", "any"]
            subprocess.run(command, check=False, capture_output=True)


def _read(junit: Path) -> VerifyResult:
    root = ET.parse(junit).getroot()  # noqa: S314 - written by the process above
    cases = [_case(case) for case in root.iter("testcase")]
    units = sorted({case.unit for case in cases})
    checks = tuple(_unit(unit, [case for case in cases if case.unit == unit]) for unit in units)
    return VerifyResult(
        passed=sum(unit.passed for unit in checks),
        failed=sum(unit.failed for unit in checks),
        unknown=sum(unit.unknown for unit in checks),
        units=checks,
        junit=junit,
        seconds=sum(float(suite.get("time", "0")) for suite in root.iter("testsuite")),
    )


class _Case(NamedTuple):
    unit: str
    outcome: Literal["passed", "failed", "unknown"]
    failure: Failure


def _unit(key: str, cases: Sequence[_Case]) -> UnitChecks:
    failures = tuple(case.failure for case in cases if case.outcome == "failed")
    unknowns = tuple(case.failure for case in cases if case.outcome == "unknown")
    passed = len(cases) - len(failures) - len(unknowns)
    return UnitChecks(
        unit=key, passed=passed, failed=len(failures), failures=failures, unknown=len(unknowns), unknowns=unknowns
    )


def _case(case: ET.Element) -> _Case:
    words = {str(each.get("name")): str(each.get("value")) for each in case.iter("property")}
    said = next((child for child in case if child.tag in _OUTCOMES), None)
    text = ((said.get("message") if said is not None else "") or "").strip()
    reason = plain(text.removeprefix("AssertionError: ").split("\nassert")[0], 500)
    failure = Failure(host=words.get("host", ""), check=words.get("check", case.get("name", "")), reason=reason)
    return _Case(words.get("unit", ""), "passed" if said is None else _OUTCOMES[said.tag], failure)
