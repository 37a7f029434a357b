"""python -m arazzo_runner."""

from arazzo_runner.cli.main import main

main()
