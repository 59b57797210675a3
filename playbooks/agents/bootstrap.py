"""What an agent's process does first on a host: takes its modules from the coordinator and starts.

The controller runs the command of `infra/sudo.py` and writes one JSON line `{"bootstrap", "how", "modules", "given"}`:
this file's text, which function of it takes over, modules' texts by name, and the arguments. Nothing is written to the
host's disk.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

AGENT = "zhenghe_agent"
VERBS = "zhenghe_verbs"


class Carried:
    """Finds the modules that came over the connection, and the packages above them; a finder and a loader at once.

    By their own words and not by `importlib.abc`, whose import takes longer than that of a whole kind.
    """

    def __init__(self, texts: Mapping[str, str], compiled: Mapping[str, CodeType] | None = None) -> None:
        self._texts = texts
        self._compiled = compiled or {}
        self._packages = {name.rsplit(".", depth)[0] for name in texts for depth in range(1, name.count(".") + 1)}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return the specification of a carried module or package."""
        if name in self._texts or name in self._packages:
            loader: Any = self
            return importlib.util.spec_from_loader(name, loader, is_package=name in self._packages)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's text, or what was compiled of it before, in the module."""
        name = module.__name__
        exec(self._compiled.get(name) or compile(self._texts.get(name, ""), name, "exec"), module.__dict__)  # noqa: S102

    def get_source(self, name: str) -> str:
        """Return the text of a carried module."""
        return self._texts.get(name, "")

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG004
        """Leave it to Python to make a module."""
        return None


def start(header: dict[str, Any]) -> None:
    """Make the modules known and serve the kind's agent."""
    sys.meta_path.insert(0, Carried(header["modules"]))
    kind = importlib.import_module(AGENT)
    loop = importlib.import_module("playbooks.agents.loop")
    loop.serve(kind.Agent(header["given"]))


def reside(header: dict[str, Any]) -> None:
    """Make the modules known and stay, to carry out one verb after the other."""
    sys.meta_path.insert(0, Carried(header["modules"]))
    importlib.import_module("playbooks.agents.resident").reside(VERBS, Carried)


def oneshot(header: dict[str, Any]) -> None:
    """Make the modules known and carry one verb out by the kind's own hand."""
    sys.meta_path.insert(0, Carried(header["modules"]))
    importlib.import_module("playbooks.agents.oneshot").answer(VERBS, header["given"])
