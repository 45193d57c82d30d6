"""The part itself: what is run, in which order, and the tables."""

from contextlib import ExitStack
from statistics import median

from benchmarks.alternation import Figures, spread
from benchmarks.database import Mongod
from benchmarks.goals import Goal
from benchmarks.openid import our_provider, peer
from benchmarks.openid.id_token import id_token_ratio
from benchmarks.openid.side import Bench, Side, is_offered
from benchmarks.openid.target import discover
from benchmarks.openid.work import OPERATIONS, Clients
from benchmarks.parts import Options
from benchmarks.servers import Server
from benchmarks.tables import megabytes, ratio, say, table

PEOPLE = 40
OURS = "ours"
FLOW = Goal("flows per CPU-second, against the peer", 1.0, 1.5)
REFRESHED = Goal("refreshes per CPU-second, against the peer", 1.3, 1.8)
MEMORY = Goal("memory, against the peer", 1.0, is_most=True)
COMMANDS = Goal("Mongo commands per flow", 9, 7, is_most=True)
CROWD = Goal("CPU of a flow, many accounts against few", 1.1, 1.0, is_most=True)
ID_TOKEN = Goal("ID token against the bare RSA signature", 1.1, is_most=True)

Reached = list[tuple[str, ...]]


def run(options: Options) -> None:
    """Measure everything and print it; raises ``ServerFailed``."""
    options.folder.mkdir(parents=True, exist_ok=True)
    mongod = Mongod(options.folder)
    say(
        f"openid: mongod {mongod.version}, {our_provider.WORKERS} processes a side, {options.clients} client processes,"
    )
    say(f"        medians of {options.rounds} alternating rounds after {options.warm_up} flows each to warm up")
    with Clients(options.clients) as clients:
        bench = Bench(mongod, clients)
        reached = [*_against_peer(options, bench), *_few_and_many(options, bench)]
    reached += _id_token(options)
    table("To reach", ("", "measured", "must", "aim", "reached"), reached)


def _against_peer(options: Options, bench: Bench) -> Reached:
    mongod, folder = bench.mongod, options.folder
    with ExitStack() as running:
        ours = our_provider.our_provider(folder, mongod, name=OURS, accounts=options.few, people=PEOPLE)
        servers = [ours.server]
        try:
            servers.append(peer.peer(folder, mongod, accounts=options.few))
        except peer.PeerMissing as missing:
            say(f"  no peer: {missing}; only our own figures follow")
        for server in servers:
            running.callback(server.stop)
        started = _start_up(servers, options.starts)
        sides = [Side(OURS, ours.server, discover(ours.server.port, ours.cookies))]
        for other in servers[1:]:
            cookies = tuple(peer.sign_in(other.port, number) for number in range(min(PEOPLE, options.few)))
            sides.append(Side(other.name, other, discover(other.port, cookies)))
        for side in sides:
            bench.warm_up(side, options.warm_up)
        bench.listen(options.listen_seconds)
        figures = _operations(options, bench, sides)
        memory = [side.server.memory_bytes() for side in sides]
        _print_start_and_memory(sides, started, memory)
    return _reached(figures, memory)


def _start_up(servers: list[Server], starts: int) -> list[float]:
    """Median seconds of each; everything runs afterwards. The very first start counts where it is the only one."""
    seconds: list[list[float]] = [[] for _ in servers]
    for _ in range(starts + 1):
        for server, measured in zip(servers, seconds, strict=True):
            server.stop()
            measured.append(server.start())
    return [median(measured[1:] or measured) for measured in seconds]


def _operations(options: Options, bench: Bench, sides: list[Side]) -> dict[str, list[Figures]]:
    """Measure every operation that all sides offer."""
    figures = {}
    for operation in OPERATIONS:
        if lacking := [side.name for side in sides if not is_offered(side, operation)]:
            say(f"  {operation}: left out, not announced by {', '.join(lacking)}")
        else:
            figures[operation] = bench.compare(sides, operation, options.flows, options.rounds)
    _print_operations(sides, figures)
    return figures


