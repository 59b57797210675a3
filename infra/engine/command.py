"""Pulumi's command: run in a pid namespace that ends with this process, with an environment of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pulumi.automation as auto
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from infra.egress_client import PROXIES
from infra.engine.tether import run_tethered
from infra.parts.cache import MissingTool
from inventory.words import _

_KEPT_VARIABLES = ("HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "TMPDIR", "ZHENGHE_CACHE", *PROXIES)


class EngineKilled(auto.CommandError):
    """The engine was ended from outside; carries the signal's number."""

    def __init__(self, result: auto.CommandResult, number: int) -> None:
        super().__init__(result)
        self.reason = killed_by(number)


class TetheredPulumi(auto.PulumiCommand):
    """Pulumi's command, tied to this process, with an environment of its own."""

    def __init__(
        self, command: Path, path: str | None = None, lock: int | None = None, version: VersionInfo | None = None
    ) -> None:
        self.command = str(command)
        self._path = path or os.pathsep.join((str(command.parent), os.environ.get("PATH", os.defpath)))
        self._lock = lock
        self.version = version or self._ask_version()

    def holding(self, lock: int, plugins: Iterable[Path]) -> TetheredPulumi:
        """Return the same command with a lock that stays held until the last of its processes is gone.

        Plugins are looked for in these folders too.
        """
        first, _, rest = self._path.partition(os.pathsep)
        path = os.pathsep.join((first, *map(str, plugins), rest))
        return TetheredPulumi(Path(self.command), path, lock, self.version)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: auto.OnOutput | None = None,
        on_error: auto.OnOutput | None = None,
    ) -> auto.CommandResult:
        """Run one command of the engine to its end; EngineKilled and the SDK's own errors."""
        ended = run_tethered(
            [self.command, "--non-interactive", *args],
            folder=Path(cwd),
            environment=self._environment(additional_env),
            lock=self._lock,
            on_output=on_output,
            on_error=on_error,
        )
        result = auto.CommandResult(ended.output, ended.errors, ended.code)
        if ended.signal is not None:
            raise EngineKilled(result, ended.signal)
        if ended.code != 0:
            raise create_command_error(result)
        return result

    def _environment(self, additional: Mapping[str, str]) -> dict[str, str]:
        # Not ours as a whole: the engine passes it on to its plugins, and may hold secrets that are not theirs.
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return {**kept, **additional, "PATH": self._path, "PULUMI_AUTOMATION_API": "true"}

    def _ask_version(self) -> VersionInfo:
        ended = run_tethered(
            [self.command, "version"],
            folder=Path("/"),
            environment=self._environment({"PULUMI_SKIP_UPDATE_CHECK": "true"}),
        )
        if ended.code != 0:
            said = last_line(ended.errors) if ended.signal is None else killed_by(ended.signal)
            why = _("{command} does not run: {why}").format(command=self.command, why=said)
            raise MissingTool("pulumi", why, "make setup")
        return VersionInfo.parse(ended.output.strip().removeprefix("v"))


def killed_by(number: int) -> str:
    """Say that something was ended by a signal."""
    return _("ended by signal {number}").format(number=number)


def last_line(text: str) -> str:
    """Return the last thing that a command said, without what it puts before its errors."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("stderr: ").removeprefix("error: ") if lines else _("it said nothing")
