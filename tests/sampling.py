"""Exhaustive walks are sampled: each commit takes another part of them, `make test-all` takes all."""

import math
import os
import random
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
WHOLE = "ZHENGHE_TEST_ALL"
"""Set to anything, no walk is sampled."""
only_in_test_all = pytest.mark.skipif(not os.environ.get(WHOLE), reason="takes minutes: make test-all walks it")


def sampled(items: Sequence[T], share: float, seed: str = "") -> list[T]:
    """Return that share of some items, at least one, in their order; the seed is the commit where none is given."""
    if os.environ.get(WHOLE):
        return list(items)
    chosen = seed or _commit()
    chance = random.Random(chosen)
    count = max(1, math.ceil(len(items) * share))
    print(f"{count} of {len(items)} are walked, chosen by {chosen}; {WHOLE}=1 walks all")
    return [items[index] for index in sorted(chance.sample(range(len(items)), count))]


def skip_others(items: Iterable[pytest.Item]) -> None:
    """Skip of all collected tests marked by_commit those that another commit takes."""
    groups: dict[tuple[str, float], list[pytest.Item]] = {}
    for item in items:
        if mark := item.get_closest_marker("by_commit"):
            groups.setdefault(mark.args, []).append(item)
    for (_group, share), members in groups.items():
        taken = sampled(members, share)
        for item in members:
            if item not in taken:
                item.add_marker(pytest.mark.skip(reason="another commit takes it; make test-all takes all"))


def _commit() -> str:
    """Return the commit of this checkout; the same word everywhere where it is none."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return said or "no commit"
