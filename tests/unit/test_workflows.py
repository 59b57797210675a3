"""What workflows may import and call: Temporal replays them after every kill, and must get the same commands."""

import ast
from pathlib import Path

import pytest

from migrations.run.engine import passages, workflows

ALLOWED = frozenset(
    {
        "asyncio", "collections.abc", "datetime", "typing", "temporalio", "temporalio.common", "temporalio.exceptions",
        "temporalio.workflow", "migrations.plan", "migrations.states", "migrations.run.engine.messages",
        "migrations.run.engine.workflows",
    }
)  # fmt: skip
"""Types, values, and what makes commands; nothing that reads a clock, a file, the network or a random number."""
OUTSIDE = frozenset({"now", "utcnow", "today", "open", "to_thread", "run", "get_running_loop", "sleep", "as_completed"})
"""What of these would differ the next time."""


@pytest.mark.parametrize("module", [passages, workflows])
def test_a_workflow_has_nothing_at_hand_that_differs_when_it_is_replayed(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__", ""))).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - ALLOWED == set()
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in calls}
    assert called & OUTSIDE == set()
