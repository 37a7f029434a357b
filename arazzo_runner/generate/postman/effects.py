"""What the scripts around a request do to its step: variables, outputs, criteria."""

from __future__ import annotations

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.generate.description import ApiOperation, ApiResponse
from arazzo_runner.generate.draft import DraftStep
from arazzo_runner.generate.generated import identifier
from arazzo_runner.generate.postman.criteria import (
    PASSED,
    condition_of,
    describe,
    expression_of,
    statuses_of,
    without_contradictions,
)
from arazzo_runner.generate.postman.items import ScriptText
from arazzo_runner.generate.postman.script_effects import Expectation, FromVariable, Setting, Source
from arazzo_runner.generate.postman.scripts import read_script
from arazzo_runner.generate.postman.variables import OutputRef, Part, Scope


class Effects(MutableRecord):
    """The effects of the scripts of one request; `untranslated` are the lines that have none."""

    scope: Scope
    untranslated: list[tuple[ScriptText, list[int]]] = field(default_factory=list)

    def before(self, scripts: list[ScriptText]) -> None:
        """Set the variables that scripts set before the request."""
        for text in scripts:
            script = read_script(text.lines, has_response=False)
            unknown = [each.line for each in script.settings if not self._set_text(each)]
            self.untranslated.append((text, sorted({*script.untranslated, *unknown})))

    def after(self, levels: list[list[ScriptText]], step: DraftStep, operation: ApiOperation) -> None:
        """Add what scripts read and expect of the response; `levels` begins with the outermost folder."""
        texts: dict[int, ScriptText] = {}
        expected: list[list[Expectation]] = []
        settings: list[tuple[Setting, ScriptText]] = []
        for level in levels:
            expected.append([])
            for text in level:
                script = read_script(text.lines, has_response=True)
                self.untranslated.append((text, script.untranslated))
                expected[-1] += script.expectations
                texts.update({id(each): text for each in script.expectations})
                settings += [(each, text) for each in script.settings]
        kept, dropped = without_contradictions(expected)
        responses = _responses(kept, operation)
        for each in [*dropped, *self._criteria(kept, step, responses)]:
            self.untranslated.append((texts[id(each)], [each.line]))
        for setting, text in settings:
            if not self._set_output(setting, step):
                self.untranslated.append((text, [setting.line]))
        parts = [part for setting, _ in settings for part in setting.parts if not isinstance(part, str)]
        read = [part for part in parts if expression_of(part) is not None]
        # Members first: what is read as a whole too is not only a structure then.
        for source in sorted(read, key=lambda each: -len(getattr(each, "path", ()))):
            for response in responses:
                describe(response, source)

    def _criteria(
        self, expectations: list[Expectation], step: DraftStep, responses: list[ApiResponse]
    ) -> list[Expectation]:
        """Add the criteria of expectations; return those that no condition can say."""
        unknown = []
        for each in expectations:
            condition = None if _is_of_secret(each) else condition_of(each, self._variable)
            if condition is None:
                unknown.append(each)
                continue
            if condition not in step.criteria:
                step.criteria.append(condition)
            for response in responses:
                value = each.values[0]
                describe(response, each.of, None if isinstance(value, FromVariable) else value)
        if not any("$statusCode" in condition for condition in step.criteria):
            step.criteria.insert(0, PASSED)
        return unknown

    def _variable(self, variable: FromVariable) -> str | None:
        parts = self.scope.shared.variable(variable.name)
        if len(parts) == 1 and not isinstance(parts[0], str):
            return self.scope.expression(parts[0])
        return None

    def _set_text(self, setting: Setting) -> bool:
        """Set a variable to a text with other variables; a secret text is not taken over."""
        parts = self._parts_of_variables(setting)
        if parts is None:
            return False
        self.scope.shared.settings[setting.name] = parts
        return True

    def _parts_of_variables(self, setting: Setting) -> tuple[Part, ...] | None:
        if is_secret_name(setting.name) and any(isinstance(part, str) for part in setting.parts):
            text = "".join(part for part in setting.parts if isinstance(part, str))
            self.scope.shared.hide(text)
            return None
        found: list[Part] = []
        for part in setting.parts:
            if isinstance(part, str):
                found += self.scope.shared.parts(part)
            elif isinstance(part, FromVariable):
                found += self.scope.shared.variable(part.name)
            else:
                return None
        return tuple(found) or ("",)

    def _set_output(self, setting: Setting, step: DraftStep) -> bool:
        """Set a variable to what the step reads of its response, which becomes outputs of it."""
        sources = [part for part in setting.parts if not isinstance(part, (str, FromVariable))]
        if not sources:
            return self._set_text(setting)
        expressions = [expression_of(each) for each in sources]
        if any(each is None for each in expressions):
            return False
        found: list[Part] = []
        for part in setting.parts:
            if isinstance(part, str):
                found.append(part)
            elif isinstance(part, FromVariable):
                found += self.scope.shared.variable(part.name)
            else:
                found.append(self._output(part, setting.name, step))
        self.scope.shared.settings[setting.name] = tuple(each for each in found if each != "")
        return True

    def _output(self, source: Source, wanted: str, step: DraftStep) -> OutputRef:
        expression = expression_of(source)
        name = next((name for name, each in step.outputs.items() if each == expression), None)
        if name is None:
            name = unused_name(identifier(wanted, "value"), step.outputs)
            step.outputs[name] = expression
        return OutputRef(self.scope.workflow, step.step_id, name)


def _is_of_secret(expectation: Expectation) -> bool:
    """Return whether a secret is compared with a text in the script."""
    path = getattr(expectation.of, "path", ())
    name = path[-1] if path else getattr(expectation.of, "name", "")
    is_text = any(isinstance(value, str) for value in expectation.values)
    return is_text and isinstance(name, str) and is_secret_name(name)


def _responses(expectations: list[Expectation], operation: ApiOperation) -> list[ApiResponse]:
    """Return the responses that the request expects: those with the statuses that scripts name, else the good ones."""
    good = [status for status in operation.responses if status.startswith("2")]
    for status in statuses_of(expectations) or good or ["2XX"]:
        if status not in operation.responses:
            operation.responses[status] = ApiResponse(description="What the requests expect.")
    wanted = statuses_of(expectations) or good or ["2XX"]
    return [operation.responses[status] for status in wanted]
