"""The verbs of a web application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_agreed, zhenghe_bounds
from ansible.module_utils.zhenghe_copy import Copy, dispatched
from ansible.module_utils.zhenghe_site import Site

from playbooks.agents.kit import answer

BROUGHT = Path("/var/lib/zhenghe/brought")
"""Where a file that comes along lies until it has been read."""


class Web(Copy):
    """A web application is its folder, nginx's site and perhaps a service."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.site = Site(given["component"], given["entry"])
        source = given["side"] == "source" and given["verb"] in {"offer", "admit_peers"}
        super().__init__(given, self.site.needs() if source else ())

    def offer(self, users: Any = ()) -> dict[str, Any]:
        """Tell the peers what they need to know."""
        return super().offer(self.site.users() if self.side == "source" else users)

    def admit_peers(self) -> dict[str, Any]:
        """Make accounts, keys and views on both hosts."""
        done = self.admit()
        if self.side != "source":
            return {"changed": True}
        return answer(done, changed=self.mode != "probe", **self.found())

    def prepare(self) -> dict[str, Any]:
        """Bring the application to the target and start it there, its folder read-only as long as it is a copy."""
        if self.mode == "apply" and self.store.role != "live":
            self._bring()
        status = self.site.answers(self._address()) if self.mode != "undo" and self.site.running() else 0
        return answer(self.store.known and 0 < status < 500, changed=self.mode == "apply", status=status)

    def _bring(self) -> None:
        self.store.role = "copy"
        self.store.seal(for_good=True)
        self.store.save()
        self.puller.once(600.0)
        zhenghe_bounds.see_folder(self.store.root)
        for path in self.store.gives:
            self._bring_along(path)
        self.site.start()

    def _bring_along(self, path: str) -> None:
        # Read before root's programs obey it: it was written by another host.
        BROUGHT.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = BROUGHT / self.name
        staged.unlink(missing_ok=True)
        self.puller.once(60.0, path=path, into=str(staged))
        zhenghe_bounds.see_file(staged, path)
        zhenghe_agreed.see_content(self.component, path, staged.read_bytes())
        zhenghe_bounds.put(self.component, staged, path)
        staged.unlink()

    def remove(self) -> dict[str, Any]:
        """Undo of `prepare` on the target: the site is no longer served; files stay where they are."""
        if self.mode == "undo" and self.store.role != "live":
            self.site.stop_service()
            self.site.disable_service()
            self.site.take_away()
        return {"changed": True}

    def verify(self) -> dict[str, Any]:
        """Ask this host directly."""
        status = self.site.answers(self._address(), 20.0) if self.side == "target" else 200
        return answer(0 < status < 500, status=status)

    def retire(self) -> dict[str, Any]:
        """Stop site and service at the source; without a target the folder is kept as one file before that."""
        if self.side == "target":
            return self.give_up_way_back()
        kept: dict[str, Any] = {"kept": True}
        if self.component["targets"]:
            self.give_up_way_back()
        else:
            kept = self.archive() if self.mode != "undo" else kept
        if self.mode == "undo":
            self.site.start()
        elif self.mode == "apply":
            self.site.stop_service()
            self.site.disable_service()
            self.site.take_away()
        stopped = not self.site.link.exists() and not self.site.service_active()
        return answer(stopped and kept["kept"], changed=self.mode != "probe", **kept)

    def _address(self) -> str:
        address: str = self.component[f"{self.side}_addresses"][self.component[f"{self.side}s"].index(self.host)]
        return address


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Do one verb on one host."""
    verbs = ("offer", "admit_peers", "prepare", "remove", "replicate", "lag", "verify", "retire")
    return dispatched(Web, verbs, given)
