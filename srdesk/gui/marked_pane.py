"""Which pane a command means: the marked one, or the best one that is seen where that is none that it can mean."""

from __future__ import annotations

from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.compare.view import CompareView
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.requests import PANE_KEYS
from srdesk.gui.work.session import Session

_RESULTS, _NETWORKS = PANE_KEYS[1:], PANE_KEYS[2:]


class MarkedPane:
    """Looks at the view, the preferences and the session whenever it is asked."""

    def __init__(self, view: CompareView, preferences: Preferences, session: Session) -> None:
        self._view = view
        self._preferences = preferences
        self._session = session

    @property
    def result(self) -> str:
        """Key of a pane that is computed; the bicubic if no other can be."""
        return self._first(_RESULTS) or "bicubic"

    @property
    def network(self) -> str | None:
        """Key of a pane that a network computes; None if no network has weights."""
        return self._first(_NETWORKS)

    def _first(self, allowed: tuple[str, ...]) -> str | None:
        preferred, seen = self._preferences.settings.model, self._seen()
        best_seen = (preferred, *reversed(seen)) if preferred in seen else tuple(reversed(seen))
        wishes = (self._view.active_pane, *best_seen, preferred, "srresnet", *_NETWORKS)
        can_compute = self._session.renderer.can_compute
        return next((pane for pane in wishes if pane in allowed and can_compute(pane)), None)

    def _seen(self) -> list[str]:
        """Return the panes that are on the screen, in their usual order."""
        is_grid = self._view.mode is CompareMode.GRID
        seen = self._preferences.settings.visible_panes if is_grid else self._view.compared
        return [pane for pane in PANE_KEYS if pane in seen]
