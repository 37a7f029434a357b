"""docs/conformance.md from the requirements and the cases that pin them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.cases import cases_of, groups, requirements

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
HEAD = """\
# Conformance

What the Arazzo Specification asks of a tool or a document, and the cases that show what this engine does about it. Made by
`scripts/conformance` from [fixtures/cases](../fixtures/cases/README.md); each requirement and decision is put in our own words, the
Specification's text decides. {summary}
"""
ASKED = """
## What the Specification asks

Every sentence of Arazzo 1.0.1 and 1.1.0 with MUST, REQUIRED, SHALL, SHOULD or RECOMMENDED, by the section it stands in.
"""
DECIDED = """
## What is decided where it is silent

Where the texts are silent or ambiguous, or where documents in the wild deviate from them, this is how they are read.
"""


def pinned() -> dict[str, list[str]]:
    """Requirement id → the cases that pin it, as "group: id"."""
    found: dict[str, list[str]] = {}
    for group in groups():
        for case in cases_of(group):
            for pin in case.get("pins", ()):
                found.setdefault(pin, []).append(f"{group}: {case['id']}")
    return found


def page() -> str:
    """The text of docs/conformance.md."""
    asked, decided = requirements("specification"), requirements("decisions")
    cases = pinned()
    count = sum(len(cases_of(group)) for group in groups())
    to_come = sum(bool(row.get("asyncapi")) for row in asked)
    summary = (
        f"{len(asked)} requirements, {to_come} of them about AsyncAPI alone (not supported yet); "
        f"{len(decided)} decisions; {count} cases."
    )
    lines = [HEAD.format(summary=summary), ASKED]
    lines += _tables(asked, cases, ("Requirement", "Level", "Arazzo"))
    lines += [DECIDED, *_tables(decided, cases, ("Decision",))]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


def _tables(rows: list[dict[str, Any]], cases: dict[str, list[str]], columns: tuple[str, ...]) -> Iterator[str]:
    """One table for each section, in the order of the rows."""
    for section in dict.fromkeys(row["section"] for row in rows):
        yield f"### {section}\n"
        yield f"| {' | '.join((*columns, 'Cases'))} |"
        yield "|---" * (len(columns) + 1) + "|"
        for row in rows:
            if row["section"] == section:
                yield _row(row, cases.get(row["id"], []))
        yield ""


def _row(row: dict[str, Any], cases: list[str]) -> str:
    says = f"{row['says']} (`{row['id']}`)"
    if "note" in row:
        says += f"<br>*{row['note']}*"
    columns = [says, row["level"], ", ".join(row["versions"])] if "level" in row else [says]
    shown = [*cases, *(f"`{test}`" for test in row.get("tests", ()))]
    if row.get("asyncapi"):
        shown.append("*AsyncAPI: not supported yet*")
    return "| " + " | ".join(_cell(each) for each in (*columns, "<br>".join(shown))) + " |"


def _cell(text: str) -> str:
    """A cell's text: a bar would end it, and two dollar signs would be read as a formula."""
    return text.replace("|", "\\|").replace("$", "\\$")
