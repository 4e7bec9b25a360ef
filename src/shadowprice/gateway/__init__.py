"""Live traffic inside a budget: a proxy that lets in, prices, stops and settles what is generated."""

from shadowprice.gateway._gateway import Gateway
from shadowprice.gateway._keyhole import Keyhole, Tenant
from shadowprice.gateway._logs import Log
from shadowprice.gateway._memory import Memory
from shadowprice.gateway._till import Till
from shadowprice.gateway._upstream import OnLeave, Upstream, UpstreamChoice, Upstreams
from shadowprice.gateway._windows import WindowBudget
from shadowprice.gateway._worth import Worth

__all__ = [
    "Gateway",
    "Keyhole",
    "Log",
    "Memory",
    "OnLeave",
    "Tenant",
    "Till",
    "Upstream",
    "UpstreamChoice",
    "Upstreams",
    "WindowBudget",
    "Worth",
]
