"""Tables of systems that list the servers of each beside it, a row for each server."""

from collections.abc import Mapping

from inventory.survey.tables.headings import Match, Matcher
from inventory.survey.tables.tables import Heading, Table
from inventory.survey.text import folded

_SYSTEM = frozenset({"系统名称", "信息系统名称", "应用系统名称", "业务系统名称"})


def servers_in(table: Table, matcher: Matcher) -> tuple[Heading, ...]:
    """Return the headings of a table of systems that are about their servers; none where none names a server."""
    named = [heading for heading in table.headings if heading.parts and not heading.shadow]
    start = next((index for index, heading in enumerate(named) if _names_server(heading, matcher)), None)
    if start is None:
        return ()
    return tuple(heading for heading in named[start:] if matcher.match("host", heading.parts).how == "known")


def lists_systems(table: Table, matcher: Matcher) -> bool:
    """Tell whether a table that names servers is one of systems: it says something of them alone."""
    named = [heading for heading in table.headings if heading.parts and not heading.shadow]
    systems = {heading: matcher.match("system", heading.parts) for heading in named}
    fields = {
        match.column.field
        for heading, match in systems.items()
        if match.how == "known"
        and match.column is not None
        and (match.column.field == "title" or matcher.match("host", heading.parts).how != "known")
    }
    named_first = bool(named) and fields == {"title"} and _leads(named, systems, matcher)
    return "title" in fields and (len(fields) > 1 or named_first) and bool(servers_in(table, matcher))


def _leads(named: list[Heading], systems: Mapping[Heading, Match], matcher: Matcher) -> bool:
    """Tell whether 系统名称 stands before the name of the server: each server is listed under its system."""
    titles = [index for index, heading in enumerate(named) if (column := systems[heading].column) is not None
              and column.field == "title" and folded(heading.parts[-1]) in _SYSTEM]  # fmt: skip
    servers = [index for index, heading in enumerate(named) if _names_server(heading, matcher)]
    return bool(titles and servers) and titles[0] < servers[0]


def _names_server(heading: Heading, matcher: Matcher) -> bool:
    host, system = matcher.match("host", heading.parts), matcher.match("system", heading.parts)
    known = host.how == "known" and host.column is not None and host.column.field == "title"
    return known and system.how != "known"
