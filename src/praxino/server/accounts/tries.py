"""How often somebody may try: per name, per address, and per both, so that nobody locks out another from one place."""

import ipaddress
import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from anyio import to_thread
from fastapi import Request

from praxino.jobs import people_throttle
from praxino.jobs.people import folded
from praxino.jobs.people_throttle import Limit
from praxino.server.errors import Problem
from praxino.server.service import Service, away

Limits = Mapping[str, Limit]
T = TypeVar("T")


def to_log_in(request: Request, name: str) -> Limits:
    """Of passwords for a name."""
    here, whose = _address(request), folded(name)
    return {
        f"login of {whose} from {here}": Limit(most=5, every=60),
        f"login of {whose}": Limit(most=50, every=30),
        f"login from {here}": Limit(most=30, every=20),
    }


def to_apply(request: Request) -> Limits:
    """Of applications."""
    return {f"apply from {_address(request)}": Limit(most=30, every=60)}


def to_change(tenant: str) -> Limits:
    """Of passwords, by who has logged in."""
    return {f"change of {tenant}": Limit(most=5, every=60)}


async def counted(service: Service, limits: Limits) -> None:
    """One try. Raises Problem 429 where there were too many."""
    wait = await away(people_throttle.take, service.db, limits)
    if wait:
        seconds = math.ceil(wait)
        raise Problem(
            status=429,
            message=f"too many tries; come again in {seconds} seconds",
            code="too_many_tries",
            type="rate_limit_error",
            headers={"Retry-After": str(seconds)},
        )


async def forgiven(service: Service, limits: Limits) -> None:
    """The try was no guess."""
    await away(people_throttle.give_back, service.db, limits)


async def slowly(service: Service, action: Callable[..., T], *arguments: object) -> T:
    """What hashes a password, in one of a few threads for that: each takes a core and 64 MiB."""
    return await to_thread.run_sync(action, *arguments, limiter=service.hashing)


def _address(request: Request) -> str:
    """Whose address it is; of IPv6 the network, which one household has."""
    text = request.client.host if request.client else ""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
