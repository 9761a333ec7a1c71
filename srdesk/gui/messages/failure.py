"""An error together with what it spoilt, from which the desk knows what to offer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from srdesk.errors import SrDeskError


class Doing(Enum):
    """What was going on when something failed."""

    OPENING = "opening"
    COMPUTING = "computing"
    SAVING = "saving"
    REPORTING = "reporting"
    STARTING = "starting"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error together with what it spoilt."""

    error: SrDeskError
    doing: Doing
    pane: str | None = None
