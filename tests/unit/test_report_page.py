"""The page of a report stands by itself, shows what was felt, and takes nobody's words for markup."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from migrations.report import RunSummary, print_summary, write_pages
from tests.unit.made_up_run import made_up, unit_of


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSummary:
    return made_up(tmp_path, monkeypatch)


class Outside(HTMLParser):
    """Collects whatever a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}={value}" for name, value in attrs if name in {"src", "href", "data", "srcset"}]
        if tag in {"script", "link", "iframe", "img", "object"}:
            self.fetched.append(tag)
        if tag not in {"meta", "rect", "line"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def test_the_page_is_complete_in_itself_and_well_formed(summary: RunSummary, tmp_path: Path) -> None:
    for page in write_pages(summary, tmp_path):
        text = page.read_text().replace("/>", "></rect>").replace("</rect></rect>", "</rect>")
        reader = Outside()
        reader.feed(re.sub(r"<(rect|line)([^>]*)></rect>", r"<\1\2>", text).replace("</rect>", ""))
        assert reader.fetched == []
        assert reader.open == []
        assert not re.search(r"url\(|@import|https?://", text)


def test_the_strip_of_a_system_shows_the_move_that_its_users_felt_most(summary: RunSummary, tmp_path: Path) -> None:
    billing = unit_of(summary, "water-billing")
    felt = tuple(each.model_copy(update={"downtime": 0.9}) if each.passage == 3 else each for each in billing.felt)
    units = tuple(u.model_copy(update={"felt": felt}) if u.name == "water-billing" else u for u in summary.units)
    page = write_pages(summary.model_copy(update={"units": units}), tmp_path)[0].read_text()
    strips = page.partition('<div class="strips">')[2].partition("</section>")[0]
    of_billing = strips.partition("water-billing")[2]
    assert "900 ms" in of_billing
    assert "310 ms" not in of_billing


def test_a_run_without_stages_has_no_empty_table_of_them(summary: RunSummary, tmp_path: Path) -> None:
    console = Console(record=True, width=200, file=io.StringIO())
    alone = summary.model_copy(update={"stages": ()})
    print_summary(console, alone)
    assert "together" not in console.export_text()
    assert all(
        head not in page.read_text()
        for page, head in zip(write_pages(alone, tmp_path), ("Where the time went", "时间花在哪里"), strict=True)
    )


def test_what_people_wrote_is_text_and_never_markup(summary: RunSummary, tmp_path: Path) -> None:
    odd = summary.model_copy(update={"title": "<script>alert(1)</script>", "reason": '"><img src=x>'})
    for page in write_pages(odd, tmp_path):
        text = page.read_text()
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text


def test_the_chinese_page_is_chinese(summary: RunSummary, tmp_path: Path) -> None:
    english, chinese = (page.read_text() for page in write_pages(summary, tmp_path))
    assert 'lang="zh-CN"' in chinese
    body = re.sub(r"<style>.*?</style>|<code>.*?</code>|<title>.*?</title>", "", chinese, flags=re.DOTALL)
    left = {words for words in re.findall(r">([^<>]*[A-Za-z]{3,} [A-Za-z]{2,}[^<>]*)<", body) if words in english}
    assert left == set()
    assert "毫秒" in chinese
    assert not re.search(r"\d (ms|s|min)\b", body)
