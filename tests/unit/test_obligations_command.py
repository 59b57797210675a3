"""`zhenghe obligations`: the table, one in full, the figures for machines, and wrong use."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from inventory.words import words_in
from migrations.cli import obligations as cli_obligations
from migrations.cli.main import app, main
from migrations.cli.obligations import day_of, show_obligations

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


def run(*words: str, **environment: str) -> tuple[int, str]:
    found = CliRunner(env={"LANGUAGE": "en", "COLUMNS": "160", **environment}).invoke(app, ["obligations", *words])
    return found.exit_code, found.output


@pytest.fixture(autouse=True)
def no_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path / "state"))


def test_the_table_tells_state_by_state_who_falls_short() -> None:
    code, said = run(str(YUNHE), "--at", "2018-06-20")
    assert code == 1
    assert said.index("missed (") < said.index("at risk (") < said.index("met (")
    assert "JM-70" in said
    assert "高龄津贴发放系统" in said
    assert said.rstrip().splitlines()[-1].startswith("13 obligations on 2018-06-20: missed ")


def test_one_obligation_is_told_in_full_with_its_clause() -> None:
    code, said = run(str(YUNHE), "--profile", "liaoning", "--at", "2018-03-01", "--id", "ln-cloud")
    assert code == 0
    for words in ("LN-cloud", "二(二)1", "2018-03-31 (striven for: 2017-12-31)", "water-billing", "not committed, not"):
        assert words in said


def test_alternatives_are_told_in_words() -> None:
    _code, said = run(str(YUNHE), "--at", "2018-07-05", "--id", "JM-zombie")
    assert "notice-board 民政公告栏: its disposition is not carried out, no exemption in force" in said
    _code, said = run(str(YUNHE), "--at", "2018-07-05", "--id", "JM-filing")
    assert "identity 居民身份核验库: survey.channel is missing" in said
    _code, said = run(str(YUNHE), "--at", "2018-07-05", "--id", "JM-filing", LANGUAGE="zh_CN")
    assert "identity 居民身份核验库: 缺少 经费渠道（survey.channel）" in said


def test_what_nothing_falls_under_is_not_told_beside_what_falls_short() -> None:
    _code, said = run(str(YUNHE), "--at", "2018-07-05")
    row = said[said.index("JM-zombie") : said.index("JM-cover")]
    assert "0 of 1 systems" in row
    assert "nothing falls" not in row
    assert "nothing falls" in said[said.index("JM-big-system") :]


@pytest.mark.parametrize("width, table", [(80, False), (120, True)])
def test_a_narrow_terminal_gets_a_list_of_the_same(
    width: int, table: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_obligations, "_console", lambda: Console(width=width))
    monkeypatch.setenv("LANGUAGE", "en")
    show_obligations(YUNHE, "2018-07-05", "", "", as_json=False)
    said = capsys.readouterr().out
    assert all(cell_len(line.rstrip()) <= width for line in said.splitlines())
    assert ("who falls short" in said) is table
    # No word is broken, whichever way it is laid out.
    for words in ("JM-ready", "2018-03-31", "2 of 4", "departments", "民政局", "from 2018-01-01 on", "nothing falls"):
        assert words in said


def test_chinese_is_spoken_where_it_is_asked_for() -> None:
    _code, said = run(str(YUNHE), "--at", "2018-06-20", LANGUAGE="zh_CN")
    assert words_in("zh")("who falls short") in said
    assert "七成" in said


def test_machines_get_numbers_and_every_name() -> None:
    code, said = run(str(YUNHE), "--at", "2018-03-01", "--profile", "guangxi", "--json")
    found = json.loads(said)
    assert code == 1
    assert sum(found["summary"].values()) == len(found["obligations"]) == 15
    net = next(each for each in found["obligations"] if each["id"] == "GX-net")
    (lines,), (departments, _units) = (goal["measurements"] for goal in net["goals"])
    assert (departments["value"], departments["target"]) == (0.0, 1.0)
    assert len(departments["short"]) == departments["denominator"]
    assert {each["name"] for each in lines["short"]} == {"water-leased", "civil-private", "archives-leased"}


@pytest.mark.parametrize(
    "words, said",
    [
        (("--at", "2018-02-30"), "is no date"),
        (("--profile", "jimmo"), "did you mean 'jimo'?"),
        (("--id", "JM-71"), "JM-70"),
    ],
)
def test_bad_words_are_answered_with_two(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["zhenghe", "obligations", str(YUNHE), *words])
    monkeypatch.setenv("LANGUAGE", "en")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_day_is_a_day_in_china() -> None:
    assert abs(day_of("") - datetime.now(UTC).date()) <= timedelta(days=1)
    assert day_of("2018-03-31") == date(2018, 3, 31)
