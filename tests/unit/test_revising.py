"""Changing a YAML file in place: comments, quotes, order and line ends stay as people have written them."""

from typing import Any

import pytest

from inventory.files.reading import read
from inventory.files.revising import Unrevisable, revised

FILE = """\
# the departments
departments:
  - name: water-bureau   # by hand
    title: '水务局'
    rooms:
      # two machines
      - name: water-room
        area: 36
        hosts:
          - {name: water-db, address: 10.11.0.10}   # the old one
          - {name: water-app, address: 10.11.0.11}

  - {name: tax-office, title: 税务局}
# the end
"""


def wanted(text: str = FILE) -> Any:
    return read(text.encode())[0][0].plain


def changed_lines(old: str, new: str) -> tuple[list[str], list[str]]:
    before, after = old.split("\n"), new.split("\n")
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_what_does_not_change_stays_to_the_byte() -> None:
    assert revised(FILE, [wanted()]) == FILE
    numbers = "a: 0x10\nb: 12.50\nc: [1.0, ~, TRUE]\nd: 010\n"
    assert revised(numbers, [{"a": 16, "b": 12.5, "c": [1, None, True], "d": 10}]) == numbers


def test_a_value_changes_in_its_line_and_keeps_its_comment() -> None:
    document = wanted()
    document["departments"][0]["rooms"][0]["hosts"][0]["address"] = "10.11.0.12"
    assert changed_lines(FILE, revised(FILE, [document])) == (
        ["          - {name: water-db, address: 10.11.0.10}   # the old one"],
        ["          - {name: water-db, address: 10.11.0.12}   # the old one"],
    )


def test_a_key_goes_behind_the_one_before_it() -> None:
    document = wanted()
    first = document["departments"][0]
    document["departments"][0] = {
        "name": first["name"],
        "title": first["title"],
        "level": "city",
        "rooms": first["rooms"],
    }
    assert revised(FILE, [document]) == FILE.replace("    title: '水务局'\n", "    title: '水务局'\n    level: city\n")


def test_members_and_keys_go_to_the_end_of_what_they_belong_to() -> None:
    document = wanted()
    document["departments"][0]["rooms"][0]["hosts"].append({"name": "water-new", "cpus": 4})
    document["departments"][0]["rooms"][0]["vacated"] = "2018-03-01"
    document["departments"].append({"name": "new", "title": "新局", "rooms": [{"name": "new-room", "area": 8.5}]})
    old = "          - {name: water-app, address: 10.11.0.11}\n"
    assert revised(FILE, [document]) == FILE.replace(
        old, f"{old}          - {{name: water-new, cpus: 4}}\n        vacated: 2018-03-01\n"
    ).replace(
        "title: 税务局}\n",
        "title: 税务局}\n\n  - name: new\n    title: 新局\n    rooms:\n      - name: new-room\n        area: 8.5\n",
    )


def test_braces_that_become_too_full_become_a_block() -> None:
    document = wanted()
    document["departments"][1]["rooms"] = [{"name": "tax-room", "hosts": [{"name": "tax-db"}]}]
    text = revised(FILE, [document])
    assert "  - name: tax-office\n    title: 税务局\n    rooms:\n      - name: tax-room\n" in text
    assert text.endswith("# the end\n")


def test_empty_values_and_empty_braces_are_filled() -> None:
    text = "a:\nb: {}\nc: []\nd: {e: [], f: {}}\n"
    document = {"a": {"x": [{"y": {"z": "1"}}]}, "b": {"k": "v"}, "c": ["m"], "d": {"e": [1, 2], "f": {"g": None}}}
    assert revised(text, [document]) == (
        'a:\n  x:\n    - {y: {z: "1"}}\nb: {k: v}\nc: [m]\nd: {e: [1, 2], f: {g: null}}\n'
    )


def test_a_line_without_end_and_lines_of_windows() -> None:
    assert revised("a: 1", [{"a": 1, "b": 2}]) == "a: 1\nb: 2"
    assert revised("\ufeffa: 1\r\n", [{"a": 1, "b": {"c": [[2]]}}]) == "\ufeffa: 1\r\nb:\r\n  c:\r\n    - [2]\r\n"


def test_long_texts_and_documents_in_one_file() -> None:
    text = "---\na: |\n  long\n  text\n\n# of the second\n---\nb: 1\n...\n"
    assert (
        revised(text, [{"a": "short"}, {"b": 1, "c": 2}]) == "---\na: short\n\n# of the second\n---\nb: 1\nc: 2\n...\n"
    )
    assert revised(text, [{"a": "long\ntext\n", "z": 0}, {"b": 1}]) == text.replace("  text\n", "  text\nz: 0\n")


def test_a_file_of_comments_is_continued() -> None:
    assert revised("# nothing yet", [{"a": 1}]) == "# nothing yet\na: 1\n"


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x\n", "? [a]\n: 1\n"])
def test_what_cannot_be_changed_in_place_is_said(text: str) -> None:
    with pytest.raises(Unrevisable):
        revised(text, [{"a": 2, "b": 1}])
