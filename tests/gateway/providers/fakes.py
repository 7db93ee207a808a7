"""Stand-ins for the services behind dialects: small, exact, and in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from gateway.errors import NotWaiting, Unauthorized
from gateway.models import Callback, Inbound, Message, State
from gateway.providers.base import Caller, Services, WebAnswer, WebRequest
from gateway.providers.looking import AS_ASKED
from gateway.providers.ports import (
    AppOptions,
    Balance,
    BulkLookup,
    Entry,
    Flow,
    FlowStep,
    NameTaken,
    NetworkInfo,
    NotOffered,
    NumberInfo,
    Price,
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
)
from gateway.providers.verifying import NO_FIELDS
from tests.gateway.web.fakes import Behind, FakeCaller

CODE = "4711"


@dataclass
class FakeLedger:
    amount: Decimal = Decimal("100")
    currency: str = "MYR"
    list: Sequence[Price] = ()
    costs: dict[str, Decimal] = field(default_factory=dict)

    async def balance(self, account: str) -> Balance:
        return Balance(amount=self.amount, currency=self.currency)

    async def prices(self, account: str, *, mcc: str = "", mnc: str = "", country: str = "") -> Sequence[Price]:
        return [
            price
            for price in self.list
            if (not mcc or (price.mcc, price.mnc) == (mcc, mnc)) and (not country or price.country == country)
        ]

    async def top_up(self, account: str, amount: Decimal, *, reference: str = "", note: str = "") -> object:
        if account != "shop":
            raise ValueError(f"there is no account {account}")
        self.amount += amount
        return None

    async def charged(self, account: str, message_id: str) -> Decimal:
        return self.costs.get(message_id, Decimal(0))


@dataclass
class FakeVerifier:
    """Keeps what it is asked; every code is CODE."""

    begun: list[VerifyRequest] = field(default_factory=list)
    known: dict[str, Verification] = field(default_factory=dict)
    problem: VerifyProblem | None = None
    absent: bool = False
    verified_says: VerifyStatus | None = None
    channels: tuple[str, ...] = ("sms",)
    checked_with: dict[str, str] = field(default_factory=dict)

    def _check(self) -> None:
        if self.absent:
            raise NotOffered("no uplink")
        if self.problem is not None:
            raise VerifyError(self.problem, "as the test wants")

    async def begin(self, account: str, request: VerifyRequest) -> Verification:
        self._check()
        self.begun.append(request)
        made = Verification(
            id=f"v{len(self.begun)}",
            account=account,
            number=request.number,
            dialect=request.dialect,
            status=VerifyStatus.PENDING,
            channel=request.steps[0].channel,
            brand=request.brand,
            language=request.language,
            code_length=request.code_length,
            max_attempts=request.max_attempts,
            sends=1,
            created_at=1_700_000_000.0,
            expires_at=1_700_000_000.0 + request.validity_seconds,
            message_id=f"vm{len(self.begun)}",
            reference=request.reference,
            callback_url=request.callback_url,
            extra=request.extra,
        )
        self.known[made.id] = made
        return made

    def _find(self, account: str, verification_id: str) -> Verification:
        self._check()
        found = self.known.get(verification_id)
        if found is None or found.account != account:
            raise VerifyError(VerifyProblem.NOT_FOUND, "no such verification")
        return found

    def _keep(self, changed: Verification) -> Verification:
        self.known[changed.id] = changed
        return changed

    async def resend(self, account: str, verification_id: str, *, channel: str = "") -> Verification:
        found = self._find(account, verification_id)
        return self._keep(msgspec.structs.replace(found, sends=found.sends + 1))

    def is_offered(self, account: str, channel: str) -> bool:
        return channel in self.channels

    async def check(
        self, account: str, verification_id: str, code: str, *, fields: Mapping[str, str] = NO_FIELDS
    ) -> Verification:
        self.checked_with = dict(fields)
        found = self._find(account, verification_id)
        if found.status is not VerifyStatus.PENDING:
            raise VerifyError(
                VerifyProblem.ENDED, "ended", verification_id=found.id, status=self.verified_says or found.status
            )
        found = self._keep(msgspec.structs.replace(found, attempts=found.attempts + 1))
        if code != CODE:
            left = found.max_attempts - found.attempts
            problem = VerifyProblem.WRONG_CODE if left > 0 else VerifyProblem.TOO_MANY_ATTEMPTS
            raise VerifyError(problem, "wrong", attempts_left=left, verification_id=found.id)
        return self._keep(msgspec.structs.replace(found, status=VerifyStatus.VERIFIED, verified_at=1_700_000_060.0))

    async def cancel(self, account: str, verification_id: str) -> Verification:
        return self._keep(msgspec.structs.replace(self._find(account, verification_id), status=VerifyStatus.CANCELLED))

    async def find(self, account: str, verification_id: str) -> Verification | None:
        found = self.known.get(verification_id)
        return found if found is not None and found.account == account else None

    async def search(
        self,
        account: str,
        *,
        number: str = "",
        reference: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> Sequence[Verification]:
        found = [one for one in self.known.values() if one.account == account and number in ("", one.number)]
        return found[::-1][:limit]


@dataclass
class FakeNumbers:
    networks: dict[str, NetworkInfo] = field(default_factory=dict)
    jobs: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)
    is_offered: bool = True
    written: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def parse(self, number: str) -> NumberInfo:
        is_valid = 8 <= len(number) <= 15
        return NumberInfo(
            number=number,
            is_valid=is_valid,
            e164="+" + number,
            international="+" + number,
            national=number,
            rfc3966="tel:+" + number,
            kind="mobile",
            country="RO",
            country_name="Romania",
            country_code=40,
            time_zones=("Europe/Bucharest",),
            carrier="Orange",
            mcc="226",
            mnc="10",
        )

    def outline(self, number: str) -> NumberInfo:
        return self.parse(number)

    def brief(self, number: str) -> NumberInfo:
        return self.parse(number)

    async def network(self, account: str, number: str, *, method: str = "hlr") -> NetworkInfo:
        if not self.is_offered:
            raise NotOffered("no uplink looks numbers up")
        return self.networks.get(number) or NetworkInfo(id="n1", number=number)

    async def network_bulk(
        self,
        account: str,
        numbers: Sequence[str],
        *,
        method: str,
        callback_url: str,
        dialect: str,
        written: Mapping[str, tuple[str, ...]] = AS_ASKED,
        unasked_kinds: tuple[str, ...] = (),
    ) -> str:
        if not self.is_offered:
            raise NotOffered("no uplink looks numbers up")
        self.written = dict(written)
        self.jobs.append((tuple(numbers), method, callback_url))
        return f"job{len(self.jobs)}"

    async def begin_bulk(
        self, account: str, numbers: Sequence[str], *, method: str = "", callback_url: str = ""
    ) -> BulkLookup:
        raise NotOffered("no uplink looks numbers up")

    async def find_bulk(self, account: str, lookup_id: str) -> BulkLookup | None:
        return None

    def countries(self) -> Sequence[tuple[str, str, int]]:
        return [("RO", "Romania", 40), ("GB", "United Kingdom", 44)]


@dataclass
class FakeDirectory:
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    made: int = 0

    async def add(
        self, account: str, kind: str, name: str, fields: Mapping[str, object], *, unique: bool = False
    ) -> Entry:
        if unique or kind in ("opt_out", "dnd"):
            for other in await self.by_name(account, kind, name):
                raise NameTaken(f"{name} is there", other.id)
        self.made += 1
        entry = Entry(
            id=str(self.made), name=name, fields=dict(fields), created_at=1_700_000_000.0, updated_at=1_700_000_000.0
        )
        self.entries[account, kind, entry.id] = entry
        return entry

    async def add_many(self, account: str, kind: str, names: Sequence[str], fields: Mapping[str, object]) -> int:
        before = self.made
        for name in names:
            if not await self.by_name(account, kind, name):
                await self.add(account, kind, name, fields)
        return self.made - before

    async def change(self, account: str, kind: str, entry_id: str, fields: Mapping[str, object]) -> Entry | None:
        found = self.entries.get((account, kind, entry_id))
        if found is None:
            return None
        changed = msgspec.structs.replace(found, fields={**found.fields, **fields})
        self.entries[account, kind, entry_id] = changed
        return changed

    async def remove(self, account: str, kind: str, entry_id: str) -> bool:
        return self.entries.pop((account, kind, entry_id), None) is not None

    async def clear(self, account: str, kind: str) -> int:
        gone = [key for key in self.entries if key[:2] == (account, kind)]
        for key in gone:
            del self.entries[key]
        return len(gone)

    async def get(self, account: str, kind: str, entry_id: str) -> Entry | None:
        return self.entries.get((account, kind, entry_id))

    async def recall(self, account: str, kind: str, name: str) -> Sequence[Entry]:
        return await self.by_name(account, kind, name)

    async def has_any(self, account: str, kind: str) -> bool:
        return any(key[:2] == (account, kind) for key in self.entries)

    async def listed(self, account: str, kind: str, numbers: Sequence[str]) -> frozenset[str]:
        return frozenset([one for one in numbers if await self.by_name(account, kind, one)])

    async def by_name(self, account: str, kind: str, name: str) -> Sequence[Entry]:
        return [one for key, one in self.entries.items() if key[:2] == (account, kind) and one.name == name]

    async def list(
        self,
        account: str,
        kind: str,
        *,
        page: int = 1,
        per_page: int = 15,
        where: Callable[[Entry], bool] | None = None,
    ) -> tuple[Sequence[Entry], int]:
        found = [
            one for key, one in self.entries.items() if key[:2] == (account, kind) and (where is None or where(one))
        ]
        return found[(page - 1) * per_page : page * per_page], len(found)


@dataclass
class FakeFlows:
    known: dict[str, Flow] = field(default_factory=dict)

    async def begin(
        self,
        account: str,
        number: str,
        steps: Sequence[FlowStep],
        *,
        dialect: str = "native",
        callback_url: str = "",
        client_reference: str = "",
    ) -> Flow:
        made = Flow(
            id=f"f{len(self.known) + 1}",
            account=account,
            number=number,
            steps=tuple(steps),
            status="processing",
            dialect=dialect,
            callback_url=callback_url,
            client_reference=client_reference,
            created_at=1_700_000_000.0,
        )
        self.known[made.id] = made
        return made

    async def find(self, account: str, flow_id: str) -> Flow | None:
        return self.known.get(flow_id)


@dataclass
class FakeLog:
    behind: Behind
    inbound: list[Inbound] = field(default_factory=list)

    async def find_messages(
        self,
        account: str,
        *,
        state: State | None = None,
        recipient: str = "",
        sender: str = "",
        client_reference: str = "",
        group: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> Sequence[Message]:
        found = [
            one
            for one in reversed(self.behind.intake.accepted)
            if one.account == account
            and (state is None or one.state is state)
            and recipient in ("", one.recipient)
            and sender in ("", one.sender)
            and client_reference in ("", one.client_reference)
            and group in ("", getattr(one, "group", ""))
            and one.created_at >= since
            and (not until or one.created_at < until)
        ]
        if before_id:
            found = found[[one.id for one in found].index(before_id) + 1 :]
        return found[:limit]

    async def count_by_state(self, account: str, *, since: float, until: float) -> Mapping[str, Mapping[State, int]]:
        counts: dict[State, int] = {}
        for one in await self.find_messages(account, since=since, until=until, limit=10_000):
            counts[one.state] = counts.get(one.state, 0) + 1
        return {"2023-11-14": counts} if counts else {}

    async def count_group(self, account: str, group: str) -> int:
        return len(await self.find_messages(account, group=group, limit=100_000))

    async def find_inbound(
        self,
        account: str,
        *,
        recipient: str = "",
        sender: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> Sequence[Inbound]:
        return [one for one in self.inbound if recipient in ("", one.recipient)][:limit]

    async def cancel(self, account: str, message_id: str) -> Message:
        message = await self.behind.lookup.message(account, message_id)
        if message is None:
            raise NotWaiting("no such message", is_known=False)
        self.behind.lookup.set_state(message_id, State.DELETED)
        return msgspec.structs.replace(message, state=State.DELETED)


@dataclass
class FakePassThrough:
    """Offers nothing until it is told what to answer."""

    answer: WebAnswer | None = None
    passed: list[tuple[str, str, WebRequest, str]] = field(default_factory=list)

    def is_offered(self, account: str, provider: str) -> bool:
        return self.answer is not None

    async def forward(
        self, account: str, provider: str, request: WebRequest, *, path: str, uplink: str = ""
    ) -> WebAnswer:
        if self.answer is None:
            raise NotOffered(f"no uplink to {provider}")
        self.passed.append((account, provider, request, path))
        return self.answer


@dataclass
class FakeRates:
    wait: float = 0.0
    taken: list[tuple[str, str, float, int]] = field(default_factory=list)

    def take(self, account: str, name: str, per_second: float, burst: int) -> float:
        self.taken.append((account, name, per_second, burst))
        return self.wait


@dataclass
class FakeApps:
    zone: str = "UTC"
    given: AppOptions | None = None

    def options(self, account: str, dialect: str) -> AppOptions:
        return self.given or AppOptions(time_zone=self.zone)


class FakeTokens:
    def issue(self, account: str, dialect: str, lifetime_seconds: int) -> str:
        return f"head.{account}.{dialect}"

    def account_of(self, token: str, dialect: str) -> Caller:
        if token != f"head.shop.{dialect}":
            raise Unauthorized("no such token")
        return FakeCaller("shop")


@dataclass
class FakeProbe:
    """An app's address that echoes challenges, or does not."""

    echoes: bool = False
    posted: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.posted.append((url, body, headers))
        return (200, body) if self.echoes else (404, b"")


