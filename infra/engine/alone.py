"""A site's engine in a process of its own, and where the cloud allows it on a loopback of its own.

Pulumi's engine, its plugins and its SDK speak over ports of the loopback and ask nobody who he is: whoever reached them
would have resources made, or a program run, with our rights. Nor do the SDK's threads belong into a worker that starts
other programs.

The process takes one order as JSON from its standard input, and writes progress and one answer as lines of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from infra.apart import apart
from infra.declaration import SiteDeclaration
from infra.engine.driver import (
    AmbiguousResource,
    EngineFailed,
    EngineMissing,
    NotReady,
    ProvisionError,
    SiteEngine,
    Unproven,
)
from infra.engine.journal import Progress
from infra.engine.state import SiteState
from infra.parent_death import killed_with_parent
from infra.worlds import World
from inventory.base import Model
from inventory.words import _

Deed = Literal["observe", "preview", "provide", "withdraw"]
_ERRORS: Mapping[str, type[ProvisionError]] = {
    error.__name__: error for error in (ProvisionError, EngineMissing, EngineFailed, AmbiguousResource, Unproven)
}
_WITHOUT_NETWORK = frozenset({"twin"})
"""Backends that reach their cloud by a Unix socket."""


class Order(Model):
    """What is to be done with a site."""

    world: World
    home: Path
    deed: Deed
    site: SiteDeclaration


class Failed(Model):
    """Why it was not done; the kind is the name of an error of the driver's."""

    kind: str
    resource: str
    reason: str
    mend: str
    findings: tuple[str, ...] = ()


class Said(Model):
    """One line of the process: progress, or its answer."""

    progress: str = ""
    state: SiteState | None = None
    failed: Failed | None = None


class SitesAlone:
    """Looks at and changes the sites of one world like the driver itself, each time in a process of its own."""

    def __init__(self, world: World, home: Path) -> None:
        """Keep the states under `home`."""
        self._world = world
        self._home = home.absolute()

    def observe(self, site: SiteDeclaration) -> SiteState:
        """Compare the site as it is in the cloud with its declaration; changes nothing there."""
        return self._asked("observe", site, None)

    def preview(self, site: SiteDeclaration) -> SiteState:
        """Observe the site, and tell what stands against making what it lacks; changes nothing there."""
        return self._asked("preview", site, None)

    def provide(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        """Make the site as declared; may be repeated after any kill."""
        return self._asked("provide", site, progress)

    def withdraw(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        """Delete everything that was provided for the site; may be repeated after any kill."""
        return self._asked("withdraw", site, progress)

    def _asked(self, deed: Deed, site: SiteDeclaration, progress: Progress | None) -> SiteState:
        order = Order(world=self._world, home=self._home, deed=deed, site=site)
        command = [sys.executable, "-c", "from infra.engine.alone import main; main()"]
        alone = apart(command) if self._world.cloud_of(site.site).backend in _WITHOUT_NETWORK else command
        answer = Said()
        with subprocess.Popen(
            killed_with_parent(alone), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                with process.stdin as stream:
                    stream.write(order.model_dump_json())
                for line in process.stdout:
                    answer = Said.model_validate_json(line)
                    if answer.progress and progress is not None:
                        progress(answer.progress)
            except BrokenPipeError:
                # It ended before it had read its order: how is told below.
                answer = Said()
            except BaseException:
                process.kill()
                raise
        return _result(answer, site.site, process.returncode)


def _result(answer: Said, site: str, code: int) -> SiteState:
    if answer.state is not None:
        return answer.state
    if answer.failed is not None:
        failed = answer.failed
        if failed.kind == NotReady.__name__:
            raise NotReady(site, failed.findings)
        raise _ERRORS[failed.kind](site, failed.resource, failed.reason, failed.mend)
    how = _("ended by signal {number}").format(number=-code) if code < 0 else _("status {code}").format(code=code)
    raise EngineFailed(site, "", how, _("start again: what was begun is mended first"))


def main() -> None:
    """Carry one order out."""
    order = Order.model_validate_json(sys.stdin.read())
    said: dict[str, Any]
    try:
        engine = SiteEngine(order.world, order.home)
        if order.deed in ("observe", "preview"):
            state = engine.observe(order.site) if order.deed == "observe" else engine.preview(order.site)
        else:
            deed = engine.provide if order.deed == "provide" else engine.withdraw
            state = deed(order.site, lambda line: _say({"progress": line}))
        said = {"state": state.model_dump(mode="json")}
    except ProvisionError as error:
        kind = type(error).__name__
        findings = error.findings if isinstance(error, NotReady) else ()
        failed = {"kind": kind, "resource": error.resource, "reason": error.reason, "mend": error.mend}
        said = {"failed": {**failed, "findings": findings}}
    _say(said)


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what, ensure_ascii=True), flush=True)
