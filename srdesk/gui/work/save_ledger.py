"""What was promised to be saved: files that are being written, and panes that have to be computed first."""

from __future__ import annotations

from pathlib import Path

from srdesk.gui.work.requests import Recipe, SaveRequest
from srdesk.gui.work.save_order import SaveOrder
from srdesk.imaging.atomic import PART_SUFFIX


class SaveLedger:
    """Keeps the orders of a session until each of them is a file or has come to nothing."""

    def __init__(self) -> None:
        self._waiting: list[tuple[SaveOrder, Recipe]] = []
        self._writing: dict[int, SaveRequest] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._writing)

    @property
    def promised(self) -> frozenset[Path]:
        """Files that there will be."""
        return frozenset((*(order.path for order, _ in self._waiting), *self._paths_being_written()))

    @property
    def unfinished_files(self) -> list[Path]:
        """Files that are being written, under the names that they have until then."""
        return [Path(f"{path}{PART_SUFFIX}") for path in self._paths_being_written()]

    def wait(self, order: SaveOrder, recipe: Recipe) -> None:
        """Keep an order until its pane is computed as was meant when it was given."""
        self._waiting.append((order, recipe))

    def take(self, pane: str) -> list[SaveOrder]:
        """Return the orders that waited for a pane, and keep them no longer."""
        ready = [order for order, _ in self._waiting if order.pane == pane]
        self._waiting = [each for each in self._waiting if each[0].pane != pane]
        return ready

    def drop(self) -> list[SaveOrder]:
        """Return all orders whose pane is not computed, and keep them no longer."""
        dropped, self._waiting = [order for order, _ in self._waiting], []
        return dropped

    def drop_others(self, pane: str, recipe: Recipe) -> list[SaveOrder]:
        """Return the orders that waited for a pane with other weights, and keep them no longer."""
        dropped = [each for each in self._waiting if each[0].pane == pane and not each[1].has_weights_of(recipe)]
        self._waiting = [each for each in self._waiting if each not in dropped]
        return [order for order, _ in dropped]

    def begin(self, request: SaveRequest) -> None:
        """Remember what is being written."""
        self._writing[request.id] = request

    def writes(self, request_id: int) -> bool:
        """Tell whether a request is one of those that write."""
        return request_id in self._writing

    def end(self, request_id: int) -> None:
        """Forget a request that has been answered."""
        del self._writing[request_id]

    def cancel(self) -> None:
        """Take back everything; what is being written is answered nevertheless."""
        self._waiting.clear()
        for request in self._writing.values():
            request.token.cancel()

    def _paths_being_written(self) -> list[Path]:
        return [job.order.path for request in self._writing.values() for job in request.jobs]
