"""What may break in a rehearsal is read from a word, and struck at a step."""

from pathlib import Path

import pytest

from migrations.planning.preparing import Prepared, prepare
from migrations.run.faults import Fault, WrongFault, fault_of

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


@pytest.fixture(scope="module")
def yunhe() -> Prepared:
    return prepare(YUNHE)


@pytest.mark.parametrize(
    "text, meant",
    [
        ("cut:water-leased", "cut:line:water-leased@line:water-leased/shift"),
        ("cut:line:water-leased", "cut:line:water-leased@line:water-leased/shift"),
        ("kill:water-db", "kill:water-db@system:water-billing/switch"),
        ("kill:water-billing-db-1", "kill:water-billing-db-1@system:water-billing/switch"),
        ("kill:archives-ce", "kill:archives-ce@line:archives-leased/shift"),
        ("silence:water-db", "silence:water-db@system:water-billing/switch"),
        ("fill:water-billing-db-1", "fill:water-billing-db-1@system:water-billing/switch"),
        ("kill:ns1@system:archive/switch", "kill:ns1@system:archive/switch"),
    ],
)
def test_a_fault_strikes_where_its_part_is_first_changed_unless_a_step_is_named(
    yunhe: Prepared, text: str, meant: str
) -> None:
    fault = fault_of(text, yunhe.plan, yunhe.programme)
    assert str(fault) == meant
    assert fault_of(str(fault), yunhe.plan, yunhe.programme) == fault


@pytest.mark.parametrize(
    "text, said",
    [
        ("burn:water-db", "there is no fault burn; write cut:LINE, kill:HOST, silence:HOST or fill:HOST"),
        ("", "there is no fault ; write cut:LINE, kill:HOST, silence:HOST or fill:HOST"),
        ("kill:nobody", "the twin has no nobody; there are: allowance-db-1"),
        ("silence:archives-ce", "the twin has no archives-ce"),
        ("cut:water-db", "the twin has no water-db"),
        ("kill:citizen-1", "no cutover has to do with it; name a step of zhenghe plan"),
        ("kill:water-db@system:water-billing/jump", "the plan has no step system:water-billing/jump"),
    ],
)
def test_what_cannot_break_is_refused_with_what_can(yunhe: Prepared, text: str, said: str) -> None:
    with pytest.raises(WrongFault) as refused:
        fault_of(text, yunhe.plan, yunhe.programme)
    assert said in str(refused.value)


def test_a_fault_is_a_closed_value() -> None:
    with pytest.raises(ValueError, match="cut"):
        Fault.model_validate({"what": "burn", "part": "x", "at": "y"})
