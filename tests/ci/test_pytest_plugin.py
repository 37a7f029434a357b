"""The pytest plugin as its user has it: a project, a conftest.py, a server, and pytest itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.lint.documents import CLEAN, project, with_criterion
from tests.loopback import Reply, serving

ROOT = Path(__file__).parents[2]
NEEDY = CLEAN.replace("    steps:", "    inputs: {type: object, required: [petId], properties: {petId: {type: integer}}}\n    steps:").replace(
    "value: 1}", "value: $inputs.petId}"
)  # fmt: skip


def run_pytest(folder, *arguments):
    plugin = ["-p", "arazzo_runner.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, "-rs", "--no-header", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120", "NO_PROXY": "127.0.0.1"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other plugins of this machine only take time
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path):
    return project(tmp_path, pytest__ini="[pytest]\n")


@pytest.fixture
def server():
    with serving(lambda request: Reply(200 if request.target == "/pets/7" else 404)) as running:
        yield running.url


def test_the_entry_point_is_declared():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert declared["pytest11"] == {"arazzo": "arazzo_runner.pytest_plugin"}


def test_documents_are_tests(folder):
    project(folder, good__arazzo__yaml=CLEAN, bad__arazzo__yml=with_criterion("$statusCode = 200"), other__yml="a: 1\n")
    code, out = run_pytest(folder)
    assert code == 1
    assert "1 failed, 1 passed" in out
    assert "error[condition-syntax]: = is not an operator" in out
    assert "12 |           - condition: $statusCode = 200" in out
    assert "Traceback" not in out


def test_other_files_are_named_in_the_configuration(folder):
    project(folder, flows_in_a__yml=CLEAN, pytest__ini="[pytest]\narazzo_files = flows/*.yml\n")
    (folder / "flows" / "pets.yml").write_text((folder / "pets.yml").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\narazzo_files = flows/a.yml\n", encoding="utf-8")
    assert "1 passed" in run_pytest(folder)[1]
    assert run_pytest(folder, "--no-arazzo")[0] == 5


def test_configuration_and_strictness_hold(folder):
    project(folder, a__arazzo__yaml=with_criterion('$statusCode == "200"'))
    assert "1 failed" in run_pytest(folder, "--arazzo-strict")[1]
    (folder / "arazzo.toml").write_text('[validate.rules]\ndouble-quotes = "off"\n', encoding="utf-8")
    assert "1 passed" in run_pytest(folder, "--arazzo-strict")[1]


def test_workflows_run_with_the_values_of_fixtures(folder, server):
    conftest = f"""\
        import pytest

        @pytest.fixture
        def arazzo_inputs(request):
            return {{"petId": int(request.config.getoption("-k") and 8 or 7)}} if request.node.workflow_id == "look" else {{}}

        @pytest.fixture
        def arazzo_servers():
            return {{"pets": "{server}", "of another document": "http://x.test"}}
    """
    project(folder, a__arazzo__yaml=NEEDY.replace("pets.yml", "moved.yml"), conftest__py=conftest)
    (folder / "arazzo.toml").write_text('[sources]\npets = "pets.yml"\n', encoding="utf-8")
    code, out = run_pytest(folder, "--arazzo-run", "-v")
    assert code == 0, out
    assert "a.arazzo.yaml::valid PASSED" in out
    assert "a.arazzo.yaml::look PASSED" in out
    code, out = run_pytest(folder, "--arazzo-run", "-k", "look")
    assert code == 1
    assert "$statusCode == 200" in out
    assert "404" in out
    assert "Traceback" not in out


def test_a_mock_answers_and_missing_inputs_are_a_reason_to_skip(folder):
    project(folder, a__arazzo__yaml=CLEAN, b__arazzo__yaml=NEEDY)
    code, out = run_pytest(folder, "--arazzo-mock")
    assert code == 0, out
    assert "3 passed, 1 skipped" in out
    assert "petId" in out


def test_projects_without_documents_pay_nothing(folder):
    project(
        folder,
        test_a__py="def test_a():\n    import sys\n    assert not [name for name in sys.modules if name.startswith('arazzo_runner.') and name not in ('arazzo_runner.pytest_plugin', 'arazzo_runner.base', 'arazzo_runner.base.version')]\n",
    )
    code, out = run_pytest(folder)
    assert code == 0, out


FIXTURES = {
    "servers that are a text": ("arazzo_servers", '"http://x.test"', "arazzo_servers is a dict of source names to URLs, not str"),
    "options that are a list": ("arazzo_options", "[1]", "arazzo_options is a dict of arguments of arazzo_runner.run, not list"),
    "an unknown option": ("arazzo_options", '{"scenari": "x.yml"}', 'did you mean "scenario"?'),
    "inputs as an option": ("arazzo_options", '{"inputs": {}}', "override the fixture arazzo_inputs"),
    "inputs that are a list": ("arazzo_inputs", "[7]", "inputs is a mapping of names to values, not list of int"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "message"), FIXTURES.values(), ids=FIXTURES)
def test_what_a_fixture_gives_wrongly_is_said_in_a_sentence(folder, name, value, message):
    conftest = f"import pytest\n\n@pytest.fixture\ndef {name}():\n    return {value}\n"
    project(folder, good__arazzo__yaml=CLEAN, conftest__py=conftest)
    code, out = run_pytest(folder, "--arazzo-mock")
    assert code == 1
    assert message in out
    assert "pytest_plugin.py" not in out


def test_fixtures_that_give_nothing_change_nothing(folder):
    nothing = "".join(f"@pytest.fixture\ndef arazzo_{each}(): pass\n" for each in ("inputs", "servers", "options"))
    project(folder, good__arazzo__yaml=CLEAN, conftest__py=f"import pytest\n{nothing}")
    code, out = run_pytest(folder, "--arazzo-mock")
    assert code == 0, out
