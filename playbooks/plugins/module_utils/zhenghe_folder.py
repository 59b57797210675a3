"""A folder in a cutover: the read-only view is laid over the source and taken away from the target."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from ansible.module_utils import zhenghe_tree
from ansible.module_utils.zhenghe_store import Puller, Store, StoreError

from playbooks.agents.loop import Agent, Refused

if TYPE_CHECKING:
    import subprocess


class Folder(Agent):
    """The folder of a component on one of its hosts."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.store = Store(f"{self.system}-{self.component['name']}")
        self.puller = Puller(self.store)
        self._line: subprocess.Popen[bytes] | None = None
        self._descriptions: dict[str, str] = {}

    def open(self) -> dict[str, Any]:
        """Look at the seal."""
        if not self.store.known:
            raise Refused("the folder was not prepared here", "run the step prepare")
        if self.side == "source":
            if self.store.sealed():
                return {"state": "sealed" if self.store.sealed_for_good else "frozen"}
            return {"state": "open"}
        return {"state": "waiting" if self.store.sealed() else "promoted"}

    def ready(self) -> dict[str, Any]:
        """Make a pass, and open the line for the last one, so that little is left for the pause."""
        if self.side == "source" or not self.store.sealed():
            return {}
        with said():
            self.puller.stop()
            self._line = self.puller.connect()
            return {"pass_seconds": round(self.puller.once(self.limits["catch_up"]), 3)}

    def freeze(self, limit: float) -> dict[str, Any]:
        """Lay the read-only view over the folder and wait for those who had files open before."""
        with said():
            self.store.seal(for_good=False)
        writers: list[str] = []

        def none_left() -> bool:
            writers[:] = self.store.writers()
            return not writers

        try:
            self.until(none_left, limit, "files are open for writing")
        except Refused as refused:
            mend = "stop what writes there, then move again"
            raise Refused(f"{refused.reason}: {', '.join(writers)}", mend) from None
        return {}

    def reached(self, positions: dict[str, Any], limit: float) -> dict[str, Any]:  # noqa: ARG002
        """Make the last pass."""
        with said():
            return {"last_pass_seconds": round(self.puller.once(limit, last=True), 3)}

    def promote(self) -> dict[str, Any]:
        """Take the read-only view away, for good."""
        with said():
            self.puller.disable()
            self.store.role = "live"
            self.store.unseal()
            self.store.save()
        return {}

    def seal(self) -> dict[str, Any]:
        """Leave the read-only view there, after a restart too."""
        with said():
            self.store.role = "copy"
            self.store.seal(for_good=True)
        return {}

    def after(self) -> dict[str, Any]:
        """Have the old folder follow the new one, so that the way back loses nothing."""
        with said():
            if self.side == "source":
                self.puller.start()
            else:
                self.puller.disable()
        self._hang_up()
        return {}

    def abandon(self) -> dict[str, Any]:
        """Be what it was: a source takes writes, a copy follows."""
        with said():
            if self.side == "source":
                self.store.role = "live"
                self.store.unseal()
                self.store.save()
            else:
                self.store.role = "copy"
                self.store.seal(for_good=True)
                self.store.save()
                self.puller.start()
        self._hang_up()
        return {}

    def digests(self) -> dict[str, str]:
        """Return a digest for each part of the folder."""
        self._descriptions = zhenghe_tree.described(self.store.root)
        return zhenghe_tree.bucketed(self._descriptions)

    def listing(self, keys: list[str]) -> dict[str, str]:
        """Return what was seen in some parts, by path."""
        wanted = set(map(int, keys))
        return {
            zhenghe_tree.readable(path): text
            for path, text in self._descriptions.items()
            if zhenghe_tree.bucket(path) in wanted
        }

    def count(self) -> dict[str, Any]:
        """Say how much was looked at."""
        return {"files": len(self._descriptions), "at": time.time()}

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.terminate()
            self._line.wait()
            self._line = None


@contextlib.contextmanager
def said() -> Any:
    """Turn what is wrong with the folder into the agent's refusal."""
    try:
        yield
    except StoreError as error:
        raise Refused(error.reason, error.mend) from None
