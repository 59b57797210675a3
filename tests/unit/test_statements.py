"""Configurations of statements and blocks are read as meant, and edited without touching what else is there."""

import pytest

from netcfg.guards.lines import Deed
from netcfg.guards.statements import edited, statement_paths, statements_written

TEXT = """\
# Operated by the network team; ask before you change it.
log stderr all;
router id 10.255.0.81;
define EXTRANET = [ 10.50.1.0/24, 10.0.0.0/8{16,24} ]; # a set has braces, too
function extranet_in()
{
  if net ~ EXTRANET then { bgp_local_pref = 150; return true; }
  else return false;
}
/* protocol bgp old { neighbor 10.1.1.1 as 1; } */
protocol device { }
protocol bgp line_water {
  description "who pays; ask { 王工 }";
  neighbor 10.252.11.1 as 65211; # rented in 2009
  ipv4 {
    import where extranet_in();
    export all;
  };
}
"""
LINE = "protocol bgp line_water {}"


def test_statements_are_read_with_their_sections() -> None:
    found = statement_paths(TEXT)
    assert found[:3] == (("log stderr all;",), ("router id 10.255.0.81;",),
                         ("define EXTRANET = [ 10.50.1.0/24, 10.0.0.0/8{16,24} ];",))  # fmt: skip
    assert ("function extranet_in() {}", "if net ~ EXTRANET then {}", "bgp_local_pref = 150;") in found
    assert ("function extranet_in() {}", "else return false;") in found
    assert ("protocol device {}",) in found
    assert (LINE, 'description "who pays; ask { 王工 }";') in found
    assert (LINE, "ipv4 {};", "export all;") in found
    assert not any("old" in path[0] for path in found)


def test_what_is_written_is_read_as_the_same() -> None:
    assert statement_paths(statements_written(statement_paths(TEXT))) == statement_paths(TEXT)


@pytest.mark.parametrize(
    "text", ["", "}", "{", "protocol bgp x {", 'a "b', "a /* b", "a [ ; }", ";;;", "x { } ;", "a {" * 5000]
)
def test_what_is_broken_is_read_without_an_end_to_it(text: str) -> None:
    assert isinstance(statement_paths(text), tuple)


def test_a_text_is_edited_where_it_changes_and_nowhere_else() -> None:
    deeds = [
        Deed((LINE, "ipv4 {};", "import where extranet_in();"), "", adds=False),
        Deed(("function ours() {}", "if net = 10.81.0.0/24 then return true;"), "", adds=True),
        Deed(("function ours() {}", "return false;"), "", adds=True),
        Deed((LINE, "ipv4 {};", "import where ours() || (extranet_in());"), "", adds=True),
        Deed((LINE, "disabled yes;"), "", adds=True),
        Deed(("protocol bgp more {}", "neighbor 10.9.9.9 as 65009;"), "", adds=True),
    ]
    changed = edited(TEXT, deeds, "^protocol ")
    ours = "function ours() {\n\tif net = 10.81.0.0/24 then return true;\n\treturn false;\n}\n"
    expected = TEXT.replace("log stderr", f"{ours}log stderr")
    expected = expected.replace("import where extranet_in();", "import where ours() || (extranet_in());")
    expected = expected.replace("    import where ours", "\t\timport where ours").replace(
        "line_water {\n", "line_water {\n\tdisabled yes;\n"
    )
    assert changed == f"{expected}protocol bgp more {{\n\tneighbor 10.9.9.9 as 65009;\n}}\n"
    # The way back is the same with adding and taking away exchanged.
    back = [Deed(("function ours() {}",), "", adds=False), Deed(("protocol bgp more {}",), "", adds=False),
            *(deed._replace(adds=not deed.adds) for deed in deeds if deed.path[0] == LINE)]  # fmt: skip
    returned = edited(changed, back, "^protocol ")
    assert set(statement_paths(returned)) == set(statement_paths(TEXT))
    assert returned.replace("\t\timport", "    import") == TEXT


def test_a_comment_beside_a_line_stays_when_the_line_goes() -> None:
    gone = edited(TEXT, [Deed((LINE, "neighbor 10.252.11.1 as 65211;"), "", adds=False)], "^protocol ")
    assert "neighbor" not in gone.split("*/")[1]
    assert "# rented in 2009" in gone
