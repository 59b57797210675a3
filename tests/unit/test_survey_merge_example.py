"""The example district is the result of importing the sheets that are kept beside it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from inventory.files.dumping import file_text
from inventory.loading import load_programme
from inventory.survey.entries import Remark, Weight
from inventory.survey.merging.fields import drop_field
from inventory.survey.merging.folder import Change, Folder
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.merging import Merged, merge
from inventory.survey.merging.writing import held, write
from inventory.survey.reading import read_sheets

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
ONLY_REPORTED = {"office", "unit", "asset", "resource", "request", "building"}
"""The kinds of parts of which nothing is designed: they come from sheets alone."""


@pytest.fixture(scope="module")
def sheets() -> tuple[Any, tuple[Remark, ...]]:
    return read_sheets([YUNHE / "survey"])


def test_importing_the_sheets_again_changes_nothing(sheets: tuple[Any, tuple[Remark, ...]]) -> None:
    entries, remarks = sheets
    merged = merge(Folder(YUNHE), Memory.read(YUNHE), entries)
    assert merged.files == ()
    assert [remark for remark in (*remarks, *merged.remarks) if remark.severity is not Weight.NOTE] == []


def designed(folder: Folder, memory: Memory) -> Folder:
    """Leave only what no sheet says: names, titles, the extranet, sites, components, targets."""
    reported = {part: values for part, _department, values in memory.each()}
    for part in folder.parts:
        if part.kind in ONLY_REPORTED and part.holder is not None:
            part.holder.values.pop({"office": "offices", "unit": "units", "asset": "assets"}[part.kind], None)
        for field in reported.get(part.key, {}):
            if field != "title" and part.kind not in ONLY_REPORTED and (part.kind, field) != ("line", "kind"):
                drop_field(part.values, field)
    for _file, document in folder.top():
        for key in ("buildings", "resources", "requests"):
            document.pop(key, None)
    return folder


def as_files(folder: Folder) -> list[Change]:
    documents = [*folder.top(), *((part.file, part.values) for part in folder.parts if part.kind == "system")]
    return [Change(file, "", file_text(file, document)) for file, document in documents if document]


def test_importing_them_over_the_design_alone_gives_the_example(
    tmp_path: Path, sheets: tuple[Any, tuple[Remark, ...]]
) -> None:
    whole = tmp_path / "yunhe"
    shutil.copytree(YUNHE, whole, ignore=shutil.ignore_patterns("twin", "survey", FILE.name))
    bare = designed(Folder(whole), Memory.read(YUNHE))
    shutil.rmtree(whole)
    with held(whole):
        write(whole, as_files(bare))
        merged: Merged = merge(Folder(whole), Memory(), sheets[0])
        write(whole, merged.files)
    assert [remark for remark in merged.remarks if remark.severity is not Weight.NOTE] == []
    ours, theirs = (load_programme(each).model_dump(mode="json") for each in (YUNHE, whole))
    assert _in_order(theirs) == _in_order(ours)
    assert (whole / FILE).read_bytes() == (YUNHE / FILE).read_bytes()


def _in_order(programme: dict[str, Any]) -> dict[str, Any]:
    for key in ("systems", "resources", "buildings"):
        programme[key] = sorted(programme[key], key=str)
    return programme
