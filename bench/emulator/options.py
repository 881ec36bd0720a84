"""Options: what an emulator is told at its start."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Profile(StrEnum):
    """Which part of the catalogue is served."""

    CURRENT = "current"
    LEGACY = "legacy"


class Manner(StrEnum):
    """Whom the emulator behaves like: OpenAI itself or some gateway."""

    OPENAI = "openai"
    NEWAPI = "newapi"
    LITELLM = "litellm"
    SUBSTITUTES = "substitutes"
    REPEATS = "repeats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `pixelmeter emulator`; port 0 takes a free one."""

    port: int
    profile: Profile = Profile.CURRENT
    manner: Manner = Manner.OPENAI
    upstream: str | None = None
    seed: int = 0
    time_scale: float = 1.0
    faults_file: Path | None = None
