"""Laws of the plan: one digest whatever order the inventory was read in and whatever language is spoken."""

import random
from pathlib import Path
from typing import Any

import pytest

from inventory.kinds import Kind, Title
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.plan import digest
from migrations.planner import make_plan

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
ENTRIES = {"postgresql": "pgbouncer", "web": "haproxy", "files": None}
KINDS = {
    name: Kind(name=name, title=Title(en=name, zh=name), entry=entry, settings={}) for name, entry in ENTRIES.items()
}


def _shuffled(programme: Programme, chance: random.Random) -> Programme:
    def mixed(things: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(things, len(things)))

    network = programme.network
    return programme.model_copy(
        update={
            "departments": mixed(programme.departments),
            "sites": mixed(programme.sites),
            "sizes": mixed(programme.sizes),
            "systems": mixed(programme.systems),
            "network": network.model_copy(
                update={
                    name: mixed(getattr(network, name))
                    for name in ("domains", "devices", "attachments", "lines", "backbone", "vantages")
                }
            ),
        }
    )


@pytest.mark.parametrize("seed", range(20))
def test_plan_does_not_depend_on_the_order_of_the_files(seed: int) -> None:
    programme = load_programme(YUNHE)
    mixed = _shuffled(programme, random.Random(seed))
    assert digest(make_plan(mixed, KINDS, "content")) == digest(make_plan(programme, KINDS, "content"))


def test_plan_does_not_depend_on_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    programme = load_programme(YUNHE)
    digests = set()
    for language in ("en", "zh"):
        monkeypatch.setenv("LANGUAGE", language)
        digests.add(digest(make_plan(programme, KINDS, "content")))
    assert len(digests) == 1
