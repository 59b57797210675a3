"""The verbs of a file store."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_copy import Copy, dispatched

from playbooks.agents.kit import answer


class Files(Copy):
    """A file store is its folder."""

    def prepare(self) -> dict[str, Any]:
        """Make accounts, keys and views on both hosts."""
        return answer(self.admit(), changed=self.mode != "probe", **self.found())

    def retire(self) -> dict[str, Any]:
        """Give the way back up; a store that goes nowhere is kept as one file and sealed."""
        if self.component["targets"]:
            return self.give_up_way_back()
        if self.mode == "undo":
            self.store.unseal()
            return answer(done=False, changed=True)
        kept = self.archive()
        if self.mode == "apply":
            self.store.prepare()
            self.store.seal(for_good=True)
        return answer(kept["kept"] and self.store.sealed(), changed=self.mode == "apply", **kept)


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Do one verb on one host."""
    return dispatched(Files, ("offer", "prepare", "replicate", "lag", "retire"), given)
