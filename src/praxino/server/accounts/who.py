"""Who asks, for routes that not everybody may use: annotate a parameter with what it takes.

`Me`: anybody who is known, also who still waits. `Moderator`, `Operator`: whoever has been let in and has that role, or
one above. All are `praxino.jobs.people.Who`: ``tenant``, ``name``, ``role``, ``state``, ``person``.
"""

from typing import Annotated

from fastapi import Depends

from praxino.jobs.people import Role, Who
from praxino.server.errors import Problem
from praxino.server.service import Me, Serving, let_in

__all__ = ["Me", "Moderator", "Operator"]


async def _moderator(service: Serving, who: Me) -> Who:
    await let_in(service, who)
    return _checked(who, "moderator")


async def _operator(service: Serving, who: Me) -> Who:
    await let_in(service, who)
    return _checked(who, "operator")


def _checked(who: Who, role: Role) -> Who:
    if not who.may(role):
        message = f"that is for a {role}, and {who.name} is a {who.role}; an operator gives roles"
        raise Problem(status=403, message=message, code="not_allowed", type="permission_error")
    return who


Moderator = Annotated[Who, Depends(_moderator)]
Operator = Annotated[Who, Depends(_operator)]
