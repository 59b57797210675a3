"""Answers of users' machines about probes: closed models, because a machine's word is data."""

from typing import Literal

from pydantic import Field, JsonValue, field_validator

from infra.hearing import Sentence, Word
from inventory.base import Model
from migrations.proof.probes.series import (
    parse,
)


class Written(Model):
    """What a probe has written, as the machine tells it."""

    lines: str
    offset: int = 0
    active: bool

    @property
    def begin(self) -> int:
        """Return where in the probe's file the lines begin."""
        return max(0, self.offset - len(self.lines.encode()))

    @field_validator("lines")
    @classmethod
    def _are_lines(cls, text: str) -> str:
        parse(text, 0.0)
        return text


class Collected(Model):
    """All probes of a machine, and its clock in seconds since 1970."""

    probes: dict[str, Written]
    now: float


class Done(Model):
    """How many probes were started."""

    started: int = 0


class Confirmed(Model):
    """Which of the writes that were asked after are not there, are there twice, or got no answer."""

    absent: tuple[Word, ...]
    twice: tuple[Word, ...]
    unanswered: int = Field(ge=0)
    how: Literal["list", "each"]


class Answer(Model):
    """What a machine answers: a result, or why there is none."""

    result: dict[str, JsonValue] | None = None
    error: Sentence = ""
