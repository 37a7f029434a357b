"""--checks and --check-requests are parsed."""

import click
import pytest

from arazzo_runner.cli.commands.run import parsed_checks
from arazzo_runner.engine.options import CheckOptions


@pytest.mark.parametrize(
    ("texts", "requests", "expected"),
    [
        pytest.param([], None, None, id="nothing said"),
        pytest.param(["off"], None, CheckOptions(status="off", content_type="off", headers="off", schema="off", formats="off"), id="one level for all"),
        pytest.param(["status=error,content-type=off"], None, CheckOptions(status="error", content_type="off"), id="by name"),
        pytest.param(["error", "schema=warn"], None, CheckOptions(status="error", content_type="error", headers="error", formats="error"), id="repeated, left to right"),
        pytest.param(["deep"], None, CheckOptions(deep="warn"), id="a name alone warns"),
        pytest.param(["error,deep"], None, CheckOptions(status="error", content_type="error", headers="error", schema="error", formats="error", deep="error"), id="a name alone after a level"),
        pytest.param([], "error", CheckOptions(requests="error"), id="requests"),
    ],
)  # fmt: skip
def test_checks_are_read(texts, requests, expected):
    assert parsed_checks(texts, requests) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shema=error", 'did you mean "schema"?'),
        ("schema=fatal", '"fatal" is not a level, expected off, warn, error'),
        ("eror", 'did you mean "error"?'),
    ],
)
def test_unknown_checks_are_refused(text, message):
    with pytest.raises(click.UsageError, match=message.replace("?", r"\?")):
        parsed_checks([text])
