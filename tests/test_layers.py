"""The house's rules of import: downwards only, no circles, heavy libraries lazily, three choke points."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture_page import LAYERS, PACKAGE, PAGE, page

RANK = {
    name: rank for rank, names in enumerate((("__main__",), *LAYERS[:1], ("__init__",), *LAYERS[1:])) for name in names
}

# A layer may be imported inside a function only where a run must not pay for it (see docs/architecture.md).
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "print", "input", "os.system", "os.popen", "yaml.load",
                   "yaml.safe_load", "yaml.unsafe_load", "yaml.full_load"}  # fmt: skip
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "requests", "urllib.request", "http.client",
                     "ftplib", "smtplib", "xmlrpc.client", "subprocess", "ctypes", "dataclasses"}  # fmt: skip
ONE_PLACE = {"msgspec": {"base/records.py"}, "httpx": {"sources/http_library.py"}, "httpx2": {"sources/http_library.py"},
             "aiohttp": {"runtime/aiohttp_transport.py"},
             "dbos": {"durable/dbos_engine.py", "durable/dbos_guard.py", "durable/queues.py", "durable/rows.py"},
             "sqlalchemy": {"durable/database.py", "durable/dbos_engine.py", "durable/rows.py"}}  # fmt: skip
HEAVY = {"jsonschema", "referencing", "lxml", "elementpath", "openapi_core", "openapi_spec_validator", "jsonpath_rfc9535", "re2", "regex",
         "asyncio", "tomllib", "httpx", "httpx2", "aiohttp", "ssl", "h2", "h11", "http.server", "rich", "email",
         "dbos", "sqlalchemy", "psycopg", "cryptography", "keyring", "publicsuffixlist",
         "mcp", "mcp_types", "starlette", "uvicorn", "anyio"}  # fmt: skip
# Modules that exist to be imported lazily themselves may name their library at the top.
LAZY_MODULES = {
    "durable/codec.py",
    "durable/database.py",
    "durable/dbos_engine.py",
    "durable/dbos_guard.py",
    "durable/queues.py",
    "durable/rows.py",
    "durable/runtime.py",
    "sources/schema/full.py",
    "sources/contract.py",
    "sources/description_check.py",
    "runtime/mock/server.py",
    "runtime/aiohttp_transport.py",
    "runtime/auth/broker_logins.py",
    "runtime/batch.py",
    "cli/run/concurrent.py",
}
LAZY_PACKAGES = ("runtime/brokers/", "mcp/", "cli/mcp_")

FILES = sorted(PACKAGE.rglob("*.py"))


def layer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            found.append((node.module or "", node.lineno))
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path):
    own = name_of(path).split("/")[0].removesuffix(".py")
    for module, line in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if module.split(".")[0] != "arazzo_runner":
            continue
        other = layer_of(module)
        fits = other == own or RANK[other] > RANK[own]
        if own == "document" or own == "expressions":
            fits = fits and (other == own or RANK[other] > RANK["document"])
        assert fits, f"{name_of(path)}:{line} imports {module}, which is not below {own}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_choke_points_hold(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for module, line in imports(tree):
        assert module not in FORBIDDEN_IMPORTS, f"{name_of(path)}:{line} imports {module}"
        places = ONE_PLACE.get(module.split(".")[0])
        assert places is None or name_of(path) in places, f"{name_of(path)}:{line} imports {module}"
    for node in ast.walk(tree):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        assert name not in FORBIDDEN_CALLS, f"{name_of(path)}:{node.lineno} {name}()"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_heavy_libraries_are_imported_lazily(path):
    if name_of(path) in LAZY_MODULES or name_of(path).startswith(LAZY_PACKAGES):
        return
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for module, line in imports(node):
                heavy = {module, module.split(".")[0]} & HEAVY
                assert not heavy, f"{name_of(path)}:{line} imports {module}"


def test_there_are_no_circles_of_modules():
    """Imports inside functions count as well: a circle is two modules that cannot be understood one after the other."""
    names = {module_of(path) for path in FILES}
    graph = {module_of(path): imported(path, names) - {module_of(path)} for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names one


def module_of(path: Path) -> str:
    return f"arazzo_runner.{name_of(path).removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")


def imported(path: Path, names: set[str]) -> set[str]:
    """Return the modules of the package that a module imports anywhere; `from package import module` is that module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= whole & names or {node.module or ""}
    return found & names


def test_the_page_of_the_architecture_shows_these_layers():
    assert PAGE.read_text(encoding="utf-8") == page(), "run scripts/architecture"


def test_the_page_of_the_architecture_names_modules_that_exist():
    named = set(re.findall(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.py|(?:[a-z_0-9]+/)+)`", PAGE.read_text(encoding="utf-8")))
    root = PACKAGE.parent
    assert [name for name in sorted(named) if not (PACKAGE / name).exists() and not (root / name).exists()] == []
