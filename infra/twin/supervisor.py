"""The process that a twin lives and dies with: builds it, then serves its control socket until it is killed.

It runs as `python -m infra.twin.supervisor NAME` in network, mount and process namespaces of its own, below a shell
that is their init and buries orphans; when that ends, by whatever means, the kernel ends all the rest.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.backends import BackendError
from infra.twin import control
from infra.twin.building import build
from infra.twin.cloud import Cloud
from infra.twin.errors import TwinError
from infra.twin.fleet import Fleet
from infra.twin.layout import TwinLayout, lay_out
from infra.twin.openstack import OpenStack, settings
from infra.twin.paths import TwinPaths
from infra.twin.spec import TwinSpec
from infra.twin.twin_substrate import TwinSubstrate

Arguments = Mapping[str, Any]


class Story:
    """What has been told of a twin's building so far; many may listen, from the beginning, until the end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.state = "building"
        self.error: dict[str, str] | None = None

    def tell(self, line: str) -> None:
        """Add a line."""
        print(line, flush=True)
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def end(self, state: str, error: dict[str, str] | None = None) -> None:
        """Say how it ended."""
        with self._changed:
            self.state, self.error = state, error
            self._changed.notify_all()

    def follow(self) -> Iterator[str]:
        """Yield all lines, and return when the story has ended."""
        told = 0
        while True:
            with self._changed:
                while len(self._lines) == told and self.state == "building":
                    self._changed.wait()
                new, ended = self._lines[told:], self.state != "building"
            yield from new
            told += len(new)
            if ended and not new:
                return


class Desk:
    """Answers the calls at the control socket."""

    def __init__(
        self, spec: TwinSpec, layout: TwinLayout, fleet: Fleet, story: Story, openstack: OpenStack | None
    ) -> None:
        self._spec, self._layout, self._fleet, self._story = spec, layout, fleet, story
        self._openstack = openstack
        self._cloud = Cloud(TwinSubstrate(spec.programme, fleet))
        self._verbs: dict[str, Callable[[Arguments], object]] = {
            "status": lambda _: self._status(),
            "list": lambda _: self._parts(),
            "segment.down": lambda given: fleet.wires.set_up(given["segment"], up=False),
            "segment.up": lambda given: fleet.wires.set_up(given["segment"], up=True),
            "part.start": lambda given: self._start(given["part"]),
            "part.stop": lambda given: self._stop(given["part"]),
            "part.kill": lambda given: self._stop(given["part"], at_once=True),
            "host.silence": lambda given: fleet.host(given["host"]).silence(),
            "host.wake": lambda given: fleet.host(given["host"]).wake(),
            "host.fill": lambda given: fleet.host(given["host"]).fill(),
            "host.empty": lambda given: fleet.host(given["host"]).empty(),
        }

    def answer(self, call: str, arguments: Arguments) -> Iterator[control.Answer]:
        """Yield the answers to one call."""
        if call == "follow":
            yield from ({"progress": line} for line in self._story.follow())
            yield {"result": self._status()}
        elif call.startswith("cloud."):
            yield self._cloud.call(call.removeprefix("cloud."), arguments)
        elif call in self._verbs:
            yield self._do(self._verbs[call], arguments)
        else:
            yield control.failure(400, f"there is no call {call}; there are {', '.join(sorted(self._verbs))}")

    def _do(self, act: Callable[[Arguments], object], arguments: Arguments) -> control.Answer:
        try:
            return {"result": act(arguments) or {}}
        except KeyError as error:
            return control.failure(404, f"this twin has no {error}")
        except (TwinError, BackendError) as error:
            return control.failure(500, str(error))

    def _start(self, part: str) -> None:
        if self._openstack is None or self._here(part):
            self._fleet.start(part)
        else:
            self._openstack.start(part)

    def _stop(self, part: str, *, at_once: bool = False) -> None:
        if self._openstack is None or self._here(part):
            self._fleet.stop(part, at_once=at_once)
        else:
            self._openstack.stop(part)

    def _here(self, part: str) -> bool:
        return part in self._fleet.hosts or part in self._fleet.devices

    def _status(self) -> dict[str, object]:
        state, error = self._story.state, self._story.error
        return {"name": self._spec.name, "state": state, "digest": self._spec.digest, "error": error}

    def _parts(self) -> dict[str, object]:
        fleet = self._fleet
        return {
            "hosts": {name: fleet.running(name) for name in fleet.hosts},
            "devices": {name: fleet.running(name) for name in fleet.devices},
            "segments": list(fleet.wires.segments),
        }


def main(name: str) -> None:
    """Build the twin of that name as its spec.json says and serve it for ever."""
    started = time.monotonic()
    paths = TwinPaths.of(name)
    spec = TwinSpec.model_validate_json(paths.spec.read_bytes())
    layout = lay_out(spec.programme)
    real = spec.cloud == "openstack"
    fleet, story = Fleet(paths, spec.images, spec.small_disks, settings(paths) if real else None), Story()
    openstack = OpenStack(spec.programme, paths, fleet) if real else None
    control.serve(paths.control, Desk(spec, layout, fleet, story, openstack).answer)
    try:
        if openstack is not None:
            openstack.begin(story.tell)
        build(spec, layout, fleet, story.tell)
        if openstack is not None:
            openstack.await_ready()
    except TwinError as error:
        story.end("failed", {"what": error.what, "why": error.why, "mend": error.mend})
    except Exception as error:
        story.end("failed", {"what": type(error).__name__, "why": str(error), "mend": f"see {paths.log}"})
        raise
    else:
        story.tell(f"{name}: {time.monotonic() - started:.1f} s")
        story.end("ready")
    threading.Event().wait()


if __name__ == "__main__":
    os.umask(0o022)
    main(sys.argv[1])
