"""Boxes and ticks inside of one cell: □是 ☑否, 是□ 否√, 是（√）否（ ）."""

import re

from inventory.survey.text import plain

MARKS = "☑☒■√✓✔●◉▣"
EMPTY = "□☐○◯"
_FULL = rf"[{MARKS}]|\[[√xX✓v]\]|\(\s*[√✓✔v]\s*\)"
_BLANK = rf"[{EMPTY}]|\[\s*\]|\(\s*\)"
_BOX = re.compile(rf"({_FULL})|({_BLANK})")
_SIGNS = frozenset("√✓✔☑☒■●v")


def ticked(text: str) -> list[str] | None:
    """Return the options that are ticked among boxes; None where there are no boxes."""
    text = _halved(text)
    boxes = list(_BOX.finditer(text))
    if not any(box[2] for box in boxes) and not (len(boxes) == 1 and _beside(text, boxes[0])):
        return None
    trailing = bool(text[: boxes[0].start()].strip())
    options = []
    for index, box in enumerate(boxes):
        start = boxes[index - 1].end() if trailing and index else 0 if trailing else box.end()
        end = box.start() if trailing else boxes[index + 1].start() if index + 1 < len(boxes) else len(text)
        if box[1] and (option := text[start:end].strip(" \n\t,;、:/")):
            options.append(re.split(r"\s", option)[-1 if trailing else 0])
    return options


def open_boxes(text: str) -> int:
    """Count the boxes that are not ticked."""
    return sum(bool(box[2]) for box in _BOX.finditer(_halved(text)))


def is_tick(text: str) -> bool | None:
    """Tell whether a cell below an option ticks it; none where it says something else."""
    text = plain(text).casefold()
    if text in _SIGNS or text in {"是", "有", "1", "1.0", "y", "yes", "true", "对"}:
        return True
    if not text or text in {"×", "x", "否", "无", "0", "0.0", "n", "no", "false", "/", "-", "—", "□", "☐", "○"}:
        return False
    return None


def _halved(text: str) -> str:
    return text.translate({0xFF08: "(", 0xFF09: ")", 0xFF3B: "[", 0xFF3D: "]"})


def _beside(text: str, box: re.Match[str]) -> bool:
    """Tell whether the only mark of a cell stands among several words: √是 否."""
    rest = (text[: box.start()] + " " + text[box.end() :]).split()
    return len(rest) > 1 and all(len(word) <= 6 for word in rest)
