"""A small inventory and rows of sheets to be merged into it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from inventory.survey.entries import Entry, Kind, Place, Weight
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.memory import Memory
from inventory.survey.merging.merging import Merged, merge
from inventory.survey.merging.writing import held, write

DEPARTMENTS = """\
# by hand
departments:
  - name: water-bureau
    title: 水务局   # the bureau
    rooms:
      - name: water-room
        hosts:
          - {name: water-db, address: 10.11.0.10}
"""


SYSTEM = """\
system: water-billing
title: 水费征收系统
department: water-bureau
survey:
  # what the department says
  number: W-01
  function: 征收水费
  running_cost: 120000
"""


def row(kind: Kind, title: str, values: Mapping[str, object] | None = None, **more: str) -> Entry:
    holding = {"department": "水务局", "name": "", "holder": "", "reported_none": "", **more}
    values = values or {}
    file = Path(f"{holding['department']}.xlsx")
    places = {key: Place(file=file, sheet=kind, cell=f"B{n}") for n, key in enumerate(("", *values), 2)}
    identity = (holding["name"], title, holding["department"], holding["holder"])
    return Entry(kind, *identity, values=values, places=places, reported_none=holding["reported_none"])


def begun(folder: Path) -> Path:
    """Make a small inventory that people have written into."""
    (folder / "departments.yaml").write_text(DEPARTMENTS)
    (folder / "systems").mkdir()
    (folder / "systems" / "water-billing.yaml").write_text(SYSTEM)
    return folder


def run(folder: Path, *rows: Entry, accept: Sequence[str] = ()) -> Merged:
    with held(folder):
        merged = merge(Folder(folder), Memory.read(folder), rows, accept)
        write(folder, merged.files)
    return merged


def kinds(merged: Merged) -> list[tuple[Weight, str]]:
    return [(remark.severity, remark.column) for remark in merged.remarks]


BILLING = {"survey.number": "W-01", "survey.function": "征收水费", "survey.running_cost": 120000}


def billing(**values: object) -> Entry:
    return row("system", "水费征收系统", {**BILLING, **{f"survey.{key}": value for key, value in values.items()}})
