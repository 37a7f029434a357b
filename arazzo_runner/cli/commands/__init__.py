"""The commands of `arazzo`, one module each, and the help text that lists them; free of click."""

from __future__ import annotations

COMMANDS = {
    "run": "Run a workflow and print its outputs.",
    "call": "Call one operation of an OpenAPI description.",
    "validate": "Check Arazzo documents without sending anything.",
    "generate": "Write workflows from a description, traffic or a Postman collection.",
    "init": "Write the files with which a project begins.",
    "upgrade": "Upgrade documents to the newest version of Arazzo.",
    "list": "List the workflows of a document and their inputs.",
    "show": "Show what a workflow does, step by step.",
    "auth": "List the credentials that a document needs.",
    "graph": "Draw a workflow: its steps and where their actions lead.",
    "export": "Write a workflow for another tool: curl, Python, pytest.",
    "trace": "Show where every value of a step comes from.",
    "debug": "Run a workflow step by step.",
    "mock": "Serve the APIs a document uses, answering from their descriptions.",
    "mcp": "Serve workflows as tools of an agent (Model Context Protocol).",
    "replay": "Run a recorded workflow again, offline, and report differences.",
    "resume": "Resume a durable run that stopped.",
    "runs": "Show, cancel and delete durable runs.",
    "submit": "Submit durable runs to workers.",
    "worker": "Execute submitted runs.",
    "queue": "Configure the queues of durable runs.",
    "schedule": "Start runs on a schedule.",
    "eval": "Evaluate an expression in a context.",
    "state": "List and remove the secret outputs that runs kept.",
    "cache": "Show or clear the cache.",
    "explain": "Explain a diagnostic code.",
}
"""The summaries of the commands, in the order of the help; NAME is the module `arazzo_runner.cli.commands.NAME`."""

COMPLETE = "_ARAZZO_COMPLETE"
"""The environment variable with which a shell asks click for completions."""

_HELP = """\
Usage: arazzo [OPTIONS] COMMAND [ARGS]...

  Run, validate and test Arazzo workflows: sequences of API calls and
  messages described in YAML or JSON
  (https://spec.openapis.org/arazzo/latest.html).

Examples, in a checkout of arazzo:
  arazzo validate specs/arazzo/two-apis.yml
  arazzo run specs/arazzo/two-apis.yml -i sku=LAMP-1 -i apiKey=demo --dry-run
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs
  arazzo help run

Commands:
{commands}

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit. `arazzo help COMMAND` explains one.
"""


def help_text() -> str:
    """Return the text of `arazzo --help`."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    return _HELP.format(commands=commands)
