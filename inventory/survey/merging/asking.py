"""Questions that an import may not decide by itself, each with the words that answer it on the command line.

A question is open until one of its words is given with `--accept`. Until then nothing of the rows that it is about is
written; everything else is.
"""

import shlex
from collections.abc import Iterable

from inventory.base import Model
from inventory.survey.entries import Place
from inventory.words import _


class Question(Model):
    """One change that a person has to agree to."""

    place: Place
    title: str
    """What the row is about, as it is written there."""
    told: str
    """What has happened, as a sentence."""
    before: str
    after: str
    accept: str
    """The word that agrees to the change."""
    otherwise: str
    """The word that refuses it."""
    refusing: str
    """What becomes of the row where the change is refused."""


class Answers:
    """The words that were given, and the questions that they do not answer."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = frozenset(words)
        self._heard: set[str] = set()
        self._open: dict[str, Question] = {}

    def given(self, word: str) -> bool:
        """Return whether a word was given; it counts as heard."""
        if word in self._words:
            self._heard.add(word)
        return word in self._words

    def of(self, question: Question) -> bool | None:
        """Return whether a person agrees; None where no word of the question was given, which leaves it open."""
        if self.given(question.accept):
            return True
        if self.given(question.otherwise):
            return False
        self._open[question.accept] = question
        return None

    @property
    def open(self) -> tuple[Question, ...]:
        """Return the questions that are open, in the order in which they were asked."""
        return tuple(self._open.values())

    @property
    def unheard(self) -> tuple[str, ...]:
        """Return the words that answer nothing."""
        return tuple(sorted(self._words - self._heard))


def option(word: str) -> str:
    """Return the option that gives a word, as it is copied into a shell."""
    return f"--accept {shlex.quote(word)}"


def questions_text(questions: Iterable[Question]) -> str:
    """Write questions for people, each with its cell, its change and the options that answer it."""
    lines = []
    for each in questions:
        lines += [
            f"{each.place}  {each.told}",
            f"  {each.before} → {each.after}",
            _("  yes: {option}").format(option=option(each.accept)),
            _("  no, {refusing}: {option}").format(refusing=each.refusing, option=option(each.otherwise)),
        ]
    return "\n".join(lines)