@dataclass
class FakeNotices:
    """Keeps what is owed."""

    owed: list[tuple[str, str, str, Callback]] = field(default_factory=list)

    async def owe(self, account: str, dialect: str, about: str, callbacks: Sequence[Callback]) -> None:
        self.owed += [(account, dialect, about, one) for one in callbacks]


class World:
    """A shop with every service."""

    def __init__(self) -> None:
        self.behind = Behind.fresh()
        self.log = FakeLog(self.behind)
        self.ledger = FakeLedger()
        self.verifier = FakeVerifier()
        self.numbers = FakeNumbers()
        self.directory = FakeDirectory()
        self.flows = FakeFlows()
        self.pass_through = FakePassThrough()
        self.rates = FakeRates()
        self.apps = FakeApps()
        self.tokens = FakeTokens()
        self.probe = FakeProbe()
        self.notices = FakeNotices()

    @property
    def services(self) -> Services:
        return Services(
            authenticator=self.behind.authenticator,
            intake=self.behind.intake,
            lookup=self.behind.lookup,
            log=self.log,
            ledger=self.ledger,
            verifier=self.verifier,
            numbers=self.numbers,
            directory=self.directory,
            flows=self.flows,
            pass_through=self.pass_through,
            rates=self.rates,
            apps=self.apps,
            tokens=self.tokens,
            probe=self.probe,
            notices=self.notices,
            clock=lambda: 1_700_000_001.0,
        )
