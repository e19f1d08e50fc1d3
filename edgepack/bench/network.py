"""Networks between a phone and its server, from published figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgepack.errors import UsageError

WEBPAGETEST = "WebPageTest's connectivity profiles (www/settings/connectivity.ini.sample)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a network adds to a call.

    Attributes:
        rtt_ms: round trip; half of it each way.
        up_mbps, down_mbps: 10 ** 6 bits per second; 0 where nothing goes through.
        source: where the figures are published.
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
        """`lte: 70 ms round trip, 12 Mbit/s up, 12 down`."""
        if not self.reachable:
            return f"{self.name}: no network"
        return f"{self.name}: {self.rtt_ms:g} ms round trip, {self.up_mbps:g} Mbit/s up, {self.down_mbps:g} down"


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        network.name: network
        for network in (
            Network(name="wifi", rtt_ms=28, up_mbps=1, down_mbps=5, source=f"{WEBPAGETEST}, Cable: a home's line"),
            Network(
                name="5g",
                rtt_ms=32,
                up_mbps=21.08,
                down_mbps=166.13,
                source="Ookla: median latency of 5G, USA, first quarter of 2021; global medians of 5G speed, third "
                "quarter of 2021",
            ),
            Network(name="lte", rtt_ms=70, up_mbps=12, down_mbps=12, source=f"{WEBPAGETEST}, LTE"),
            Network(name="3g", rtt_ms=300, up_mbps=0.768, down_mbps=1.6, source=f"{WEBPAGETEST}, 3G"),
            Network(name="offline", rtt_ms=0, up_mbps=0, down_mbps=0, source="no network"),
        )
    }
)


def find_network(name: str) -> Network:
    """The network of this name. Raises `UsageError`."""
    if name not in NETWORKS:
        raise UsageError(f"{name}: no such network; choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name]
