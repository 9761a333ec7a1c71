"""A queue of files worked through by a cluster: several files at a time, each as if it were the only one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import ParamSpec

from srdesk.engine.batch.queue import Queue
from srdesk.engine.batch.queue_item import QueueItem
from srdesk.engine.batch.queue_run import Ears, run_queue
from srdesk.engine.cluster.cluster_crew import TASKS_PER_WORKER, ClusterCrew
from srdesk.engine.control import CancelToken, Control
from srdesk.engine.files.file_job import FileFacts
from srdesk.errors import Cancelled, ClusterError, DeviceUnavailableError, SrDeskError, WeightsError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.naming import CollisionPolicy

_MOST_FILES = 64
"""Files under way, at most: each has a thread here that waits for it."""

_LOOK_EVERY_S = 0.1

_FATAL = (ClusterError, WeightsError, DeviceUnavailableError)
"""What would be the same with every item."""

_P = ParamSpec("_P")


def run_queue_on(
    crew: ClusterCrew,
    queue: Queue,
    decoder: Decoder,
    token: CancelToken,
    *,
    ears: Ears,
    explain: Callable[[Exception], SrDeskError],
    ask: Callable[[Path], CollisionPolicy] | None = None,
) -> None:
    """Let workers do what `srdesk.engine.batch.queue_run.run_queue` does on this machine.

    Args:
        crew: the workers; every item has the recipe of their job.
        queue: the queue.
        decoder: opens pictures that are enlarged here.
        token: how to stop.
        ears: who wants to hear what, one at a time, on any thread.
        explain: turns what nobody foresaw into what a person reads.
        ask: puts the question for items with the policy "ask".

    Raises:
        ClusterError: the cluster is lost; what was being enlarged waits again.
        WeightsError: the weights cannot be used, for any item; likewise.
        DeviceUnavailableError: no worker has the device; likewise.
        Cancelled: the token was raised; likewise.
    """

    def enlarge_one(item: QueueItem, output: Path, control: Control, *, may_replace: bool) -> FileFacts:
        try:
            return crew.enlarge_file(item.source, output, decoder, control, may_replace=may_replace)
        except _FATAL as error:
            raise _FatalError(error) from error
        except (SrDeskError, Cancelled):
            raise
        except Exception as error:
            raise explain(error) from error

    token.check()
    inner = CancelToken()
    files = max(1, min(TASKS_PER_WORKER * crew.workers, len(queue.items()), _MOST_FILES))
    ears = _one_at_a_time(ears)
    with ThreadPoolExecutor(files, thread_name_prefix="srdesk-files") as pool:
        runs = [pool.submit(run_queue, queue, enlarge_one, inner, ears=ears, ask=ask) for _ in range(files)]
        left = set(runs)
        while left:
            done, left = wait(left, _LOOK_EVERY_S)
            if token.is_cancelled or any(run.exception() for run in done):
                inner.cancel()
    token.check()
    errors = [error for run in runs if (error := run.exception())]
    errors.sort(key=lambda error: isinstance(error, Cancelled))  # whoever was stopped because another one had failed
    for error in errors:
        raise error.reason if isinstance(error, _FatalError) else error


class _FatalError(Exception):
    """Nothing more can be enlarged: not the failure of one item."""

    def __init__(self, reason: SrDeskError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _one_at_a_time(ears: Ears) -> Ears:
    lock = threading.Lock()
    return Ears(_locked(ears.on_progress, lock), _locked(ears.on_notice, lock), _locked(ears.on_ended, lock))


def _locked(ear: Callable[_P, None] | None, lock: threading.Lock) -> Callable[_P, None] | None:
    if ear is None:
        return None

    def told(*arguments: _P.args, **more: _P.kwargs) -> None:
        with lock:
            ear(*arguments, **more)

    return told
