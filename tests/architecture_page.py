"""The layers of the package, and the table of docs/architecture.md that is made from them."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "arazzo_runner"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- layers: scripts/architecture writes this table -->\n", "<!-- end of layers -->\n"

LAYERS = (
    ("cli", "pytest_plugin"),
    ("mcp",),
    ("durable_runs",),
    ("api",),
    ("lint", "durable", "generate", "export"),
    ("runtime", "report"),
    ("engine",),
    ("program",),
    ("sources", "config"),
    ("document", "expressions"),
    ("errors",),
    ("base",),
)
"""Top to bottom. A package or module may import itself and what is in lower rows; those of one row don't import each other."""


def page() -> str:
    """Return docs/architecture.md with the table of today's layers."""
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    return head + BEGIN + table() + END + tail


def table() -> str:
    """Return the table: a line for each package or module, layers top to bottom, with the first sentence of its docstring."""
    lines = ["| layer | part | what it is |", "|---|---|---|"]
    for number, names in enumerate(LAYERS):
        level = len(LAYERS) - number
        for name in names:
            lines.append(f"| {level} | `{_path(name)}` | {_summary(name)} |")
            lines += [f"| | `{_path(part)}` | {_summary(part)} |" for part in _subpackages(name)]
    return "\n".join(lines) + "\n"


def _path(name: str) -> str:
    return f"{name}/" if (PACKAGE / name).is_dir() else f"{name}.py"


def _subpackages(name: str) -> list[str]:
    found = (PACKAGE / name).rglob("__init__.py")
    return sorted(path.parent.relative_to(PACKAGE).as_posix() for path in found if path.parent != PACKAGE / name)


def _summary(name: str) -> str:
    path = PACKAGE / name
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n\n")[0].replace("\n", " ").rstrip(".")
