"""All words to people go through here: English in the code, other languages in catalogues beside this file.

The language is the first that is named by LANGUAGE, LC_ALL, LC_MESSAGES or LANG and has a catalogue; English otherwise.
Catalogues are committed as text (`locale/LANGUAGE/LC_MESSAGES/zhenghe.po`) and compiled in memory when they are needed,
so that a plain checkout speaks every language without being built.
"""

import errno
import gettext
import io
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

DOMAIN = "zhenghe"
LOCALE = Path(__file__).parent / "locale"
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def languages(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the languages that an environment asks for, best first, without territory and encoding."""
    for variable in _VARIABLES:
        if value := environment.get(variable):
            named = (word.split(".")[0].split("@")[0].split("_")[0].lower() for word in value.split(":"))
            return tuple(dict.fromkeys(word for word in named if word))
    return ()


@cache
def catalogue(language: str) -> gettext.NullTranslations | None:
    """Return the translations into a language; None where no catalogue is kept for it."""
    source = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not language.isalpha() or not source.is_file():
        return None
    # Imported late: most commands speak English and need not wait for it.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = io.BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def spoken(environment: Mapping[str, str]) -> str:
    """Return the language in which people are addressed in an environment, such as en or zh."""
    for language in languages(environment):
        if language in {"en", "c", "posix"} or catalogue(language) is not None:
            return "en" if language in {"c", "posix"} else language
    return "en"


def words_in(language: str) -> Callable[[str], str]:
    """Return the function that translates a message into one language, whatever the environment asks for."""
    translations = catalogue(language) or gettext.NullTranslations()
    return lambda message: translations.gettext(message) if message else message


def _(message: str) -> str:
    """Return a message in the language of the environment; placeholders are filled in by the caller."""
    return words_in(spoken(os.environ))(message)


def _N(message: str) -> str:  # noqa: N802 - gettext's custom
    """Mark a message for the catalogues and return it as it is; it is translated when somebody reads it."""
    return message


_REFUSALS = {
    errno.ENOENT: _N("there is no such file or folder"),
    errno.EACCES: _N("there is no right to it"),
    errno.EPERM: _N("there is no right to it"),
    errno.EEXIST: _N("there is a file of this name"),
    errno.ENOTDIR: _N("a part of its path is no folder"),
    errno.EISDIR: _N("it is a folder"),
    errno.EROFS: _N("it can only be read"),
    errno.ENOSPC: _N("the disk is full"),
    errno.ELOOP: _N("links lead in a circle"),
    errno.ENAMETOOLONG: _N("its name is too long"),
}
"""What the system says by number, in words for `_`."""


def system_said(error: OSError) -> str:
    """Return why the system refused something, in the language of the environment where we know the words."""
    said = _REFUSALS.get(error.errno or 0)
    return _(said) if said is not None else error.strerror or str(error)


class Phrase(NamedTuple):
    """A message with what goes into it, kept apart so that it can be said in any language, or not at all."""

    message: str
    values: tuple[tuple[str, object], ...] = ()

    def said(self, say: Callable[[str], str] = _) -> str:
        """Return the message in the language of `say`; phrases inside are said in the same one."""
        words = {key: value.said(say) if isinstance(value, Phrase) else value for key, value in self.values}
        return say(self.message).format(**words) if words else say(self.message)


def phrase(message: str, **values: object) -> Phrase:
    """Return a message, marked by _N, with its values."""
    return Phrase(message, tuple(values.items()))
