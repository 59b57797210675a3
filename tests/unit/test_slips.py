"""What people mean by a value that is written as something else: the mend says how it is written."""

import shutil
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.findings import Finding, Severity

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(YUNHE, tmp_path / "yunhe", ignore=shutil.ignore_patterns("twin", "survey"))
    return tmp_path / "yunhe"


def errors(folder: Path, file: str, old: str, new: str) -> list[Finding]:
    place = folder / file
    text = place.read_text()
    assert old in text
    place.write_text(text.replace(old, new, 1))
    return [each for each in check(folder).findings if each.severity is Severity.ERROR]


BILLING = "systems/water-billing.yaml"


@pytest.mark.parametrize(
    "old, new, mend",
    [
        ("funding: 区财政", "funding: #3专项", "'#' begins a comment: put the value in quotes, '#3专项'"),
        ("department: water-bureau", "department:", "write a value behind the colon, or remove the line"),
        ("funding: 区财政", "funding: null", "'null' means nothing: write a value, put the word in quotes"),
        ("funding: 区财政", "funding: ~", "'~' means nothing"),
        ("number: SW-001", "number: 0012", 'put it in quotes, "0012": without them the zeros in front are lost'),
        ("number: SW-001", "number: 0x12", 'put it in quotes: "0x12"'),
        ("number: SW-001", "number: 1e3", 'put it in quotes: "1e3"'),
        ("number: SW-001", "number: true", 'put it in quotes: "true"'),
        ("user_count: 46", "user_count: 四十六", "digits alone and no quotes"),
        ("user_count: 46", "user_count: ４６", "did you mean '46'?"),
        ("user_count: 46", 'user_count: "46"', "did you mean '46'?"),
        ("user_count: 46", "user_count: 46人", "did you mean '46'?"),
        ("running_cost: 120000", "running_cost: 12万", "did you mean '120000'?"),
        ("running_cost: 120000", "running_cost: 120,000元", "did you mean '120000'?"),
        ("approved: 2011-05-20", "approved: 2011/5/20", "did you mean '2011-05-20'?"),
        ("approved: 2011-05-20", "approved: 2011年5月20日", "did you mean '2011-05-20'?"),
        ("approved: 2011-05-20", "approved: 20110520", "did you mean '2011-05-20'?"),
        ("approved: 2011-05-20", "approved: 2011.5.20", "did you mean '2011-05-20'?"),
        ("approved: 2011-05-20", "approved: 2011-05", "a date has a day too, such as 2011-05-01"),
        ("approved: 2011-05-20", "approved: 2011-02-30", "there is no such day"),
        ("approved: 2011-05-20", "approved: “2011-05-20”", "full-width quotes are part of the value"),
        ("frequency: daily", "frequency: “daily”", "full-width quotes are part of the value: write 'daily'"),
        ("depends_on: [identity]", "depends_on: identity、archive", "did you mean '[identity, archive]'?"),
        ("depends_on: [identity]", "depends_on: [Identity]", "did you mean 'identity'?"),
        ("limits: {downtime: 5s", "limits: {downtime：5s", "stands behind the key: write 'downtime: 5s"),
    ],
)  # fmt: skip
def test_the_mend_says_how_it_is_written(folder: Path, old: str, new: str, mend: str) -> None:
    found = errors(folder, BILLING, old, new)
    assert any(mend in each.mend for each in found)
    assert len(found) <= 2


def test_a_file_that_cannot_be_read_makes_no_department_silent(folder: Path) -> None:
    (folder / "systems" / "water-billing.yaml").write_text("system: water-billing\n\ttitle: x\n")
    (folder / "departments.yaml").write_text(
        (folder / "departments.yaml").read_text().replace("    reported_none:", "    # reported_none:")
    )
    assert not [each for each in check(folder).findings if "reported no system" in each.reason]


def test_who_reported_no_system_is_told_with_the_programmes_own_clause(folder: Path) -> None:
    assert not [each for each in check(folder).findings if "reported no system" in each.reason]
    departments = folder / "departments.yaml"
    departments.write_text(departments.read_text().replace("    reported_none:", "    # reported_none:"))
    (told,) = (each for each in check(folder).findings if "reported no system" in each.reason)
    assert told.reason.endswith("(JM-ready)")


@pytest.mark.parametrize(
    "profile, own", [("jimo", "JM"), ("liaoning", "LN"), ("guangxi", "GX"), ("tianshui", "TS"), ("hebei", "HE")]
)
def test_the_check_cites_the_programmes_own_plan_only(folder: Path, profile: str, own: str) -> None:
    programme = folder / "programme.yaml"
    programme.write_text(programme.read_text().replace("profile: jimo", f"profile: {profile}"))
    said = " ".join(each.reason for each in check(folder).findings if each.rule == "survey")
    assert {word[:2] for word in ("LN-", "GX-", "TS-", "HE-", "JM-") if word in said} <= {own}


@pytest.mark.parametrize(
    "text, reason, mend",
    [
        ("system: [a]\ntitle: x\ndepartment: water-bureau\n", "must be a word; here is a list", "write one word"),
        ("system: a\ntitle: {b: c}\ndepartment: water-bureau\n", "must be a word; here is a mapping", "write one word"),
        ("foo: 1\n", "there is no such field", "remove it; there are"),
        ("system: a\ntitle: x\ndepartment: water-bureau\nqqqq: 1\n", "there is no such field", "remove it; there are"),
        ("system: a\ntitle: x\ndepartment: water-bureau\nwave: 0\n", "is out of range", "correct the number"),
        (
            f"system: a\ntitle: x\ndepartment: water-bureau\nwave: {'9' * 5000}\n",
            "must be a whole number", "digits alone and no quotes, such as 12",
        ),
        (
            "system: a\ntitle: x\ndepartment: water-bureau\nsurvey: {approved: 2024-02-30}\n",
            "must be a date", "there is no such day; such as 2017-08-16",
        ),
        ("# nothing yet\n", "the file holds nothing", "write into it what it is for, or remove it"),
        ("", "the file holds nothing", "write into it what it is for, or remove it"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_has_a_mend(folder: Path, text: str, reason: str, mend: str) -> None:
    (folder / "systems" / "new.yaml").write_text(text)
    found = [each for each in check(folder).findings if each.file.name == "new.yaml" and reason in each.reason]
    assert [each.mend.startswith(mend) for each in found] == [True]


def test_links_that_lead_in_a_circle_are_told(folder: Path) -> None:
    (folder / "systems" / "new.yaml").symlink_to("new.yaml")
    (found,) = (each for each in check(folder).findings if each.file.name == "new.yaml")
    assert (found.reason, found.mend) == ("this link leads in a circle", "remove it")


def test_a_misspelt_department_makes_no_department_silent(folder: Path) -> None:
    departments = folder / "departments.yaml"
    departments.write_text(departments.read_text().replace("    reported_none:", "    # reported_none:"))
    billing = folder / BILLING
    billing.write_text(billing.read_text().replace("department: water-bureau", "department: watre-bureau"))
    assert not [each for each in check(folder).findings if "reported no system" in each.reason]
