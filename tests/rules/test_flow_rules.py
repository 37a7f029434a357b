"""Rules about the graph of steps: what is certainly never reached, taken or left, and what only seems so."""

from __future__ import annotations

import pytest

from tests.rules.small import codes, description

API = description({"get /a": {"operationId": "a"}})
IF = [{"condition": "$response.body#/more == true"}]


def goto(target, *, name=None, when=None, **more):
    return {
        "name": name or f"to-{target}",
        "type": "goto",
        "stepId": target,
        **({"criteria": when} if when else {}),
        **more,
    }


def end(*, when=None):
    return {"name": "end", "type": "end", **({"criteria": when} if when else {})}


def retry(**more):
    return {"name": "again", "type": "retry", **more}


def step(name, *, success=(), failure=(), **more):
    actions = {"onSuccess": list(success)} if success else {}
    actions |= {"onFailure": list(failure)} if failure else {}
    return {"stepId": name, "operationId": "a", **actions, **more}


def workflow(*steps, name="w", **more):
    return {"workflowId": name, "steps": list(steps), **more}


FINDINGS = {
    "steps in a row": ([step("a"), step("b")], []),
    "an end with criteria lets the next step run": ([step("a", success=[end(when=IF)]), step("b")], []),
    "an end without criteria does not": ([step("a", success=[end()]), step("b")], ["step-never-reached 1"]),
    "a failure action leads to a step behind an end": ([step("a", success=[end()], failure=[goto("b")]), step("b")], []),
    "a retry runs a step behind an end": (
        [step("a", success=[end()], failure=[retry(stepId="b")]), step("b")], []),
    "a goto over a step": ([step("a", success=[goto("c")]), step("b"), step("c")], ["step-never-reached 1"]),
    "steps that only lead to each other behind an end": (
        [step("a", success=[end()]), step("b", success=[goto("c", when=IF)]), step("c", success=[goto("b", when=IF)])],
        ["step-never-reached 1", "step-never-reached 2"]),
    "an action that is broken may have led anywhere": (
        [step("a", success=[goto("nowhere", when=IF), end()]), step("b")], []),
    "a step that leads to itself": ([step("a", success=[goto("a")])], ["endless-loop 0"]),
    "a step that polls until something": ([step("a", success=[end(when=IF), goto("a")])], []),
    "a step that polls with criteria": ([step("a", success=[goto("a", when=IF)])], []),
    "a loop that a failure action leaves": ([step("a", success=[goto("a")], failure=[end()])], []),
    "a loop that a failure action with goto leaves": ([step("a", success=[goto("a")], failure=[goto("b")]), step("b")], []),
    "a loop that a retry cannot leave": ([step("a", success=[goto("a")], failure=[retry()])], ["endless-loop 0"]),
    "a loop over two steps": ([step("a"), step("b", success=[goto("a")])], ["endless-loop 1"]),
    "a loop with a way out of its middle": ([step("a", success=[end(when=IF)]), step("b", success=[goto("a")])], []),
    "an unconditional action before another": (
        [step("a", success=[end(), goto("b")], failure=[goto("b")]), step("b")], ["action-never-taken 0"]),
    "an unconditional retry before another action": ([step("a", failure=[retry(), end()])], []),
    "the same criteria twice": (
        [step("a", success=[goto("b", when=IF), end(when=IF)]), step("b")], ["action-never-taken 0"]),
    "an action for a status with which the step has failed": (
        [step("a", success=[end(when=[{"condition": "$statusCode == 404"}])])], ["action-never-taken 0"]),
    "a failure action for a status with which the step passes": (
        [step("a", failure=[end(when=[{"condition": "$statusCode == 200"}])])], ["action-never-taken 0"]),
    "a failure action for a status that may fail by other criteria": (
        [step("a", failure=[end(when=[{"condition": "$statusCode == 200"}])], successCriteria=IF)], []),
    "a failure action for when no response came": (
        [step("a", failure=[end(when=[{"condition": "$statusCode == null"}])])], []),
    "criteria that contradict each other": (
        [step("a", successCriteria=[{"condition": "$statusCode == 200"}, {"condition": "$statusCode > 300"}])],
        ["contradicting-criteria 0"]),
    "criteria of which one regex excludes the other": (
        [step("a", successCriteria=[
            {"condition": "$statusCode == 404"},
            {"context": "$statusCode", "condition": "^2", "type": "regex"}])], ["contradicting-criteria 0"]),
    "ranges that overlap": (
        [step("a", successCriteria=[{"condition": "$statusCode >= 200"}, {"condition": "$statusCode < 300"}])], []),
    "a range that holds nothing": (
        [step("a", successCriteria=[{"condition": "$response.body#/n > 5 && $response.body#/n < 5"}])],
        ["contradicting-criteria 0"]),
    "alternatives": ([step("a", successCriteria=[{"condition": "$statusCode == 200 || $statusCode == 201"}])], []),
    "texts that differ in case only are equal": (
        [step("a", successCriteria=[{"condition": "$response.body#/s == 'A'"}, {"condition": "$response.body#/s == 'a'"}])], []),
    "the order of texts is not judged": (
        [step("a", successCriteria=[{"condition": "$response.body#/s > 'a'"}, {"condition": "$response.body#/s < 'b'"}])], []),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "expected"), FINDINGS.values(), ids=FINDINGS)
