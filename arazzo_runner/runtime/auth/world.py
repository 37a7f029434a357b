"""The World that adds credentials: around the one that sends, below journal and cassette, which never see them.

For each request the plan chooses the first alternative whose credentials are all configured. One
that the server refuses with 401 is sent again where that can help: with an answered Digest challenge, with a new token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, assert_never, cast

from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import (
    Access,
    Answer,
    CredentialsGiven,
    Effect,
    Headers,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)
from arazzo_runner.engine.interruption import before_sending
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.auth.digest import Challenge, answer_challenge, read_challenge
from arazzo_runner.runtime.auth.plan import Chosen, Plan, learn, make_plan, placeholder_plan
from arazzo_runner.runtime.auth.schemes import Login, with_authorization, with_login
from arazzo_runner.runtime.auth.sources import Credentials
from arazzo_runner.runtime.auth.token_manager import TokenManager
from arazzo_runner.runtime.auth.tokens import Token
from arazzo_runner.runtime.exchange_cookies import ExchangeCookies

MAX_SENDS = 4
"""Of one request: as it is, with an answered challenge, with a fresh nonce, with a fresh token."""


class _Job(MutableRecord):
    """One request: the credentials that are added to it, and what they were."""

    effect: SendRequest
    chosen: Chosen
    tokens: dict[str, tuple[Token, bool]] = field(default_factory=dict)
    challenge: Challenge | None = None
    is_renewed: bool = False
    cookies: ExchangeCookies | None = None
    set_cookies: Headers = ()

    def with_cookies(self, answer: HttpResponse | NoResponse) -> HttpResponse | NoResponse:
        """Return an answer with the cookies of the refusals before it."""
        if self.set_cookies and isinstance(answer, HttpResponse):
            return replace(answer, headers=(*self.set_cookies, *answer.headers))
        return answer

    def take_cookies(self, effect: SendRequest, refusal: HttpResponse) -> None:
        """Keep the cookies of a refusal for the next request, and for the run: a nonce may be bound to a session."""
        lines = tuple(pair for pair in refusal.headers if pair[0].lower() == "set-cookie")
        if lines and effect.cookies != "off":
            self.cookies = self.cookies or ExchangeCookies(effect)
            self.cookies.take(effect.request.url, refusal)
            self.set_cookies += lines


class AuthWorld:
    """Adds credentials to requests; an answer is the server's, or says why there is no token."""

    def __init__(
        self, world: World, plan: Plan, credentials: Credentials, secrets: Secrets, *, resend: bool = False
    ) -> None:
        self._world = world
        self._plan = plan
        self._challenges = credentials.challenges
        self._tokens = credentials.tokens
        self._secrets = secrets
        self._token_manager = TokenManager(
            world=world, cache=credentials.tokens, store=credentials.store, secrets=secrets, resend=resend
        )

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect, with credentials where its operation asks for them."""
        match found := known(effect):
            case SendRequest():
                chosen = self._plan.choose(found)
                if not chosen:
                    return await self._world.perform(effect)
                return cast(Answer, await self._sent(_Job(found, chosen)))
            case ReadFile() | Sleep() | Now():
                return await self._world.perform(effect)
            case _:
                assert_never(found)

    async def _sent(self, job: _Job) -> HttpResponse | NoResponse:
        answer: HttpResponse | NoResponse | None = None
        for number in range(MAX_SENDS):
            with before_sending():
                made = await self._prepared(job)
            if isinstance(made, NoResponse):
                return made
            answer = await self._world.perform(made)
            if number == MAX_SENDS - 1 or not self._may_help(job, answer):
                break
        assert answer is not None
        return job.with_cookies(answer)

    # ------------------------------------------------------------------ before it is sent

    async def _prepared(self, job: _Job) -> SendRequest | NoResponse:
        """Return the request with its credentials; fetching a token shortens its timeout."""
        effect = job.effect
        began = await self._now(effect) if any(login.kind == "token" for login, _ in job.chosen) else None
        request = effect.request
        if job.cookies is not None:
            request = replace(request, headers=job.cookies.added_to(request.headers, request.url))
        for login, scopes in job.chosen:
            added = await self._with(request, login, scopes, job, effect)
            if isinstance(added, NoResponse):
                return added
            request = added
        left = effect.timeout if began is None else effect.timeout - (await self._now(effect) - began)
        return replace(effect, request=request, timeout=max(left, 0.001))

    async def _with(
        self, request: HttpRequest, login: Login, scopes: tuple[str, ...], job: _Job, effect: SendRequest
    ) -> HttpRequest | NoResponse:
        if login.kind == "token":
            got = await self._token_manager.token(login.scheme, login.fields, scopes, effect)
            if isinstance(got, NoResponse):
                return got
            job.tokens[login.name] = got
            return with_authorization(request, f"Bearer {got[0].text}")
        if login.kind != "digest":
            return with_login(request, login)
        job.challenge = self._challenges.get(request.url, login.fields["user"])
        if job.challenge is None:
            return request
        answer = answer_challenge(request, job.challenge, login.fields["user"], login.fields["password"])
        self._secrets.add(answer)
        return with_authorization(request, answer)

    # ------------------------------------------------------------------ after it was refused

    def _may_help(self, job: _Job, answer: object) -> bool:
        """Return whether sending a refused request again may help; a 401 was not acted on (RFC 9110 §15.5.2)."""
        if not isinstance(answer, HttpResponse) or answer.status != 401:
            return False
        helps = [self._learns(job, login, job.effect, answer) for login, _ in job.chosen]
        if any(helps):
            job.take_cookies(job.effect, answer)
        return any(helps)

    def _learns(self, job: _Job, login: Login, effect: SendRequest, answer: HttpResponse) -> bool:
        if login.kind == "token":
            return self._rejects(job, login)
        challenge = read_challenge(answer) if login.kind == "digest" else None
        if challenge is None:
            return False
        before = job.challenge
        self._challenges.learn(effect.request.url, login.fields["user"], challenge)
        # The first challenge, or only the nonce was too old; otherwise user or password are wrong.
        return before is None or challenge.stale or (before.used > 1 and challenge.nonce != before.nonce)

    def _rejects(self, job: _Job, login: Login) -> bool:
        """Drop a token that was refused before it expired; one that was fetched just now is not fetched again."""
        token, is_fresh = job.tokens[login.name]
        if is_fresh or job.is_renewed:
            return False
        job.is_renewed = True
        self._tokens.reject(token.text)
        return True

    async def _now(self, effect: SendRequest) -> float:
        return await self._world.perform(Now(key=f"{effect.key}/auth/now"))


class PlaceholderWorld:
    """Adds `***` instead of credentials: a mock checks that there is one and must not get a real one."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect with the request as it is shown."""
        return await self._world.perform(cast("Effect[Answer]", self._shown(effect)))

    def _shown(self, effect: Effect[Any]) -> Effect[Any]:
        match found := known(effect):
            case SendRequest():
                return replace(found, request=self._plan.shown(found))
            case ReadFile() | Sleep() | Now():
                return found
            case _:
                assert_never(found)


