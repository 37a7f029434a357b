"""Comments that suppress findings: where they apply, and which of them are reported."""

from __future__ import annotations

import pytest

from arazzo_runner.lint.levels import Choices
from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.program.library import LoadOptions
from tests.lint.documents import CLEAN, project, with_criterion

BAD = "$statusCode = 200"


def lint(folder, text, **choices):
    path = str(project(folder, w__yml=text) / "w.yml")
    options = LintOptions(reading=LoadOptions(any_server=True, unchecked=True), choices=Choices(**choices))
    return Linter([path], options).lint(path)


def codes(folder, text, **choices):
    return [f"{each.code}:{each.at.line}" for each in lint(folder, text, **choices).findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(with_criterion(BAD), ["condition-syntax:12"], id="without a comment it is told"),
        pytest.param(with_criterion(f"{BAD} # arazzo-ignore: condition-syntax -- old"), [], id="at the line"),
        pytest.param(with_criterion(BAD, "          # arazzo-ignore: condition-syntax -- old\n"), [], id="on the line above"),
        pytest.param(with_criterion(BAD, "          # arazzo-ignore: condition-syntax -- old\n          # and more\n\n"), [], id="above, with other comments between"),
        pytest.param("# arazzo-ignore-file: condition-syntax -- all old\n" + with_criterion(BAD), [], id="for the whole file"),
        pytest.param(with_criterion(f"{BAD} # arazzo-ignore: condition-syntax, later-step -- old"), ["unused-ignore:12"], id="one of two codes is of no use"),
        pytest.param(with_criterion(f"{BAD} # arazzo-ignore: condition-syntax"), ["ignore-without-reason:12"], id="without a reason it holds, and is noted"),
        pytest.param(with_criterion(f"{BAD} # arazzo-ignore condition-syntax -- no colon"), [], id="the colon may be missing"),
        pytest.param(with_criterion(BAD, "          # arazzo-ignore: later-step -- other\n"), ["unused-ignore:12", "condition-syntax:13"], id="another code forgives nothing"),
        pytest.param("# arazzo-ignore: condition-syntax -- far\n" + with_criterion(BAD), ["unused-ignore:1", "condition-syntax:13"], id="far above it holds for the next line only"),
        pytest.param(with_criterion("$statusCode == 200 # arazzo-ignore: unknown-stp -- typo"), ["unused-ignore:12"], id="a code there is not"),
        pytest.param(with_criterion("$statusCode == 200 # arazzo-ignore: -- what"), ["unused-ignore:12"], id="no code at all"),
        pytest.param(CLEAN.replace("title: Pets", "title: 'x # arazzo-ignore: later-step -- y'"), [], id="inside a quoted text it is text"),
        pytest.param(with_criterion("|\n              $statusCode == 200\n").replace("version: 1.0.0}", "version: 1.0.0, description: x}") + "    description: |\n      # arazzo-ignore: later-step -- text\n", [], id="inside a block of text it is text"),
        pytest.param(with_criterion("|\n              $statusCode = 200\n", "          # arazzo-ignore: condition-syntax -- old\n"), [], id="a text of several lines is forgiven above its key"),
        pytest.param(with_criterion(f"{BAD} # arazzo-ignore: condition-syntax -- old").replace("\n", "\r\n"), [], id="lines that end as on Windows"),
        pytest.param(with_criterion("$statusCode == 200 # arazzo-ignore: condition-syntax -- old").replace("\n", "\r\n"), ["unused-ignore:12"], id="lines that end as on Windows, of no use"),
        pytest.param("# arazzo-ignored: nothing\n" + CLEAN, [], id="another word is none of ours"),
        pytest.param("arazzo: [\n# arazzo-ignore-file: yaml-syntax -- never\n", ["yaml-syntax:3"], id="what cannot be read cannot be forgiven"),
    ],
)  # fmt: skip
def test_where_a_suppression_applies(tmp_path, text, expected):
    assert codes(tmp_path, text) == expected


def test_what_is_ignored_is_counted(tmp_path):
    text = with_criterion(f"{BAD} # arazzo-ignore: condition-syntax -- old")
    assert lint(tmp_path, text).ignored == 1


def test_an_ignore_of_a_code_that_is_off_is_not_called_unused(tmp_path):
    text = with_criterion("$statusCode == 200 # arazzo-ignore: later-step -- why")
    assert codes(tmp_path, text) == ["unused-ignore:12"]
    assert codes(tmp_path, text, ignore=("later-step",)) == []
    assert codes(tmp_path, text, levels={"later-step": "off"}) == []


def test_an_unused_ignore_points_at_its_comment_with_a_hint(tmp_path):
    (found,) = lint(tmp_path, with_criterion("$statusCode == 200 # arazzo-ignore: later-stp -- why")).findings
    assert (found.at.column, found.at.end_column) == (43, 76)
    assert found.hint == 'did you mean "later-step"?'
