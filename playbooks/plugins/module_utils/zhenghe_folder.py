"""A folder in a cutover: the read-only view is laid over the source and taken away from the target.

Before the pause both ends make a list of all that is in the folder, the source while it is not sealed yet, and the
source is told of every change from then on. The pause carries the changes alone; then the two lists must be the same.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Iterable

from ansible.module_utils import zhenghe_flags as flags
from ansible.module_utils import zhenghe_tree
from ansible.module_utils.zhenghe_changes import Changes, changed_unseen
from ansible.module_utils.zhenghe_findings import looked_over, still_refused
from ansible.module_utils.zhenghe_holders import holders
from ansible.module_utils.zhenghe_listing import Listing
from ansible.module_utils.zhenghe_puller import Puller
from ansible.module_utils.zhenghe_store import Store

from playbooks.agents.kit import Refused
from playbooks.agents.loop import Agent

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
        self._changes: Changes | None = None
        self._listing: Listing | None = None
        self._used = self.side == "target" and self._is_used()
        self._outer: list[tuple[int, int]] = []
        self._flags: dict[str, int] = {}

    def open(self) -> dict[str, Any]:
        """Look at the seal."""
        if not self.store.known:
            raise Refused("the folder was not prepared here", "run the step prepare")
        if self.side == "source":
            if self.store.sealed():
                if not self.store.sealed_for_good:
                    return {"state": "frozen"}
                # While a system is on probation every look at its move tells whether it could go back.
                return {"state": "sealed", "way_back": self._way_back()}
            return {"state": "open"}
        return {"state": "waiting" if self.store.sealed() else "promoted"}

    def _way_back(self) -> str:
        """Say whether this folder, which is sealed, follows the one that clients use: open, or broken and why."""
        if not self.puller.running():
            return "broken: nothing makes passes any more that follow the new folder"
        error = self.puller.last().get("error")
        return f"broken: {error}" if error else "open"

    def _is_used(self) -> bool:
        """Say whether clients used the folder all along, though it is the target: an earlier move died in its pause.

        It left the other end promoted in vain, or this one frozen by an agent that is no more.
        """
        if self.direction == "forward" and self.store.role != "live":
            return False
        return not self.store.sealed_for_good if self.store.sealed() else not self.store.promoted

    def watch(self) -> dict[str, Any]:
        """Be told of changes of the source from now on, and list what is there, before anything is sealed."""
        if self.side != "source" or self.store.sealed():
            return {}
        against = still_refused(self.store.root, (str(self.store.raw), str(self.store.ro)), self.store.nested)
        if against:
            raise Refused("; ".join(against), "mend what is said, then move again; nothing has changed for clients")
        self._changes = Changes(self.store.root)
        self._changes.start()
        found = looked_over(self.store.root)
        self._outer, self._flags = found.outer, found.flags
        began = time.monotonic()
        self._listing = Listing(self.store.root, links=True)
        # Where changes are not told, both ends have to look through everything in the pause, the copy twice.
        pause, limit = 3 * (time.monotonic() - began), self.limits["downtime"]
        if self._changes.why_all and pause > limit:
            why = self._changes.why_all
            raise Refused(
                f"the pause would take about {pause:.0f} s, beyond limits.downtime of {limit:g} s: {why}",
                "raise fs.inotify.max_user_watches and max_queued_events on this host, or limits.downtime",
            )
        doubtful = self._listing.with_other_names(changed_unseen(self.store.root, self.store.since))
        told = [zhenghe_tree.coded(path) for path in sorted(doubtful)]
        return {"listed": self._listing.told, "why_all": self._changes.why_all, "doubtful": told}

    def ready(self, doubtful: Iterable[str] = ()) -> dict[str, Any]:
        """Make a pass and list the copy, so that little is left for the pause; open the line for the rest.

        `doubtful` are files that a pass may have passed over; they are compared by what is in them.
        """
        if self._used:
            self.store.unseal()
        if self.side == "source" or not self.store.sealed():
            return {}
        self.puller.stop()
        self._line = self.puller.connect()
        spent = self.puller.once(self.limits["catch_up"])
        self.puller.these(map(zhenghe_tree.decoded, doubtful), (), self.limits["catch_up"])
        self._listing = Listing(str(self.store.raw))
        return {"pass_seconds": round(spent, 3), "listed": self._listing.told}

    def freeze(self, limit: float) -> dict[str, Any]:
        """Lay the read-only view over the folder and wait for those whom it does not hold."""
        self.store.seal(for_good=False)
        if not self.store.is_whole():
            raise Refused("the sealed folder does not show all that was mounted below it", "run the step prepare again")
        left: list[str] = []

        def none_left() -> bool:
            left[:] = [str(one) for one in holders(self.store.root, self._outer)]
            return not left

        try:
            self.until(none_left, limit, "the seal does not hold everybody")
        except Refused as refused:
            mend = "stop them, or have them work elsewhere, then move again"
            raise Refused(f"{refused.reason}: {', '.join(left)}", mend) from None
        return {}

    def position(self) -> dict[str, Any]:
        """Answer what has changed since the folder was listed, and what the list says now."""
        if self._listing is None or self._changes is None:
            return {"listed": None, "changed": None, "flags": self.store.flags}
        changed = self._listing.with_other_names(self._changes.paths())
        why_all = self._changes.why_all
        self._changes.stop()
        if why_all:
            self._listing = Listing(self.store.root, links=True)
            return {"listed": self._listing.told, "changed": None, "flags": self._flags, "why": why_all}
        self._listing.look_again(changed)
        gone = {path for path in changed if not os.path.lexists(os.path.join(os.fsencode(self.store.root), path))}
        told = [zhenghe_tree.coded(path) for path in sorted(changed - gone)]
        left = [zhenghe_tree.coded(path) for path in sorted(gone)]
        return {"listed": self._listing.told, "changed": told, "gone": left, "flags": self._flags}

    def reached(self, positions: dict[str, Any], limit: float) -> dict[str, Any]:
        """Bring over what has changed since the list was made, and see that both lists are the same."""
        if self._used:
            # What the other end has is older.
            return {"changed": 0}
        given = next(iter(positions.values()))
        began = time.monotonic()
        self._flags = dict(given["flags"])
        if given["changed"] is None or self._listing is None:
            self.puller.once(limit, last=True)
            self._listing = Listing(str(self.store.raw))
        elif given["changed"] or given["gone"]:
            paths = {zhenghe_tree.decoded(path) for path in given["changed"]}
            gone = {zhenghe_tree.decoded(path) for path in given["gone"]}
            self.puller.these(paths, gone, limit)
            self._listing.look_again(paths | gone)
        self._see_all_is_here(given["listed"])
        spent = round(time.monotonic() - began, 3)
        changed = None if given["changed"] is None else [*given["changed"], *given["gone"]]
        return {"last_pass_seconds": spent, "changed": "all" if changed is None else len(changed)}

    def _see_all_is_here(self, listed: dict[str, Any] | None) -> None:
        here = self._listing.told if self._listing else None
        if listed is None or here == listed:
            return
        raise Refused(
            f"what is here is not what was to be moved: {listed['entries']} files and folders were listed there, "
            f"{here and here['entries']} are here, or some of them are not the same",
            "run the step verify, which names them; nothing has changed for clients",
        )

    def promote(self) -> dict[str, Any]:
        """Take the read-only view away, for good."""
        self.puller.disable()
        self.store.role = "live"
        self.store.promoted = not self._used
        self.store.since = time.time()
        self.store.unseal()
        self.store.save()
        return {}

    def seal(self) -> dict[str, Any]:
        """Leave the read-only view there, after a restart too."""
        self.store.role = "copy"
        self.store.promoted = False
        self.store.seal(for_good=True)
        self.store.save()
        self.puller.note_pass()
        return {}

    def after(self) -> dict[str, Any]:
        """Have the old folder follow the new one, so that the way back loses nothing."""
        facts: dict[str, Any] = {}
        if self.side == "source":
            facts = self._be_a_copy()
        else:
            self.puller.disable()
            self.store.promoted = False
            self.store.save()
            facts = self._set_flags()
        self._hang_up()
        return facts

    def _be_a_copy(self) -> dict[str, Any]:
        if not self.puller.running():
            self.puller.keep_what_others_wrote()
            if self._flags:
                # The next pass could not change these files; their flags are set again where clients use them.
                self.store.flags = self._flags
                self.store.save()
                flags.clear_flags(str(self.store.raw), self._flags)
            self.puller.note_pass()
        self.puller.start()
        return {"kept": self.puller.kept()}

    def _set_flags(self) -> dict[str, Any]:
        left = flags.set_flags(self.store.root, self._flags)
        return {"flags": len(self._flags) - len(left), "flags_refused": left[:20]}

    def abandon(self) -> dict[str, Any]:
        """Be what it was: a source takes writes, a copy follows."""
        if self._changes is not None:
            self._changes.stop()
        # Before passes are made again: they would take the line that ends here.
        self._hang_up()
        if self._used:
            return {}
        if self.side == "source":
            self.store.role = "live"
            self.store.unseal()
            self.store.save()
        else:
            self.store.role = "copy"
            self.store.promoted = False
            self.store.seal(for_good=True)
            self.store.save()
            self.puller.start()
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
        """Say how much was looked at, and what others wrote into a copy that clients once used."""
        kept = self.puller.kept() if self.side == "source" else {}
        return {"files": len(self._descriptions), "at": time.time(), "kept": kept}

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.terminate()
            self._line.wait()
            self._line = None
