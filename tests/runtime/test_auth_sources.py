"""Sources of credentials, their order, and errors in a credentials file."""

from __future__ import annotations

import os
import sys

import pytest

from arazzo_runner.errors import InvalidUsage
from arazzo_runner.runtime.auth.plan import find_login
from arazzo_runner.runtime.auth.schemes import fault_of, kind_of, needed_fields, variable_names
from arazzo_runner.runtime.auth.sources import Credentials, default_file, read_file

KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a.test/t", "scopes": {}}}}
SECRET = "never-show-this-1"


@pytest.mark.parametrize(
    ("source", "scheme", "field", "expected"),
    [
        ("petstore", "api_key", "value", ("ARAZZO_AUTH_PETSTORE_API_KEY",)),
        ("petStore", "apiKeyAuth", "value", ("ARAZZO_AUTH_PET_STORE_API_KEY_AUTH", "ARAZZO_AUTH_PETSTORE_APIKEYAUTH")),
        ("pets-v2", "OAuth2", "clientSecret", ("ARAZZO_AUTH_PETS_V2_O_AUTH2_CLIENT_SECRET", "ARAZZO_AUTH_PETS_V2_OAUTH2_CLIENT_SECRET")),
        ("a.b", "c d", "refreshToken", ("ARAZZO_AUTH_A_B_C_D_REFRESH_TOKEN",)),
        ("HTTPApi", "basic", "user", ("ARAZZO_AUTH_HTTP_API_BASIC_USER", "ARAZZO_AUTH_HTTPAPI_BASIC_USER")),
    ],
)  # fmt: skip
def test_names_of_variables(source, scheme, field, expected):
    assert variable_names(source, scheme, field) == expected


@pytest.mark.parametrize(
    ("scheme", "kind", "fields"),
    [
        (KEY, "apiKey", (("value",),)),
        ({"type": "apiKey", "in": "body", "name": "x"}, "unknown", ()),
        ({"type": "http", "scheme": "BASIC"}, "basic", (("user", "password"), ("value",))),
        ({"type": "http", "scheme": "hoba"}, "http", (("value",),)),
        (OAUTH, "token", (("clientId", "clientSecret"), ("refreshToken",), ("value",))),
        ({"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://a.test"}}}, "token", (("value",),)),
        ({"type": "oauth2", "flows": {"deviceAuthorization": {"tokenUrl": "https://a.test"}}}, "token", (("refreshToken",), ("value",))),
        ({"type": "openIdConnect", "openIdConnectUrl": "https://a.test"}, "token", (("clientId", "clientSecret"), ("user", "password"), ("refreshToken",), ("value",))),
        ({"type": "mutualTLS"}, "mutualTLS", ()),
        ({"type": "later"}, "unknown", ()),
        (None, "unknown", ()),
    ],
)  # fmt: skip
def test_what_a_scheme_needs(scheme, kind, fields):
    assert (kind_of(scheme), needed_fields(scheme)) == (kind, fields)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "credentials.yml"

    def write(text, mode=0o600):
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return write


def test_the_first_source_that_has_a_field_gives_it(file):
    path = file("api:\n  key: of-file\n  oauth: {clientId: id-of-file, clientSecret: secret-of-file}\n")
    environment = {"ARAZZO_AUTH_API_OAUTH_CLIENT_SECRET": "of-environment", "ARAZZO_AUTH_API_KEY": ""}
    credentials = Credentials({"api": {"other": "given"}}, environment=environment, file=path)
    found = [credentials.find("api", *names) for names in (("other", "value"), ("key", "value"), ("oauth", "clientSecret"), ("oauth", "clientId"), ("no", "value"))]  # fmt: skip
    assert [each and (each.text, each.origin) for each in found] == [
        ("given", "given"),
        ("of-file", "file"),
        ("of-environment", "environment"),
        ("id-of-file", "file"),
        None,
    ]
    assert "of-file" not in repr(found) + repr(credentials)


def test_an_empty_password_is_a_password():
    environment = {"ARAZZO_AUTH_API_LOGIN_USER": "sk_123\n", "ARAZZO_AUTH_API_LOGIN_PASSWORD": ""}
    login = find_login(Credentials(environment=environment, file=os.devnull), "api", "login", {"type": "http", "scheme": "basic"})  # fmt: skip
    assert login is not None
    assert login.fields == {"user": "sk_123", "password": ""}


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ("me:pass:word", {"user": "me", "password": "pass:word"}),
        ({"value": "me:pw", "password": "other"}, {"user": "me", "password": "other"}),
        ("me", None),
        ({"user": "me"}, None),
    ],
)
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_user_and_password_in_one(values, fields, scheme):
    credentials = Credentials({"api": {"s": values}}, environment={}, file=os.devnull)
    login = find_login(credentials, "api", "s", {"type": "http", "scheme": scheme})
    assert (login and login.fields) == fields


def test_a_token_url_makes_a_bearer_scheme_one_of_oauth():
    values = {"tokenUrl": "https://a.test/t", "clientId": "a", "clientSecret": SECRET}
    login = find_login(Credentials({"api": {"b": values}}, environment={}, file=os.devnull), "api", "b", {"type": "http", "scheme": "bearer"})  # fmt: skip
    assert login is not None
    assert login.kind == "token"
    assert SECRET not in repr(login)


