"""The functions of exported bash scripts, as text: those of jq, then those of the shell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

JQ: Final = r"""
  def at($key):
    if type == "object" and has($key | tostring) then .[$key | tostring]
    elif type == "array" and ($key | tostring | test("^[0-9]+$"))
      and ($key | tonumber) < length then .[$key | tonumber]
    elif (type == "array" or type == "string") and $key == "length" then length
    else error("\($key) has no value") end;
  def input_of($name): .inputs | at($name);
  def output_of($step; $name): .steps | at($step) | at($name);
  def status: .response | at("status");
  def header($name): .response | at("headers") | at($name);
  def body: .response | at("body");
  def or_null(f): [f?] | .[0];
  def one(f): [f] | if length > 1 then . else .[] end;
  def text: if type == "string" then . else tojson end;
  def number_of: if type == "number" then . elif type == "string" then tonumber? else empty end;
  def number: or_null(number_of);
  def fold: if type == "string" then ascii_downcase else . end;
  def equal($a; $b):
    ($a | type) as $type
    | if $type == ($b | type) and ($type == "object" or $type == "array")
      then ($a | keys) == ($b | keys) and all($a | keys[]; . as $key | equal($a[$key]; $b[$key]))
      else ($a | fold) == ($b | fold)
        or (($a | number) != null and ($a | number) == ($b | number)) end;
  def ordered($a; $b): ($a | type) == ($b | type) and ($a | type | . == "number" or . == "string");
  def less($a; $b): ordered($a; $b) and $a < $b;
  def compare($a; $operator; $b):
    (if ($a | number) != null and ($b | number) != null then [($a | number), ($b | number)]
     else [($a | fold), ($b | fold)] end) as [$x, $y]
    | ordered($x; $y)
      and if $operator == "<" then $x < $y elif $operator == "<=" then $x <= $y
        elif $operator == ">" then $x > $y else $x >= $y end;
  def holds($value): $value | . != null and . != false and . != 0 and . != "";
  def matches($value; $pattern): $value != null and ($value | text | test($pattern));
  def literal: or_null(number_of) // .;
  def member($name): objects | select(has($name)) | .[$name];
  def item($index): arrays | select($index < length and $index >= -length) | .[$index];
  def credential($name): $ENV[$name] // "" | if . == "" then error("set \($name)") else . end;
  def optional($field; $name; $prefix):
    $ENV[$name] // "" | if . == "" then {} else {($field): ($prefix + .)} end;
  def segment: text | @uri | if IN("", ".", "..") then error("the value would change the path") else . end;
  def pair($name; f): ($name | @uri) + "=" + (f | if . == null then "" else text end | @uri);
  def pairs($name; $style; $explode; f):
    ({spaceDelimited: "%20", pipeDelimited: "|"}[$style] // ",") as $between
    | f
    | if type == "array" and $explode then .[] as $item | pair($name; $item)
      elif type == "array" then ($name | @uri) + "=" + (map(text | @uri) | join($between))
      elif type == "object" and $style == "deepObject" then to_entries[] | pair("\($name)[\(.key)]"; .value)
      elif type == "object" and $explode then to_entries[] | pair(.key; .value)
      elif type == "object" then
        ($name | @uri) + "=" + (to_entries | map((.key | @uri), (.value | text | @uri)) | join($between))
      else pair($name; .) end;
  def query(f): [f] | if length == 0 then "" else "?" + join("&") end;
  def form:
    [to_entries[] | .key as $name | .value | if type == "array" then .[] else . end | pair($name; .)] | join("&");
  def fields:
    to_entries[] | (.value | text) as $value
    | if $value | test("[\\x00-\\x08\\x0a-\\x1f\\x7f]") then error("header \(.key) has a control character")
      elif $value == "" then "\(.key);" else "\(.key): \($value)" end;
"""

_FUNCTIONS: Final = {
    "say": """\
say() { printf '%s\\n' "$*" >&2; }
""",
    "value": """\
# Print the value of a jq program over everything that is known.
value() { jq -r "$jq_library $1" <<<"$state"; }
""",
    "holds": """\
holds() { [[ $(value "$1") == true ]]; }
""",
    "fields": """\
# Prepare the headers of the next request, by a jq program.
fields() { jq -r "$jq_library $1 | fields" <<<"$state" >"$work/fields"; }
""",
    "payload": """\
# Prepare the body of the next request: a JSON value, or (-j) a text.
payload() { jq "${2:--c}" "$jq_library $1" <<<"$state" >"$work/${3:-payload}"; }
""",
    "request": """\
# Send a request with the prepared headers, and keep the answer; fail without one.
request() {
  local step=$1 seconds=$2 answer
  shift 2
  state=$(jq -c 'del(.response)' <<<"$state")
  if ! curl --silent --show-error --globoff --max-time "$seconds" \\
    --cookie "$work/cookies" --cookie-jar "$work/cookies" --header "@$work/fields" \\
    --dump-header "$work/headers" --output "$work/body" --write-out '%{http_code}' "$@" >"$work/status"; then
    say "step $step: no answer"
    return 1
  fi
  answer=$(jq -n -c --rawfile headers "$work/headers" --rawfile body "$work/body" --rawfile status "$work/status" '
    ($headers | gsub("\\r"; "") | split("\\n\\n") | map(select(. != "")) | last | split("\\n")[1:]
      | map(select(. != "") | capture("^(?<name>[^:]+): *(?<value>.*)$"))
      | group_by(.name | ascii_downcase)
      | map({(.[0].name | ascii_downcase): (map(.value) | join(", "))}) | add // {}) as $fields
    | {status: ($status | tonumber), headers: $fields}
      + if $body == "" then {}
        elif $fields["content-type"] // "" | test("json")
        then {body: ($body | try fromjson catch $body)}
        else {body: $body} end') || return
  : >"$work/body"
  state=$(jq -c --slurpfile answer <(printf '%s' "$answer") '.response = $answer[0]' <<<"$state")
}
""",
    "expect": """\
# Fail unless a criterion holds, given as text and as a jq program.
expect() {
  local step=$1
  if ! holds "$3"; then
    say "step $step: $2 does not hold (status $(value 'or_null(status)'))"
    return 1
  fi
}
""",
    "outputs": """\
# Keep the outputs of a step.
outputs() {
  local made
  made=$(jq -c "$jq_library $2" <<<"$state") || return
  state=$(jq -c --arg step "$1" --slurpfile made <(printf '%s' "$made") '.steps[$step] = $made[0]' <<<"$state")
}
""",
    "pause": """\
# Wait as long as the server asks, else some seconds.
pause() {
  local asked
  asked=$(value 'or_null(header("retry-after"))')
  if [[ $asked =~ ^[0-9]{1,3}$ ]]; then sleep "$asked"; else sleep "$1"; fi
}
""",
}
_ALWAYS: Final = ("say", "value")
_NEEDS: Final = {"expect": ("holds",)}


def functions(used: Iterable[str]) -> str:
    """Return the functions of the shell that are used."""
    wanted = {*_ALWAYS, *used}
    wanted |= {other for each in wanted for other in _NEEDS.get(each, ())}
    return "\n".join(text for name, text in _FUNCTIONS.items() if name in wanted)