class CredentialAccess(Access):
    """The credentials of one run: what is missing, how requests are shown, and the World that adds them.

    `plan` and `credentials` are for what logs in to brokers (broker_logins.py).
    """

    def __init__(self, plan: Plan, around: Callable[[World], World], credentials: Credentials | None = None) -> None:
        self.missing = plan.missing
        self.plan = plan
        self.credentials = credentials
        self._around = around

    def around(self, world: World) -> World:
        """Return the World that adds credentials."""
        return self._around(world)

    def shown(self, effect: SendRequest) -> HttpRequest:
        """Return a request with `***` where a credential is added."""
        return self.plan.shown(effect)


def open_access(
    program: Program, given: CredentialsGiven, options: RunOptions, secrets: Secrets, *, mock: bool = False
) -> Access:
    """Find the credentials of a run and register them as secrets; a mock gets placeholders.

    Raises InvalidUsage for those that cannot be read or sent, and for missing ones where the options ask for it.
    """
    if mock:
        plan = placeholder_plan(program)
        return CredentialAccess(plan, lambda world: PlaceholderWorld(world, plan))
    assert given is None or isinstance(given, (Credentials, Mapping))  # check_kinds has seen it
    credentials = given if isinstance(given, Credentials) else Credentials(given, file=options.credentials_file)
    plan = make_plan(program, credentials, options.transport, required=options.require_credentials)
    learn(plan, secrets)
    resend = options.resend_unknown
    around = partial(AuthWorld, plan=plan, credentials=credentials, secrets=secrets, resend=resend)
    return CredentialAccess(plan, around, credentials)
