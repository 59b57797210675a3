"""Messages: the language that is asked for, and a Chinese catalogue that lacks nothing and keeps every placeholder."""

import ast
import re
import string
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from inventory.words import LOCALE, languages, spoken, words_in

ROOT = Path(__file__).parents[2]
SPOKEN = {"_", "_N", "say"}
# Runs on a user's machine and speaks in records; `say` writes one there.
APART = {ROOT / "migrations" / "probes" / "agent.py"}


def messages() -> set[str]:
    found: set[str] = set()
    for room in ("inventory", "infra", "netcfg", "migrations"):
        for file in (ROOT / room).rglob("*.py"):
            if file in APART:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPOKEN:
                    first = node.args[0] if node.args else None
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        found.add(first.value)
        for template in (ROOT / room).rglob("*.j2"):
            found |= set(re.findall(r'say\("([^"]+)"\)', template.read_text()))
    return found - {""}


def test_every_message_is_said_in_chinese_too() -> None:
    catalogue = {
        str(message.id): str(message.string) for message in read_po((LOCALE / "zh/LC_MESSAGES/zhenghe.po").open("rb"))
    }
    assert {message for message in messages() if not catalogue.get(message)} == set()


def test_no_message_stands_twice_in_the_catalogue() -> None:
    text = (LOCALE / "zh/LC_MESSAGES/zhenghe.po").read_text()
    told = re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)
    assert [message for message, count in Counter(told).items() if count > 1] == []


def test_translations_keep_every_placeholder() -> None:
    for message in read_po((LOCALE / "zh/LC_MESSAGES/zhenghe.po").open("rb")):
        wanted, has = (_placeholders(str(text)) for text in (message.id, message.string))
        assert wanted == has, message.id


def _placeholders(text: str) -> set[str]:
    try:
        return {name for _text, name, _form, _way in string.Formatter().parse(text) if name}
    except ValueError:
        return set()


@pytest.mark.parametrize(
    "environment, wanted",
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        ({"LANGUAGE": "fr:zh"}, "zh"),
        ({"LANG": "../../etc"}, "en"),
    ],
)
def test_the_language_is_the_first_that_is_asked_for_and_known(environment: dict[str, str], wanted: str) -> None:
    assert spoken(environment) == wanted


def test_languages_lose_territory_and_encoding() -> None:
    assert languages({"LANGUAGE": "zh_CN.UTF-8:de@euro"}) == ("zh", "de")


def test_a_plain_checkout_speaks_chinese() -> None:
    code = "from inventory.words import _; print(_('error'))"
    environment = {"LANG": "zh_CN.UTF-8", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "错误\n"


def test_what_is_not_in_the_catalogue_is_said_in_english() -> None:
    assert words_in("zh")("nobody ever says this") == "nobody ever says this"
    assert words_in("zh")("") == ""
