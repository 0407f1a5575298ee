"""Who says no: the port through which every prompt and picture goes, and a judge that is a model somewhere else.

The local default is `deny.Rules`. A model (Qwen3Guard-Gen and others that answer as it does) is asked where
PRAXINO_MODERATION_URL names an OpenAI-compatible server; it is asked second, so that what a rule catches stays on this
machine.
"""

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from praxino.jobs import deny
from praxino.jobs.deny import Denial

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0
"""That a model has to answer."""
SAFETY = re.compile(r"Safety:\s*(Safe|Controversial|Unsafe)\b")
CATEGORIES = re.compile(r"Categories:\s*(.+)")
logger = logging.getLogger("praxino.guard")


class UnavailableError(Exception):
    """Nobody can say, and then nothing is made."""


class Guard(Protocol):
    """Looks at what is asked for before anything is made of it."""

    def words(self, text: str) -> Denial | None:
        """Why a film of these words is not made; None where it is. Raises UnavailableError."""
        ...

    def picture(self, file: Path) -> Denial | None:
        """The same of a picture. Raises UnavailableError."""
        ...


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """Which rules, and which model, if any."""

    rules: Path | None = None  # the operator's own, see docs/moderation.md
    url: str | None = None  # http://.../v1
    model: str = "Qwen/Qwen3Guard-Gen-0.6B"
    key: str | None = None
    controversial: bool = False  # whether what the model calls controversial is denied too
    open: bool = False  # whether films are made while the model does not answer


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that judges words; pictures it does not see."""

    settings: GuardSettings
    client: "httpx.Client"

    def words(self, text: str) -> Denial | None:
        """What it says of a prompt."""
        import httpx

        body = {
            "model": self.settings.model,
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": 64,
        }
        try:
            answer = self.client.post("/chat/completions", json=body)
            answer.raise_for_status()
            return self._denial(str(answer.json()["choices"][0]["message"]["content"]))
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, IndexError, TypeError, ValueError) as error:
            logger.warning("the judge of prompts does not answer", extra={"reason": type(error).__name__})
            if self.settings.open:
                return None
            raise UnavailableError("the judge of prompts does not answer") from None

    def picture(self, file: Path) -> Denial | None:  # noqa: ARG002 - the port's
        """It reads words only."""
        return None

    def _denial(self, said: str) -> Denial | None:
        """Qwen3Guard-Gen's answer: "Safety: Unsafe", and in the next line "Categories: Violent, PII"."""
        safety, categories = SAFETY.search(said), CATEGORIES.search(said)
        if safety is None:
            raise ValueError(f"the model says {said[:60]!r}")
        if safety[1] == "Safe" or (safety[1] == "Controversial" and not self.settings.controversial):
            return None
        why = categories[1].strip()[:200] if categories and categories[1].strip() != "None" else safety[1]
        return Denial(rule="model", en=f"judged {safety[1].lower()} by a model: {why}", zh=f"模型判定为不当内容：{why}")


@dataclass(frozen=True, kw_only=True)
class Both:
    """One guard after the other; the first no is the answer."""

    guards: Sequence[Guard]

    def words(self, text: str) -> Denial | None:
        """The first no."""
        return next((no for guard in self.guards if (no := guard.words(text)) is not None), None)

    def picture(self, file: Path) -> Denial | None:
        """The first no."""
        return next((no for guard in self.guards if (no := guard.picture(file)) is not None), None)


def opened(settings: GuardSettings) -> Guard:
    """The guard of a service. Raises ValueError where its rules or its address cannot be used."""
    rules = deny.opened(settings.rules)
    if settings.url is None:
        return rules
    import httpx

    headers = {"authorization": f"Bearer {settings.key}"} if settings.key else {}
    client = httpx.Client(base_url=settings.url, headers=headers, timeout=SECONDS)
    return Both(guards=(rules, Model(settings=settings, client=client)))


def settings() -> GuardSettings:
    """As the environment asks. Raises ValueError naming the variable and the remedy."""
    env = os.environ
    url, rules = env.get("PRAXINO_MODERATION_URL") or None, env.get("PRAXINO_DENY") or None
    if url is not None and not url.startswith(("http://", "https://")):
        raise ValueError(f"PRAXINO_MODERATION_URL {url!r} must begin with http:// or https://")
    fails = env.get("PRAXINO_MODERATION_FAILS") or "closed"
    if fails not in {"closed", "open"}:
        raise ValueError(f"PRAXINO_MODERATION_FAILS {fails!r} is not known; choose closed or open")
    more: dict[str, Any] = {}
    if env.get("PRAXINO_MODERATION_MODEL"):
        more["model"] = env["PRAXINO_MODERATION_MODEL"]
    return GuardSettings(
        rules=Path(rules) if rules else None,
        url=url,
        key=env.get("PRAXINO_MODERATION_KEY") or None,
        controversial=env.get("PRAXINO_MODERATION_CONTROVERSIAL") == "1",
        open=fails == "open",
        **more,
    )
