"""docs/rules.md: every code that checking a document gives, and the rules of other validators that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

import arazzo_runner
from arazzo_runner.lint.pages import titles
from arazzo_runner.lint.rules.catalogue import Check, checks
from arazzo_runner.lint.rules.rule import GROUPS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
PEERS = ROOT / "fixtures" / "peers" / "rules.yaml"
NAMES = {
    "shape": "Shape: types, required and exclusive fields, versions, the schemas of inputs",
    "names": "Names: duplicates, what is unused, spelling",
    "references": "References: sources, workflows, steps, outputs, inputs, components",
    "language": "Language: expressions, conditions, regular expressions, JSONPath, XPath, pointers",
    "flow": "Flow: order, loops, what is never reached",
    "openapi": "Against the OpenAPI description",
    "safety": "Safety",
    "style": "Style",
}
HEAD = """\
# Rules of `arazzo validate`

What checking a document finds, by group: {count} codes. `arazzo explain CODE` prints the page of one: what, why, wrong, right, options.
[Configuration](configuration.md) says how levels are changed and findings ignored. Made by `scripts/rules`.

Some rules are off by default: those of style, and the ones that say so. A code marked with * is what the loader reports while it reads,
links and compiles; the others are rules of their own. `--fix` mends what says "yes" (or some forms of it), `--fix --unsafe` the rest of what
can be mended.
"""
OTHERS = """
## What other validators check

Every rule of the other validators of Arazzo documents, as read in their code or documentation in November 2026, with the codes that find
the same here, or the reason why none does.
"""


def page() -> str:
    """The text of docs/rules.md."""
    known = checks()
    lines = [HEAD.format(count=len(known))]
    for group in GROUPS:
        lines += _group(group, [each for each in known if each.group == group])
    lines.append(OTHERS)
    for tool, rules in peers().items():
        lines += [f"### {tool}\n", "| Rule | Here |", "|---|---|"]
        lines += [f"| {rule} | {_here(ours)} |" for rule, ours in rules.items()]
        lines.append("")
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip("\n") + "\n"


def peers() -> dict[str, dict[str, str]]:
    """Tool → rule → our codes, or "-" and a reason."""
    found: dict[str, dict[str, str]] = yaml.safe_load(PEERS.read_text(encoding="utf-8"))
    return found


def _group(group: str, members: list[Check]) -> Iterator[str]:
    known = titles([each.code for each in members])
    yield f"## {NAMES[group]}\n"
    yield "| Code | Level | Fix | What it is |"
    yield "|---|---|---|---|"
    for each in members:
        level = each.severity.value if each.is_default else f"{each.severity.value}, off by default"
        what = known[each.code].removeprefix("Reports ").removeprefix("Warns of ").replace("|", "\\|")
        yield f"| `{each.code}`{'' if each.is_rule else ' *'} | {level} | {_fix(each.code)} | {what} |"
    yield ""


def _fix(code: str) -> str:
    """Return how `--fix` mends the wrong document of a code: by itself, with --unsafe, or not."""
    path = ROOT / "fixtures" / "documents" / code / "wrong.yml"
    chosen = {each.code for each in checks() if each.is_default or each.code == code}
    found = [
        each for each in arazzo_runner.validate(path, root=str(ROOT / "fixtures"), rules=chosen) if each.code == code
    ]
    fixes = [each.fix for each in found if each.fix is not None]
    if not fixes:
        return ""
    return "yes" if any(fix.is_safe for fix in fixes) else "unsafe"


def _here(ours: str) -> str:
    return ours.removeprefix("- ") if ours.startswith("-") else ", ".join(f"`{code}`" for code in ours.split())