def _print_operations(sides: list[Side], figures: dict[str, list[Figures]]) -> None:
    names = [side.name for side in sides]
    against = ("ratio", "rounds from … to") if len(sides) > 1 else ()
    apart = [(name, *(f"{side.rate:.0f}" for side in each), *_ratios(each)) for name, each in figures.items()]
    table("Operations per CPU-second of the server's processes", ("", *names, *against), apart)
    together = [
        (name, *(f"{side.rate_with_mongod:.0f}" for side in each), *_ratio_with_mongod(each))
        for name, each in figures.items()
    ]
    table("The same with mongod's CPU", ("", *names, *against[:1]), together)
    commands = [(name, *(f"{side.commands:.1f}" for side in each)) for name, each in figures.items()]
    table("Mongo commands per operation", ("", *names), commands)


def _ratios(each: list[Figures]) -> tuple[str, ...]:
    if len(each) < 2:
        return ()
    lowest, highest = spread(*each)
    return ratio(each[0].rate / each[1].rate), f"{lowest:.2f} … {highest:.2f}"


def _ratio_with_mongod(each: list[Figures]) -> tuple[str, ...]:
    return (ratio(each[0].rate_with_mongod / each[1].rate_with_mongod),) if len(each) > 1 else ()


def _print_start_and_memory(sides: list[Side], started: list[float], memory: list[int]) -> None:
    rows = [
        ("start to first answer", *(f"{seconds:.2f} s" for seconds in started)),
        ("memory (PSS) after the runs", *(megabytes(size) for size in memory)),
        ("processes", *(str(side.server.processes()) for side in sides)),
    ]
    table("Start and memory", ("", *(side.name for side in sides)), rows)


def _reached(figures: dict[str, list[Figures]], memory: list[int]) -> Reached:
    flow, refresh = figures["code flow"], figures["refresh"]
    rows = [COMMANDS.row(flow[0].commands)]
    if len(memory) > 1:
        rows.append(FLOW.row(flow[0].rate / flow[1].rate))
        rows.append(REFRESHED.row(refresh[0].rate / refresh[1].rate))
        rows.append(MEMORY.row(memory[0] / memory[1]))
    return rows


def _few_and_many(options: Options, bench: Bench) -> Reached:
    """The same flows on two databases, one with a crowd of accounts."""
    sizes = {"few": options.few, "many": options.accounts}
    with ExitStack() as running:
        sides = []
        for name, size in sizes.items():
            provider = our_provider.our_provider(options.folder, bench.mongod, name=name, accounts=size, people=PEOPLE)
            running.callback(provider.server.stop)
            provider.server.start()
            sides.append(Side(f"{size:,} accounts", provider.server, discover(provider.server.port, provider.cookies)))
        for side in sides:
            bench.warm_up_flows(side, options.warm_up // 4)
        few, many = bench.compare(sides, "code flow", options.flows, options.rounds)
    rows = [
        ("milliseconds of CPU", *(f"{1_000 / each.rate:.2f}" for each in (few, many)), ratio(few.rate / many.rate)),
        (
            "with mongod's",
            *(f"{1_000 / each.rate_with_mongod:.2f}" for each in (few, many)),
            ratio(few.rate_with_mongod / many.rate_with_mongod),
        ),
    ]
    table("A code flow with many accounts against few", ("", *(side.name for side in sides), "ratio"), rows)
    return [CROWD.row(few.rate_with_mongod / many.rate_with_mongod)]


def _id_token(options: Options) -> Reached:
    whole, bare = id_token_ratio(options.folder, options.signatures)
    rows = [("microseconds of CPU", f"{whole:.0f}", f"{bare:.0f}", ratio(whole / bare))]
    table("ID token, RS256 with 2048 bits", ("", "ID token", "bare signature", "ratio"), rows)
    return [ID_TOKEN.row(whole / bare)]
