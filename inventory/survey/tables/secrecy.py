"""Whether a row is about something classified: by its column, its level, its words, or the list that it stands in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from inventory.survey.cells.secrets import marked, secret
from inventory.survey.cells.ticks import ticked
from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import told_by
from inventory.survey.columns import Column, Listing
from inventory.survey.opening.grids import Cell, Spot, empty
from inventory.survey.tables.headings import taken_apart
from inventory.survey.tables.tables import Heading
from inventory.survey.text import folded, plain

Answer = Literal["yes", "unclear", "named"]
"""Said; asked about; or only named by words, which a person has to decide on."""

CLASSIFIED = frozenset({"classified", "grading.classified"})
_SPEECHLESS = re.compile(
    r"(department|office|name|basis|conditions|provider|carrier|exemption\..*|override\..*|filing\..*"
    r"|survey\.(approved_by|builder|funding|channel))$"
)
"""Fields whose words name laws and offices, and say nothing of the row itself."""
_LIST = re.compile(r"密[^不,。;:]{0,14}(?:表|清单|台账|目录|名录|情况|统计|部分)")
_ASKS = re.compile(r"是否.{0,4}密|密级|定密|(?:涉密|秘密|保密).{0,2}(?:等级|级别|程度|类别|类型|属性|情况|标志|标识)")
"""What headings ask for secrecy, in whatever words."""
_BODIES = frozenset({"department", "office", "unit"})


def secret_list(titles: Iterable[str], names: Iterable[str]) -> bool:
    """Tell whether the title of a list, or the name of its sheet or file, says that all of it is classified."""
    return any(secret(text) and len(text) <= 40 and _LIST.search(plain(text)) for text in titles) or any(
        secret(text) and "非" not in text for text in names
    )


def classified(
    listing: Listing,
    columns: Mapping[Heading, Column],
    cells: Mapping[Heading, tuple[Spot, Cell]],
    comments: Sequence[str] = (),
    *,
    listed: bool,
) -> Answer | None:
    """Tell whether a row is, or may be, about something classified; none where it is not.

    `cells` holds those of all headings and `comments` those on its cells; `listed` tells whether the list that the row
    stands in is one of secrets.
    """
    answers = [
        (told_by(cell, column, Setting()), cell)
        for heading, (_spot, cell) in cells.items()
        if (column := _asking(heading, columns, listing)) is not None and not empty(cell)
    ]
    stated = [told for told, _cell in answers]
    if any(told.value is True for told in stated):
        return "yes"
    if any(told.expected and told.value is None for told in stated):
        return "unclear"
    # One that begins with a no and goes on to speak of secrets, such as 非密,其中部分涉密, is none.
    if any(told.value is False and secret(str(cell)) for told, cell in answers):
        return "unclear"
    texts = [*_texts(listing, columns, cells), *comments]
    if any(told.value is False for told in stated):
        return "unclear" if any(map(marked, texts)) else None
    return "named" if listed or any(map(secret, texts)) else None


def _asking(heading: Heading, columns: Mapping[Heading, Column], listing: Listing) -> Column | None:
    """Return the column by which a heading asks for secrecy, also where the heading is not known."""
    column = columns.get(heading)
    if column is not None:
        return column if column.field in CLASSIFIED else None
    if not heading.parts or not _ASKS.search(taken_apart(heading.parts[-1])[0]):
        return None
    return next((each for each in listing.columns if each.field in CLASSIFIED), None)


def _texts(
    listing: Listing, columns: Mapping[Heading, Column], cells: Mapping[Heading, tuple[Spot, Cell]]
) -> Iterable[str]:
    """Yield what a row says of itself: its titles and remarks, also those of columns that are not read."""
    if listing.kind in _BODIES:
        return
    for heading, (_spot, cell) in cells.items():
        column = columns.get(heading)
        told = column is None or not _SPEECHLESS.match(column.field)
        if told and isinstance(cell, str) and not folded(cell).endswith(("局", "办公室")):
            # Of boxes those that are ticked are said: ☑政务外网 □涉密网.
            yield "、".join(ticked(cell) or (cell,))
