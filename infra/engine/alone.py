"""A site's engine in a process of its own, on a loopback of its own.

Pulumi's engine, its plugins and its SDK speak over ports of the loopback and ask nobody who he is: whoever reached them
would have resources made, or a program run, with our rights. Nor do the SDK's threads belong into a worker that starts
other programs. Clouds behind APIs are reached through the egress proxy.

The process takes one order as JSON from its standard input, and writes progress and one answer as lines of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from infra.backends import BackendError, backend_of
from infra.declaration import SiteDeclaration
from infra.egress_client import EgressClient
from infra.egress_proxy import EGRESS
from infra.engine.driver import SiteEngine
from infra.engine.errors import AmbiguousResource, EngineFailed, EngineMissing, NotReady, ProvisionError, Unproven
from infra.engine.journal import Progress
from infra.engine.state import SiteState
from infra.network_namespace import in_own_network
from infra.parent_death import killed_with_parent
from infra.worlds import CloudSettings, World
from inventory.base import Model
from inventory.words import _

Deed = Literal["observe", "preview", "provide", "withdraw"]
_ERRORS: Mapping[str, type[ProvisionError]] = {
    error.__name__: error for error in (ProvisionError, EngineMissing, EngineFailed, AmbiguousResource, Unproven)
}


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
        command, environment = _alone(self._world.cloud_of(site.site))
        answer = Said()
        with subprocess.Popen(
            killed_with_parent(command),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
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


def _alone(cloud: CloudSettings) -> tuple[list[str], dict[str, str]]:
    """Return the command that carries an order out, and its environment."""
    command = in_own_network([sys.executable, "-c", "from infra.engine.alone import main; main()"])
    environment = {name: value for name, value in os.environ.items() if name != EGRESS}
    if cloud.backend == "twin":
        return command, environment
    if cloud.through is not None:
        return command, {**environment, EGRESS: str(cloud.through)}
    return [sys.executable, "-c", "from infra.egress_proxy import main; main()", *command], environment


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
    with _way_out(order):
        said = _carried_out(order)
    _say(said)


def _carried_out(order: Order) -> dict[str, Any]:
    try:
        engine = SiteEngine(order.world, order.home)
        if order.deed in ("observe", "preview"):
            state = engine.observe(order.site) if order.deed == "observe" else engine.preview(order.site)
        else:
            deed = engine.provide if order.deed == "provide" else engine.withdraw
            state = deed(order.site, lambda line: _say({"progress": line}))
    except ProvisionError as error:
        kind = type(error).__name__
        findings = error.findings if isinstance(error, NotReady) else ()
        failed = {"kind": kind, "resource": error.resource, "reason": error.reason, "mend": error.mend}
        return {"failed": {**failed, "findings": findings}}
    return {"state": state.model_dump(mode="json")}


@contextmanager
def _way_out(order: Order) -> Iterator[None]:
    egress = os.environ.pop(EGRESS, "")
    if not egress:
        yield
        return
    client = EgressClient(Path(egress))
    client.open()
    try:
        # A cloud that does not answer is met by the engine as well, and told there.
        with suppress(BackendError):
            client.lend(backend_of(order.world.cloud_of(order.site.site)).local_ports())
        yield
    finally:
        client.close()


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what, ensure_ascii=True), flush=True)
