"""What runs on hosts goes there by itself: everything that it imports from its own kind must be there, too."""

import ast
from pathlib import Path

from playbooks.agents.payload import needed, shared_modules

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
ROLES = sorted((PLAYBOOKS / "roles").iterdir())
SHARED = "ansible.module_utils."
AGENTS = "playbooks.agents."


def modules() -> dict[str, ast.Module]:
    """Return the syntax of every module that is sent to hosts, by its name there."""
    found = {AGENTS + name: PLAYBOOKS / "agents" / f"{name}.py" for name in ("kit", "loop", "oneshot", "resident")}
    for folder in (PLAYBOOKS / "plugins" / "module_utils", *(role / "module_utils" for role in ROLES)):
        found.update({SHARED + file.stem: file for file in folder.glob("*.py")})
    for role in ROLES:
        found.update({f"{role.name}/{file.stem}": file for file in (role / "files").glob("*.py")})
    return {name: ast.parse(file.read_text()) for name, file in found.items()}


def defined(module: ast.Module) -> set[str]:
    """Return the names that a module has after it was imported."""
    names: set[str] = set()
    for node in module.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return names


def used(module: ast.Module) -> set[tuple[str, str]]:
    """Return (module, name) of everything that a module takes from others of its kind."""
    found: set[tuple[str, str]] = set()
    aliases: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith((SHARED, AGENTS)):
            found |= {(node.module, one.name) for one in node.names}
        elif isinstance(node, ast.ImportFrom) and f"{node.module}." in (SHARED, AGENTS):
            aliases |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            found.add((aliases[node.value.id], node.attr))
    return found


def test_what_host_code_takes_from_host_code_is_defined_there() -> None:
    known = modules()
    names = {name: defined(module) | {"__name__"} for name, module in known.items()}
    taken = {name: used(module) for name, module in known.items()}
    missing = {(name, *one) for name, every in taken.items() for one in every if one[1] not in names.get(one[0], ())}
    assert not missing
    assert sum(map(len, taken.values())) > 200


def test_a_host_is_sent_what_a_kind_needs_and_nothing_else() -> None:
    known = modules()
    files = shared_modules(PLAYBOOKS)
    for role in ROLES:
        for program in sorted((role / "files").glob("*.py")):
            waiting = imports(known[f"{role.name}/{program.stem}"])
            wanted: set[str] = set()
            while waiting := waiting - wanted:
                wanted |= waiting
                waiting = {name for one in waiting for name in imports(known[SHARED + one])}
            assert needed([program.read_text()], files).keys() == wanted, program


def imports(module: ast.Module) -> set[str]:
    """Return the names of the shared modules that a module imports, by Python's own reader."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and f"{node.module}." == SHARED:
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(SHARED):
            found.add(node.module.removeprefix(SHARED))
        elif isinstance(node, ast.Import):
            found |= {one.name.removeprefix(SHARED) for one in node.names if one.name.startswith(SHARED)}
    return found
