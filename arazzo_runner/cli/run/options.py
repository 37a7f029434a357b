"""The options of `arazzo run` in groups: each becomes one record, so that a run's arguments stay few."""

from __future__ import annotations

import click

from arazzo_runner.base.records import Record
from arazzo_runner.cli.options import option_group
from arazzo_runner.cli.run.parameters import MOST_RUNS, Bytes, Count, Seconds
from arazzo_runner.engine.options import DEEPEST, MOST_SECONDS

_SECONDS = Seconds(min_open=True)
_WAIT = Seconds()
_COUNT = Count()
_DEPTH = click.IntRange(min=1, max=DEEPEST)


class LimitArguments(Record, kw_only=True):
    """What bounds a run and paces it; None is the default of RunOptions, whose names these are."""

    timeout: float | None
    run_timeout: float | None
    max_steps: int | None
    max_depth: int | None
    max_retry_wait: float | None
    poll_interval: float | None
    max_response_size: int | None
    criterion_timeout: float | None
    cookies: str | None
    parallel: int | None
    resend_unknown: bool


limit_options = option_group(
    "limits",
    LimitArguments,
    click.option("--timeout", type=_SECONDS, metavar="S", help="Seconds for one exchange (default 30)."),
    click.option("--run-timeout", type=_SECONDS, metavar="S", help="Seconds for the whole run (default 600)."),
    click.option("--max-steps", type=_COUNT, metavar="N", help="Visits of steps before a loop is given up."),
    click.option("--max-depth", type=_DEPTH, metavar="N", help="Nesting of workflows (default 32)."),
    click.option("--max-retry-wait", type=_WAIT, metavar="S", help="The longest Retry-After to obey (default 300)."),
    click.option("--poll-interval", type=_WAIT, metavar="S", help="Seconds before a step goes to itself (default 1)."),
    click.option("--max-response-size", type=Bytes(), metavar="BYTES", help="The largest response (default 10 MiB)."),
    click.option(
        "--criterion-timeout",
        type=_SECONDS,
        metavar="S",
        help="Seconds for one query of a criterion, selector or replacement (default 1).",
    ),
    click.option(
        "--cookies",
        type=click.Choice(["host", "domain", "off"]),
        help="Cookies go back to the origin that set them (host, default), also by Domain, or not at all.",
    ),
    click.option(
        "--parallel",
        type=_COUNT,
        is_flag=False,
        flag_value=8,
        metavar="[N]",
        help="Run up to N (8) independent steps at the same time, in rounds.",
    ),
    click.option(
        "--resend-unknown",
        is_flag=True,
        help="Allow a retry although an unsafe request may have been acted on.",
    ),
)


class PartArguments(Record, kw_only=True):
    """Which part of the workflow runs."""

    step: str | None
    from_step: str | None
    until: str | None
    outputs_from: str | None

    @property
    def ends_early(self) -> bool:
        """Whether the outputs of steps are printed, for the workflow's own cannot be had."""
        return self.step is not None or self.until is not None


part_options = option_group(
    "part",
    PartArguments,
    click.option("--step", metavar="ID", help="Run one step, and before it the steps it needs."),
    click.option("--from", "from_step", metavar="ID", help="Begin at a step (with --outputs-from for what it needs)."),
    click.option("--until", metavar="ID", help="End after a step and print the outputs of all steps."),
    click.option(
        "--outputs-from", metavar="FILE", help="Outputs of steps that ran before, as --until and --step write them."
    ),
)


class TransportArguments(Record, kw_only=True):
    """How requests reach their servers, as written on the command line."""

    certs: tuple[str, ...]
    cacerts: tuple[str, ...]
    insecure_hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    http2: bool | None
    follow_redirects: bool
    max_redirects: int | None


def _host_option(option: str, name: str, metavar: str, text: str):  # type: ignore[no-untyped-def]
    return click.option(option, name, metavar=metavar, multiple=True, help=text)


transport_options = option_group(
    "transport",
    TransportArguments,
    _host_option(
        "--cert", "certs", "[HOST=]FILE[,KEY]", "A client certificate (PEM), for a host or for all; repeatable."
    ),
    _host_option(
        "--cacert", "cacerts", "[HOST=]FILE", "Trust the authorities in a PEM file instead of the usual; repeatable."
    ),
    _host_option("--insecure-host", "insecure_hosts", "HOST", "Do not check this server's certificate; repeatable."),
    _host_option(
        "--proxy", "proxies", "[HOST=]URL", "Send through a proxy (also: HTTPS_PROXY, NO_PROXY …); direct for none."
    ),
    click.option(
        "--follow-redirects", is_flag=True, help="Follow redirects; to another server goes nothing but a bare GET."
    ),
    click.option(
        "--max-redirects",
        type=_COUNT,
        metavar="N",
        help="The most redirects of one request (with --follow-redirects, default 10).",
    ),
    click.option(
        "--http2/--no-http2", default=None, help="Offer HTTP/2, or never do (default: where it is installed)."
    ),
)


def _rate(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Read `10`, `10/s`, `100/m` or `3/h` as requests a second."""
    if text is None:
        return None
    number, slash, unit = text.partition("/")
    try:
        rate = float(number) / {"": 1, "s": 1, "m": 60, "h": 3600}[unit]
    except (ValueError, KeyError):
        rate = 0.0
    if not 1 / MOST_SECONDS <= rate <= MOST_SECONDS or bool(slash) != bool(unit):
        raise click.BadParameter(f'expected a number above 0, such as 10, 10/s, 100/m or 3/h, found "{text}"')
    return rate


class ManyArguments(Record, kw_only=True):
    """What makes several runs of one command line, and how they go."""

    data: str | None
    repeat: int | None
    jobs: int
    fail_fast: bool
    rate: float | None
    env: str | None
    env_files: tuple[str, ...]
    watch: bool


many_options = option_group(
    "many",
    ManyArguments,
    click.option("--data", metavar="FILE", help="One run per row of a CSV, JSON Lines, JSON or YAML file of inputs."),
    click.option("--repeat", type=Count(most=MOST_RUNS), metavar="N", help="Run everything N times."),
    click.option("--jobs", "-j", type=_COUNT, default=1, metavar="N", help="Runs at the same time (default 1)."),
    click.option("--fail-fast", is_flag=True, help="Begin no further run after one that did not succeed."),
    click.option(
        "--rate",
        callback=_rate,
        metavar="R",
        help="At most R requests a second over all runs; also 100/m, 3/h.",
    ),
    click.option("--env", metavar="NAME", help="An environment of arazzo.toml: servers, inputs, credentials."),
    click.option(
        "--env-file",
        "env_files",
        metavar="FILE",
        multiple=True,
        help="Variables of the environment, a NAME=value a line; repeatable.",
    ),
    click.option("--watch", is_flag=True, help="Run again whenever a file that was read changes."),
)
