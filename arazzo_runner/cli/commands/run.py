"""`arazzo run`: its options, and which runs they ask for."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

import click

from arazzo_runner.base.records import replace
from arazzo_runner.base.user_files import is_pipe
from arazzo_runner.cli.options import (
    arazzo_command,
    channel_address_option,
    color_option,
    format_option,
    input_option,
    mock_lenient_option,
    mock_option,
    mock_options,
    reading_options,
    server_option,
    server_variable_option,
)
from arazzo_runner.cli.run.options import (
    RunArguments,
    credential_options,
    durable_options,
    limit_options,
    many_options,
    part_options,
    transport_options,
)
from arazzo_runner.cli.run.session import run_session
from arazzo_runner.engine.options import LEVELS, NAMED_CHECKS, USUAL_CHECKS, CheckOptions
from arazzo_runner.errors import did_you_mean
from arazzo_runner.sources.fetch import DocumentSnapshot

Command = TypeVar("Command", bound=Callable[..., int])


def check_options(command: Command) -> Command:
    """Add --checks and --check-requests; the command gets them as `checks`, None when neither is given."""

    @functools.wraps(command)
    def gathered(*, checks: tuple[str, ...], check_requests: str | None, **options: Any) -> int:
        return command(checks=parsed_checks(checks, check_requests), **options)

    decorated: Any = click.option(
        "--check-requests",
        type=click.Choice(LEVELS),
        metavar="LEVEL",
        help="Parameters and bodies before they are sent: off, warn (default) or error.",
    )(gathered)
    decorated = click.option(
        "--checks",
        metavar="LEVELS",
        multiple=True,
        help="Responses against their description: off, warn (default) or error, for all or as "
        "NAME=LEVEL,… of status, content-type, headers, schema, formats (of requests and inputs too), "
        "undocumented, deep (the last two are off).",
    )(decorated)
    return cast(Command, decorated)


def parsed_checks(texts: Iterable[str], requests: str | None = None) -> CheckOptions | None:
    """Read `warn,schema=error`, left to right; a name alone gets the level given before it, else warn.

    >>> parsed_checks(["error,schema=warn,deep"]).status
    'error'
    """
    items = [item.strip() for text in texts for item in text.split(",") if item.strip()]
    if not items and requests is None:
        return None
    found: dict[str, str] = {} if requests is None else {"requests": requests}
    usual = "warn"
    for item in items:
        name, equals, level = item.partition("=")
        if not equals and name in LEVELS:
            usual = name
            found.update(dict.fromkeys(map(_field, USUAL_CHECKS), name))
            continue
        if name not in NAMED_CHECKS or (equals and level not in LEVELS):
            raise click.UsageError(_message(item, name, level), click.get_current_context(silent=True))
        found[_field(name)] = level if equals else usual.replace("off", "warn")
    changes: Any = found
    return replace(CheckOptions(), **changes)


def _field(name: str) -> str:
    return name.replace("-", "_")


def _message(item: str, name: str, level: str) -> str:
    if name in NAMED_CHECKS:
        return f'--checks {name}: "{level}" is not a level, expected {", ".join(LEVELS)}'
    guess = did_you_mean(name, [*NAMED_CHECKS, *LEVELS]) or f"expected {', '.join(LEVELS)}"
    return f'--checks: "{item}" is neither a level nor one of {", ".join(NAMED_CHECKS)}; {guess}'


_HELP = """\
SPEC is an Arazzo document: a file, a glob or an http(s) URL. Nothing but the
workflow's outputs goes to standard output; progress, warnings and failures
go to standard error. Secrets are masked in both.

\b
Examples:
  # against a mock; nothing else is needed
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs
  # the requests only; everything shown
  arazzo run specs/arazzo/two-apis.yml -i sku=LAMP-1 -i apiKey=demo --dry-run
  arazzo run specs/arazzo/two-apis.yml -i sku=LAMP-1 -i apiKey=demo --mock -vv
  echo k | arazzo run specs/arazzo/two-apis.yml -i sku=A -i apiKey=@- --mock
  arazzo run specs/arazzo/two-apis.yml --sample-inputs --dry-run \\
      --server stock=http://localhost:8080
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs --report r.html
  # messages; without --mock a broker is needed (docs/messages.md)
  arazzo run specs/arazzo/join-two-messages.yml --mock --sample-inputs
  # every workflow of many documents; a run per row of inputs
  arazzo run 'specs/arazzo/re*.yml' -w '*' --mock --sample-inputs --jobs 4
  arazzo run 'specs/arazzo/re*.yml' -w '*' --mock --sample-inputs --shard 1/2
  arazzo run specs/arazzo/look-up-an-address.yml --mock \\
      --data specs/files/addresses.jsonl

\b
Inputs: a text given with -i becomes the type that the inputs schema says.
Inputs given by neither -i nor --input-file are looked up in the environment:
refreshToken in ARAZZO_INPUT_REFRESH_TOKEN or ARAZZO_INPUT_refreshToken.

