"""The asynchronous workflows of one of the Specification's editors, and the Specification's own, run against the mock.

None of them is valid as it stands: they are mended in memory, by what is wrong with each.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import arazzo_runner
from arazzo_runner import LoadOptions
from tests.corpus.test_corpus import CORPUS, INDEX

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")
FOLDER = CORPUS / "frankkilcommins__arazzo-examples" / "v1.1.0-prep" / "async-api-examples"
EXAMPLE = CORPUS.parent / "cases" / "messages"
WORDS = {
    "$statusCode = 201": "$statusCode == 201",
    "$sourceDescriptions.WebhookAsyncApi": "$sourceDescriptions.WebhookApi",
    "$steps.CreateTicket.outputs": "$steps.SubmitSupportEmail.outputs",
    "$steps.WaitForAck.configStatus": "$steps.WaitForAck.outputs.configStatus",
    '"configStatus": $steps.WaitForAck.outputs.configStatus': '"configStatus": "{$steps.WaitForAck.outputs.configStatus}"',
}
"""Names that there are not, an operator that there is not, and an expression without braces."""
DOCUMENTS = [
    "amqp/support-ticket-workflow.arazzo.yaml",
    "amqp/support-ticket-workflow.amqp1.arazzo.yaml",
    "http-webhooks/document-asyncapi-webhook.arazzo.yaml",
    "mqtt/device-configure-mqtt.arazzo.yaml",
    "mqtt/device-configure-mqtt5.arazzo.yaml",
    "sse/build-notify-workflow.arazzo.yaml",
]
"""The others are no YAML (kafka), or wait for a webhook or a stream of an OpenAPI description."""


def mended(text: str) -> str:
    for wrong, right in WORDS.items():
        text = text.replace(wrong, right)
    document: Any = yaml.safe_load(text)
    for workflow in document["workflows"]:
        if isinstance(workflow.get("outputs"), list):  # a mapping, and of expressions
            del workflow["outputs"]
        for step in workflow["steps"]:
            mend_step(step)
    return yaml.safe_dump(document, sort_keys=False)


def mend_step(step: Any) -> None:
    step.pop("kind", None)
    if "dependsOn" in step:
        step["dependsOn"] = [each.removeprefix("$steps.") for each in step["dependsOn"]]
    for criterion in step.get("successCriteria", []):
        criterion["condition"] = re.sub(r'"\{(\$[^}]*)\}"', r"\1", criterion["condition"]).replace('"', "'")
    for kind in ("onSuccess", "onFailure"):
        for number, action in enumerate(step.get(kind, [])):
            action.setdefault("name", f"{kind}{number}")
            if "condition" in action:
                action["criteria"] = [{"condition": action.pop("condition")}]
    if step["stepId"] == "GetDevice":  # else it registers the device again and again
        step["onSuccess"] = [{"name": "found", "type": "goto", "stepId": "SendConfig"}]
    if step["stepId"] == "WaitForBuildResult":  # whose address would be open otherwise
        step["parameters"] = [{"name": "buildId", "in": "path", "value": "$steps.StartBuild.outputs.buildId"}]


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_mended_workflow_succeeds(name: str, parallel: int, tmp_path: Path):
    shutil.copytree((FOLDER / name).parent, tmp_path, dirs_exist_ok=True)
    path = tmp_path / Path(name).name
    path.write_text(mended(path.read_text(encoding="utf-8")), encoding="utf-8")
    result = arazzo_runner.run(path, mock=True, sample_inputs=True, options=arazzo_runner.RunOptions(parallel=parallel))
    assert result.status == "succeeded", result.reason
    dry = arazzo_runner.dry_run(path, sample_inputs=True, load_options=LoadOptions(any_server=True))
    assert dry.status == "succeeded", dry.reason


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the example is not here")
@pytest.mark.parametrize(
    "confirmed",
    [
        "operationPath: $sourceDescriptions.asyncOrderApiDescription.placeOrder",
        "channelPath: '{$sourceDescriptions.asyncOrderApiDescription.url}#/channels/confirm-order'",
    ],
)
def test_the_example_of_the_specification_succeeds(confirmed: str, tmp_path: Path):
    shutil.copy(EXAMPLE / "pet-asyncapi.yaml", tmp_path)
    text = (EXAMPLE / "pet.yaml").read_text(encoding="utf-8")
    wrong = "operationPath: $sourceDescriptions.asyncOrderApiDescription.confirmOrder"  # an operation that there is not
    (tmp_path / "pet.yaml").write_text(text.replace(wrong, confirmed), encoding="utf-8")
    result = arazzo_runner.run(tmp_path / "pet.yaml", mock=True, sample_inputs=True)
    assert (result.status, list(result.outputs)) == ("succeeded", ["orderId"])
