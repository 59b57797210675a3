"""The memory of what survey sheets said last: by it a change in a sheet is told from one by hand.

It is kept beside the inventory's files, in `survey.lock.json`: for each part and each department that reports it, the
values of its row. Whoever removes the file loses no value; what sheets and files say differently is then a conflict.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from inventory.findings import Finding, InventoryErrors
from inventory.words import _

FILE = Path("survey.lock.json")

Said = dict[str, dict[str, dict[str, Any]]]
"""By part (kind/name) and department: values by field; the title stands under "title"."""

_FORMAT: TypeAdapter[Said] = TypeAdapter(Said)


class Memory:
    """What the sheets of each department said of each part."""

    def __init__(self, said: Said | None = None) -> None:
        self._said: Said = said or {}

    @classmethod
    def read(cls, folder: Path) -> "Memory":
        """Read the memory of an inventory, empty where there is none; InventoryErrors where it is broken."""
        file = folder / FILE
        if not file.exists():
            return cls()
        try:
            return cls(_FORMAT.validate_json(file.read_bytes()))
        except (OSError, ValidationError) as exc:
            mend = _("restore it from your version control, or remove it: then every difference is a conflict")
            finding = Finding(file=file, line=0, column=0, field="", reason=_("this file is broken"), mend=mend)
            raise InventoryErrors([finding]) from exc

    def of(self, part: str, department: str) -> Mapping[str, Any]:
        """Return what a department's sheets said of a part."""
        return self._said.get(part, {}).get(department, {})

    def keep(self, part: str, department: str, values: Mapping[str, Any]) -> None:
        """Keep what a department's sheets say of a part, beside what they said of its other fields."""
        if values:
            self._said.setdefault(part, {}).setdefault(department, {}).update(values)

    def move(self, part: str, before: str, after: str) -> None:
        """Keep what one department's sheets said of a part as said by another one, which said nothing of it itself."""
        said = self._said.get(part, {})
        if before in said:
            said[after] = {**said.pop(before), **said.get(after, {})}

    def forget(self, part: str) -> None:
        """Forget all that sheets said of a part."""
        self._said.pop(part, None)

    def only(self, part: str, fields: Collection[str]) -> None:
        """Forget what sheets said of a part but for a few fields."""
        for department, values in self._said.get(part, {}).items():
            self._said[part][department] = {field: value for field, value in values.items() if field in fields}

    def each(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield part, department and values, in the order of their names."""
        for part in sorted(self._said):
            for department in sorted(self._said[part]):
                yield part, department, self._said[part][department]

    def text(self) -> str:
        """Return what is written into the file: a line for each part, so that version control shows what changed."""
        if not self._said:
            return ""
        lines = (
            f"{json.dumps(part)}: {json.dumps(self._said[part], ensure_ascii=False, sort_keys=True)}"
            for part in sorted(self._said)
        )
        return "{\n" + ",\n".join(lines) + "\n}\n"