\b
Credentials of security schemes are looked up in the environment, a file and
the keyring, never given here: arazzo auth SPEC lists what is needed.

\b
Many runs (several documents or workflows, --data, --repeat, --tag, --shard,
--rerun-failed) print one JSON object a line: {"run", "workflowId", "status",
"outputs"}; with --format json one object with all of them and a summary. The
exit code is the worst one.

\b
Secret outputs are shown as ***. Without --show-secrets and --output they are
written to a file that only you can read, below $XDG_STATE_HOME/arazzo
(~/.local/state/arazzo), whose path is printed on standard error.

\b
Exit codes:
  0    the workflow succeeded
  1    the workflow failed
  2    nothing was sent: the document, the inputs or the options are wrong
  3    in doubt: the outcome of a request is unknown
  130  interrupted
  70   a bug in arazzo
"""


@arazzo_command("run", _HELP)
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option(
    "-w",
    "--workflow",
    "workflows",
    metavar="ID",
    multiple=True,
    help="The workflow to run (needed when there are several); repeatable, globs allowed.",
)
@input_option("An input; repeatable. @FILE is a file or its text, @- standard input, @@ begins a text with @.")
@click.option("--input-file", metavar="FILE", help="A YAML or JSON mapping of inputs; - is standard input.")
@server_option
@server_variable_option
@channel_address_option
@click.option(
    "--include",
    metavar="FILE",
    multiple=True,
    help="Another Arazzo document, found by its $self; repeatable.",
)
@reading_options
@mock_option
@mock_lenient_option
@mock_options
@click.option(
    "--sample-inputs",
    is_flag=True,
    help="Make up the inputs that nothing gives, from their schema and the operations that read them.",
)
@click.option("--dry-run", is_flag=True, help="Print the requests and messages instead of sending them.")
@click.option("-v", "--verbose", count=True, help="Show requests, responses and messages; -vv with headers and bodies.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no warnings, only the reason of a failure.")
@format_option
@click.option("--output", metavar="FILE", help="Write the outputs to FILE, secrets in clear, readable only by you.")
@click.option("--show-secrets", is_flag=True, help="Print secret outputs in clear.")
@color_option
@click.option(
    "--report",
    "reports",
    metavar="KIND=FILE",
    multiple=True,
    help="Write a report: junit, json, html, har, sarif or markdown; github for annotations; repeatable.",
)
@many_options
@limit_options
@part_options
@click.option("--record", metavar="FILE", help="Record what is sent and received, without secrets, for arazzo replay.")
@check_options
@credential_options
@transport_options
@durable_options
def command(**options: Any) -> int:
    """Run once, or with --watch again and again."""
    given = RunArguments(**options)
    _check(given)
    if not given.many.watch:
        return _run(given)
    from arazzo_runner.cli.run.watch import watch  # lazily: few runs are watched

    return watch(given, lambda snapshot: _run(given, snapshot))


def _run(given: RunArguments, snapshot: DocumentSnapshot | None = None) -> int:
    """Run with the variables of --env-file; `snapshot` records the documents that are loaded."""
    if not given.many.env_files:
        return _dispatched(given, snapshot)
    from arazzo_runner.cli.run.environments import environment_files  # lazily: few runs need it

    with environment_files(given.many.env_files):
        return _dispatched(given, snapshot)


def _dispatched(given: RunArguments, snapshot: DocumentSnapshot | None) -> int:
    if not given.is_many:
        return run_session(given, os.environ, snapshot)
    from arazzo_runner.cli.run.many import run_many  # lazily: a single run needs none of it

    return run_many(given, os.environ, snapshot)


# ------------------------------------------------------------------ contradictions


def _check(given: RunArguments) -> None:
    """Refuse options that contradict each other; raises click.UsageError."""
    wrong = next((message for is_wrong, message in _contradictions(given) if is_wrong), None)
    if wrong is not None:
        raise click.UsageError(wrong, click.get_current_context())


def _contradictions(given: RunArguments) -> Iterator[tuple[object, str]]:
    """Yield what must not be beside the table of cli/combinations.py, and the message about it."""
    yield given.many.watch and "-" in given.files, "--watch cannot read standard input again"
    yield given.record and given.is_many, "--record records one run, and several are asked for"
    if given.output or given.record or given.reports:
        from arazzo_runner.cli.run.targets import overwritten  # lazily: not every run writes files

        yield from ((True, message) for message in overwritten(given))
    yield given.output == "-", "--output needs a file; --show-secrets prints secrets to standard output"
    yield given.files.count("-") > 1, "standard input is read once, and several options read it"
    for path in filter(is_pipe, given.files):
        yield given.many.watch, f"--watch cannot read {path} again, which is a pipe"
    if given.durable.is_durable:
        several = "several runs exclude --durable (arazzo submit is for those)"
        yield given.is_many, several
        pipe = "--durable excludes --credentials with a pipe (a resumed run reads it again)"
        yield is_pipe(given.credentials.credentials_file or ""), pipe