@pytest.mark.parametrize(
    ("scheme", "values", "fault"),
    [
        (KEY, {"value": "a\nb"}, "line break"),
        ({"type": "http", "scheme": "basic"}, {"user": "a:b", "password": SECRET}, "colon"),
        ({"type": "apiKey", "in": "cookie", "name": "c"}, {"value": "a;b"}, "cookie"),
        (OAUTH, {"clientId": "a", "clientSecret": SECRET, "clientAuth": "jwt"}, "clientAuth"),
    ],
)
def test_credentials_that_cannot_be_sent(scheme, values, fault):
    login = find_login(Credentials({"api": {"s": values}}, environment={}, file=os.devnull), "api", "s", scheme)
    assert login is not None
    found = fault_of(login)
    assert found is not None
    assert fault in found
    assert SECRET not in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "the credentials file must be a mapping of names, found array"),
        ("api: text\n", "api must be a mapping of names, found string"),
        ("api:\n  key: 0123\n", "api.key: value must be a string, found integer"),
        ("api:\n  oauth: {client_id: a}\n", 'api.oauth has no field "client_id"'),
        (f"api:\n  key: [{SECRET}\n", "is not a YAML mapping (yaml-syntax in line"),
        (f"api:\n  key: a\n  key: {SECRET}\n", "(duplicate-key in line 3)"),
    ],
)
def test_an_invalid_file_is_reported_without_quoting_it(file, text, message):
    with pytest.raises(InvalidUsage) as caught:
        read_file(file(text))
    found = caught.value.diagnostics
    assert {each.code for each in found} == {"invalid-credentials"}
    assert any(message in each.message for each in found), found
    assert SECRET not in str(caught.value)
    assert all(each.at.positions is None for each in found)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_can_read_is_refused(file, mode):
    with pytest.raises(InvalidUsage) as caught:
        read_file(file("api: {key: a}\n", mode))
    assert [each.code for each in caught.value.diagnostics] == ["exposed-credentials"]
    assert "chmod 600" in str(caught.value)


def test_a_file_that_was_named_must_be_there(tmp_path):
    credentials = Credentials(environment={}, file=str(tmp_path / "gone.yml"))
    with pytest.raises(InvalidUsage) as caught:
        credentials.find("api", "key", "value")
    assert [each.code for each in caught.value.diagnostics] == ["unreadable-file"]


@pytest.mark.skipif(os.name == "nt", reason="XDG is POSIX")
def test_the_users_own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_file() == str(tmp_path / "arazzo" / "credentials.yml")
    assert Credentials(environment={}).find("api", "key", "value") is None
    (tmp_path / "arazzo").mkdir()
    (tmp_path / "arazzo" / "credentials.yml").write_text("api: {key: mine}\n")
    (tmp_path / "arazzo" / "credentials.yml").chmod(0o600)
    found = Credentials(environment={}).find("api", "key", "value")
    assert found is not None
    assert found.text == "mine"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert default_file().endswith("/.config/arazzo/credentials.yml")


def test_the_keyring_comes_last():
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1
        kept = {("arazzo", "api/key"): "of-keyring", ("arazzo", "api/oauth/clientSecret"): SECRET}  # noqa: RUF012

        def get_password(self, service, username):
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            raise AssertionError("nothing is written")

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        credentials = Credentials({"api": {"oauth": {"clientId": "a"}}}, environment={}, file=os.devnull)
        found = credentials.find("api", "key", "value")
        assert found is not None
        assert (found.text, found.origin, found.name) == ("of-keyring", "keyring", "arazzo api/key")
        assert find_login(credentials, "api", "oauth", OAUTH) is not None
        without = Credentials(environment={}, file=os.devnull, keyring=False)
        assert without.find("api", "key", "value") is None
    finally:
        keyring.set_keyring(before)


def test_a_keyring_that_fails_has_nothing():
    keyring = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        credentials = Credentials(environment={}, file=os.devnull)
        assert credentials.find("api", "key", "value") is None
        assert not credentials.has_keyring
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("text", "variables", "similar"),
    [
        pytest.param("pets: {apikey: SECRET}", {}, "pets.apikey in FILE", id="another case in the file"),
        pytest.param("pets: {key: SECRET}", {}, "pets.key in FILE", id="a part of the name in the file"),
        pytest.param("", {"ARAZZO_AUTH_PETS_KEY": SECRET}, "ARAZZO_AUTH_PETS_KEY in the environment", id="a variable"),
        pytest.param("", {"ARAZZO_AUTH_PETS_API_KEY_VALUE": SECRET}, "ARAZZO_AUTH_PETS_API_KEY_VALUE in the environment",
                     id="a variable with an ending"),
        pytest.param("pets: {apiKeys: SECRET}", {}, None, id="the entry of another scheme"),
        pytest.param("", {"ARAZZO_AUTH_PETS_API_KEYS": SECRET}, None, id="the variable of another scheme"),
        pytest.param("", {"ARAZZO_AUTH_SHOP_API_KEY": SECRET}, None, id="the variable of another source"),
        pytest.param("shop: {apiKey: SECRET}", {}, None, id="another source"),
        pytest.param("", {}, None, id="nothing"),
    ],
)  # fmt: skip
def test_what_is_configured_under_a_name_like_it_is_named_without_its_value(tmp_path, text, variables, similar):
    path = tmp_path / "credentials.yml"
    path.write_text(text)
    path.chmod(0o600)
    credentials = Credentials(environment=variables, file=path, keyring=False)
    found = credentials.similar("pets", "apiKey", ["apiKey", "apiKeys"])
    assert found == (None if similar is None else similar.replace("FILE", str(path)))
