"""Networks between a phone and its server, from published figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgepack.errors import UsageError

OFCOM = "Ofcom, Measuring mobile broadband performance in the UK (April 2015), averages of 120,000 tests on smartphones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a network adds to a call.

    Attributes:
        rtt_ms: round trip; half of it each way.
        up_mbps, down_mbps: 10 ** 6 bits per second; 0 where nothing goes through.
        source: where the figures were measured and published: publisher, title, year and the figures themselves.
    """

    name: str
    rtt_ms: float
    up_mbps: float
    down_mbps: float
    source: str

    @property
    def reachable(self) -> bool:
        """Whether anything goes through at all."""
        return self.up_mbps > 0

    def __str__(self) -> str:
        """`lte: 53.1 ms round trip, 13.6 Mbit/s up, 14.7 down`."""
        if not self.reachable:
            return f"{self.name}: no network"
        return f"{self.name}: {self.rtt_ms:g} ms round trip, {self.up_mbps:g} Mbit/s up, {self.down_mbps:g} down"


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        network.name: network
        for network in (
            Network(
                name="wifi",
                rtt_ms=14,
                up_mbps=21.6,
                down_mbps=153.8,
                source="Ookla, Speedtest Global Index (June 2022), medians of the USA's fixed lines, where a home's "
                "Wi-Fi ends: 14 ms, 21.6 Mbit/s up, 153.8 down",
            ),
            Network(
                name="5g",
                rtt_ms=32,
                up_mbps=21.08,
                down_mbps=166.13,
                source="Ookla, The State of 5G Worldwide in 2021, global medians: 21.08 Mbit/s up, 166.13 down; "
                "no latency there: 32 ms is its median of AT&T and Verizon over all they offer (USA, first quarter "
                "of 2021)",
            ),
            Network(
                name="lte",
                rtt_ms=53.1,
                up_mbps=13.6,
                down_mbps=14.7,
                source=f"{OFCOM}: 4G 53.1 ms, 13.6 Mbit/s up, 14.7 down",
            ),
            Network(
                name="3g",
                rtt_ms=63.5,
                up_mbps=1.6,
                down_mbps=5.9,
                source=f"{OFCOM}: 3G 63.5 ms, 1.6 Mbit/s up, 5.9 down",
            ),
            Network(name="offline", rtt_ms=0, up_mbps=0, down_mbps=0, source="no network"),
        )
    }
)


def find_network(name: str) -> Network:
    """The network of this name. Raises `UsageError`."""
    if name not in NETWORKS:
        raise UsageError(f"{name}: no such network; choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name]
