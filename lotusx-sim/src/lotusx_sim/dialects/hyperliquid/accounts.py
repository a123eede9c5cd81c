"""Who may act for whom: accounts, their agent wallets and sub-accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lotusx_sim.dialects.hyperliquid.limits import AddressBudget
from lotusx_sim.dialects.hyperliquid.nonces import Nonces
from lotusx_sim.dialects.hyperliquid.signing import address_of_key

# The key of the venue's own published signing tests, and a second one for its agent wallet.
DEFAULT_PRIVATE_KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
DEFAULT_ADDRESS = "0x14791697260e4c9a71f18484c9f997b308e59325"
DEFAULT_AGENT_KEY = "0xe908f86dbb4d55ac876378565aafeabc187f6690f046459397b17d9b9a19688e"
DEFAULT_AGENT_ADDRESS = "0xcd49bbac6e85fdeb167eb7ca41a945d2b8758f6f"
SCHEDULE_CANCEL_VOLUME = Decimal(1_000_000)

Wallets = Mapping[str, Mapping[str, Decimal]]  # wallet -> token -> amount


@dataclass(frozen=True, slots=True)
class Account:
    """An account to open: its address, and who else may sign for it.

    Args:
        agents: Addresses of approved agent wallets.
        sub_accounts: Name and address of each; they start with nothing unless balances say otherwise.
        vaults: Name and address of each vault it leads.
        volume: USDC it has traded before: raises its request budget, opens ``scheduleCancel`` from a million on.
    """

    address: str
    name: str = "main"
    agents: tuple[str, ...] = ()
    sub_accounts: tuple[tuple[str, str], ...] = ()
    vaults: tuple[tuple[str, str], ...] = ()
    volume: Decimal = Decimal(0)
    abstraction: str = "disabled"

    @classmethod
    def of_key(cls, private_key: str, name: str = "main", *, agent_keys: Iterable[str] = ()) -> "Account":
        """Return the account of a private key, with agents named by theirs."""
        return cls(address_of_key(private_key), name, tuple(address_of_key(key) for key in agent_keys))


DEFAULT_ACCOUNT = Account(DEFAULT_ADDRESS, agents=(DEFAULT_AGENT_ADDRESS,))


@dataclass(slots=True)
class Agent:
    address: str
    name: str
    valid_until_ms: int | None


@dataclass(slots=True)
class Member:
    """What the venue knows of one address that owns something."""

    address: str
    name: str
    budget: AddressBudget
    master: str = ""  # of a sub-account or vault
    is_vault: bool = False
    deposits: dict[str, Decimal] = field(default_factory=dict)  # of a vault, by depositor
    agents: dict[str, Agent] = field(default_factory=dict)
    volume: Decimal = Decimal(0)
    abstraction: str = "disabled"
    cancel_at_ms: int | None = None
    cancels_fired: tuple[int, int] = (0, 0)  # day, how often on that day
    builder_fees: dict[str, str] = field(default_factory=dict)
    referrer: str = ""


class Registry:
    """All addresses the venue knows."""

    def __init__(self, accounts: Iterable[Account], address_requests: int) -> None:
        self._address_requests = address_requests
        self._nonces: dict[str, Nonces] = {}
        self.members: dict[str, Member] = {}
        for account in accounts:
            member = self.add(account.address.lower(), account.name)
            member.volume = account.volume
            member.abstraction = account.abstraction
            for number, agent in enumerate(account.agents):
                name = "" if number == 0 else f"agent {number}"
                member.agents[agent.lower()] = Agent(agent.lower(), name, None)
            for name, address in account.sub_accounts:
                self.add(address.lower(), name, master=member.address)
            for name, address in account.vaults:
                self.add(address.lower(), name, master=member.address).is_vault = True

    def add(self, address: str, name: str, *, master: str = "") -> Member:
        member = Member(address, name, AddressBudget(self._address_requests), master)
        self.members[address] = member
        return member

    def nonces(self, signer: str) -> Nonces:
        return self._nonces.setdefault(signer, Nonces())

    def owner(self, signer: str, now_ms: int) -> Member | None:
        """Return the account *signer* acts for: the one that approved it as agent, or its own."""
        return self.master_of_agent(signer, now_ms) or self.members.get(signer)

    def master_of_agent(self, address: str, now_ms: int) -> Member | None:
        for member in self.members.values():
            agent = member.agents.get(address)
            if agent is not None and (agent.valid_until_ms is None or now_ms < agent.valid_until_ms):
                return member
        return None

    def sub_accounts(self, master: str) -> list[Member]:
        return [member for member in self.members.values() if member.master == master and not member.is_vault]

    def find(self, name_or_address: str) -> Member | None:
        by_address = self.members.get(name_or_address.lower())
        if by_address is not None:
            return by_address
        return next((member for member in self.members.values() if member.name == name_or_address), None)


def starting_balances(given: Mapping[str, Wallets], account: Account) -> Wallets | None:
    """Return what *given* says of an account, by its name or its address."""
    return given.get(account.name, given.get(account.address))
