"""The World that adds credentials: around the one that sends, below journal and cassette, which never see them.

For each request the plan chooses the first alternative whose credentials are all there. Requests
of a Batch are made ready one after the other and sent together; what a server refuses with 401
is answered once more where that can help: a Digest challenge, a token that has become invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.access import Access, CredentialsGiven
from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Now,
    SendRequest,
    World,
)
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.auth.digest import Challenge, answer_challenge, read_challenge
from arazzo_runner.runtime.auth.plan import Chosen, Plan, learn, make_plan, placeholder_plan
from arazzo_runner.runtime.auth.schemes import Login, with_authorization, with_login
from arazzo_runner.runtime.auth.sources import Credentials
from arazzo_runner.runtime.auth.token_manager import TokenDesk
from arazzo_runner.runtime.auth.tokens import Token

MOST_ROUNDS = 4
"""Of one request: as it is, with an answered challenge, with a fresh nonce, with a fresh token."""


class _Job(MutableRecord):
    """One effect of a round: what is added to it, and its answer when it has one."""

    effect: Effect[Any]
    chosen: Chosen = ()
    answer: object = None
    is_done: bool = False
    tokens: dict[str, tuple[Token, bool]] = field(default_factory=dict)
    challenge: Challenge | None = None
    is_renewed: bool = False

    def settle(self, answer: object) -> None:
        self.answer = answer
        self.is_done = True


class AuthWorld:
    """Adds credentials to what it passes to `world`; answers are the server's, or say why there is no token."""

    def __init__(
        self, world: World, plan: Plan, credentials: Credentials, secrets: Secrets, *, resend: bool = False
    ) -> None:
        self._world = world
        self._plan = plan
        self._challenges = credentials.challenges
        self._tokens = credentials.tokens
        self._secrets = secrets
        self._desk = TokenDesk(
            world=world, cache=credentials.tokens, store=credentials.store, secrets=secrets, resend=resend
        )

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect, with credentials where its operation asks for them."""
        leaves = list(_leaves(effect))
        jobs = [_Job(each, self._plan.choose(each) if isinstance(each, SendRequest) else ()) for each in leaves]
        if not any(job.chosen for job in jobs):
            return await self._world.perform(effect)
        for number in range(MOST_ROUNDS):
            waiting = [job for job in jobs if not job.is_done]
            if not waiting:
                break
            await self._round(f"{effect.key}+{number}", waiting, is_last=number == MOST_ROUNDS - 1)
        answers = iter([job.answer for job in jobs])
        return cast(Answer, _gathered(effect, answers))

    async def _round(self, key: str, jobs: Sequence[_Job], *, is_last: bool) -> None:
        ready = []
        for job in jobs:
            made = await self._ready(job)
            if isinstance(made, NoResponse):
                job.settle(made)
            else:
                ready.append((job, made))
        answers = await self._together(key, [made for _, made in ready])
        for (job, _), answer in zip(ready, answers, strict=True):
            if is_last or not self._may_help(job, answer):
                job.settle(answer)

    async def _together(self, key: str, effects: Sequence[Effect[Any]]) -> Sequence[object]:
        if len(effects) < 2:
            return [await self._world.perform(each) for each in effects]
        batch = Batch(key=key, safe=all(each.safe for each in effects), effects=tuple(effects))
        return await self._world.perform(batch)

    # ------------------------------------------------------------------ before it is sent

    async def _ready(self, job: _Job) -> Effect[Any] | NoResponse:
        """Return the effect with its credentials, within what is left of its time."""
        effect = job.effect
        if not isinstance(effect, SendRequest) or not job.chosen:
            return effect
        began = await self._now(effect) if any(login.kind == "token" for login, _ in job.chosen) else None
        request = effect.request
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
            got = await self._desk.token(login.scheme, login.fields, scopes, effect)
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
        """Tell whether a refused request is worth sending once more: a 401 was not acted on (RFC 9110 §15.5.2)."""
        if not isinstance(answer, HttpResponse) or answer.status != 401 or not isinstance(job.effect, SendRequest):
            return False
        helps = [self._learns(job, login, job.effect, answer) for login, _ in job.chosen]
        return any(helps)

    def _learns(self, job: _Job, login: Login, effect: SendRequest, answer: HttpResponse) -> bool:
        if login.kind == "token":
            return self._rejects(job, login)
        challenge = read_challenge(answer) if login.kind == "digest" else None
        if challenge is None:
            return False
        before = job.challenge
        self._challenges.learn(effect.request.url, login.fields["user"], challenge)
        # Asked for the first time, or only the nonce was too old; else user or password are wrong.
        return before is None or challenge.stale or (before.used > 1 and challenge.nonce != before.nonce)

    def _rejects(self, job: _Job, login: Login) -> bool:
        """Give up a token that was refused before its time; a token fetched just now will not get better."""
        token, is_fresh = job.tokens[login.name]
        if is_fresh or job.is_renewed:
            return False
        job.is_renewed = True
        self._tokens.reject(token.text)
        return True

    async def _now(self, effect: SendRequest) -> float:
        return await self._world.perform(Now(key=f"{effect.key}/auth/now"))


def _leaves(effect: Effect[Any]) -> list[Effect[Any]]:
    """What a Batch holds, Batches in it opened too: all of it is done at the same time."""
    if not isinstance(effect, Batch):
        return [effect]
    return [leaf for each in effect.effects for leaf in _leaves(each)]


def _gathered(effect: Effect[Any], answers: Any) -> object:
    if isinstance(effect, Batch):
        return tuple(_gathered(each, answers) for each in effect.effects)
    return next(answers)


class PlaceholderWorld:
    """Adds `***` instead of credentials: for mocks, which must see that there is one and never get a real one."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect with the request as it is shown."""
        return await self._world.perform(cast("Effect[Answer]", self._shown(effect)))

    def _shown(self, effect: Effect[Any]) -> Effect[Any]:
        if isinstance(effect, Batch):
            return replace(effect, effects=tuple(map(self._shown, effect.effects)))
        return replace(effect, request=self._plan.shown(effect)) if isinstance(effect, SendRequest) else effect


class CredentialAccess(Access):
    """The credentials of one run: what is missing, how requests are shown, and the World that adds them."""

    def __init__(self, plan: Plan, around: Callable[[World], World]) -> None:
        self.missing = plan.missing
        self._plan = plan
        self._around = around

    def around(self, world: World) -> World:
        """Return the World that adds credentials."""
        return self._around(world)

    def shown(self, effect: SendRequest) -> HttpRequest:
        """Return a request with `***` where a credential is added."""
        return self._plan.shown(effect)


def open_access(
    program: Program, given: CredentialsGiven, options: RunOptions, secrets: Secrets, *, mock: bool = False
) -> Access:
    """Find the credentials of a run and make them its secrets; a mock gets placeholders.

    Raises InvalidUsage for what cannot be read or sent, and for what is missing where the options say so.
    """
    if mock:
        plan = placeholder_plan(program)
        return CredentialAccess(plan, lambda world: PlaceholderWorld(world, plan))
    if given is not None and not isinstance(given, (Credentials, Mapping)):
        raise TypeError(f"credentials are a mapping or Credentials, not {type(given).__name__}")
    credentials = given if isinstance(given, Credentials) else Credentials(given, file=options.credentials_file)
    plan = make_plan(program, credentials, options.transport, required=options.require_credentials)
    learn(plan, secrets)
    resend = options.resend_unknown
    return CredentialAccess(plan, lambda world: AuthWorld(world, plan, credentials, secrets, resend=resend))