def test_findings_about_the_flow_of_steps(tmp_path, steps, expected):
    found = codes(tmp_path, API, [workflow(*steps)], group="flow")
    assert [f"{code} {pointer.split('/')[4]}" for code, _, pointer in found] == expected


READ = {"parameters": [{"name": "q", "in": "query", "value": "$steps.b.outputs.x"}]}
GIVE = {"outputs": {"x": "$response.body#/x"}}
SKIPPED = {
    "every way passes the step": ([step("a"), step("b", **GIVE), step("c", **READ)], False),
    "a goto leads around it": ([step("a", success=[goto("c", when=IF)]), step("b", **GIVE), step("c", **READ)], True),
    "a failure action leads around it": ([step("a", failure=[goto("c")]), step("b", **GIVE), step("c", **READ)], True),
    "a goto leads around another step": ([step("b", **GIVE, success=[goto("c", when=IF)]), step("a"), step("c", **READ)], False),
    "a retry is not a way around it": ([step("a", failure=[retry(stepId="c")]), step("b", **GIVE), step("c", **READ)], False),
    "a loop comes back to it": ([step("c", **READ), step("b", **GIVE, success=[goto("c", when=IF)])], False),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "is_skipped"), SKIPPED.values(), ids=SKIPPED)
def test_an_output_that_a_goto_skips(tmp_path, steps, is_skipped):
    found = codes(tmp_path, API, [workflow(*steps)], group="flow")
    assert [code for code, *_ in found] == ["skipped-step-output"] * is_skipped


def call(target, **parameters):
    listed = [{"name": name, "value": value} for name, value in parameters.items()]
    return {"stepId": "go", "workflowId": target, **({"parameters": listed} if listed else {})}


NEEDS = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}}
CALLS = {
    "a required input that is passed": (call("w", x=1), NEEDS, []),
    "a required input that is not": (call("w"), NEEDS, ["missing-call-input error"]),
    "a required input with a default": (
        call("w"), {**NEEDS, "properties": {"x": {"type": "integer", "default": 1}}}, []),
    "a required input behind a reference": (
        call("w"), {"allOf": [NEEDS]}, ["missing-call-input error"]),
    "an input that is not declared": (call("w", x=1, z=2), NEEDS, ["undeclared-call-input warning"]),
    "any input, where others are allowed": (call("w", x=1, z=2), {**NEEDS, "additionalProperties": True}, []),
    "an input of another type": (call("w", x="one"), NEEDS, ["call-input-mismatch warning"]),
    "a workflow without inputs": (call("w", z=2), None, ["undeclared-call-input warning"]),
}  # fmt: skip


@pytest.mark.parametrize(("made", "inputs", "expected"), CALLS.values(), ids=CALLS)
def test_findings_about_a_call(tmp_path, made, inputs, expected):
    target = workflow(step("a"), **({"inputs": inputs} if inputs is not None else {}))
    found = codes(tmp_path, API, [workflow(made, name="caller"), target], group="flow")
    assert [f"{code} {severity}" for code, severity, _ in found] == expected


def test_an_action_passes_on_inputs_of_the_same_name(tmp_path):
    leave = {"name": "on", "type": "goto", "workflowId": "w"}
    caller = workflow(step("a", success=[leave]), name="caller")
    named = {**caller, "inputs": {"type": "object", "properties": {"x": {"type": "integer"}}}}
    target = workflow(step("a"), inputs=NEEDS)
    assert codes(tmp_path, API, [caller, target], group="flow") == [
        ("missing-call-input", "warning", "/workflows/0/steps/0/onSuccess/0/workflowId")
    ]
    assert codes(tmp_path, API, [named, target], group="flow") == []


def test_workflows_that_call_each_other_under_a_condition_end(tmp_path):
    first = workflow(step("a", success=[end(when=IF)]), call("second"), name="first")
    assert codes(tmp_path, API, [first, workflow(call("first"), name="second")], group="flow") == []
    certain = workflow(step("a"), call("second"), name="first")
    found = codes(tmp_path, API, [certain, workflow(call("first"), name="second")], group="flow")
    assert [code for code, *_ in found] == ["endless-recursion"]


@pytest.mark.parametrize(
    ("third", "more", "expected"),
    [
        pytest.param([], {}, ["workflow-not-run"], id="nothing runs it"),
        pytest.param([], {"dependsOn": ["giver"]}, [], id="it is depended on"),
        pytest.param(["giver", "reader"], {}, [], id="a third workflow leads to both"),
        pytest.param(["giver"], {}, ["workflow-not-run"], id="a third workflow leads to it alone"),
    ],
)
def test_outputs_read_from_another_workflow(tmp_path, third, more, expected):
    read = {"parameters": [{"name": "q", "in": "query", "value": "$workflows.giver.outputs.x"}]}
    giver = workflow(step("a", **GIVE), name="giver", outputs={"x": "$steps.a.outputs.x"})
    calls = [{"stepId": f"go-{name}", "workflowId": name} for name in third] or [step("a")]
    found = codes(
        tmp_path, API, [giver, workflow(step("b", **read), name="reader", **more), workflow(*calls)], group="flow"
    )
    assert [code for code, *_ in found] == expected
