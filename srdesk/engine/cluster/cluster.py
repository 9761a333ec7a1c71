"""The workers of a Dask cluster: how they are reached, judged and left.

Whoever reaches a scheduler may let it run any code, since Dask sends pickles. So it is reached through TLS, or on the
same machine only.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from srdesk import __version__
from srdesk.engine.cluster.cluster_connection import connect
from srdesk.engine.control import CancelToken
from srdesk.errors import ClusterError, WeightsFormatError

if TYPE_CHECKING:
    from distributed import Client, Future

    from srdesk.engine.cluster.cluster_address import ClusterAddress
    from srdesk.engine.cluster.cluster_task import Introduction, Job, Outcome, WeightsDelivery
    from srdesk.engine.files.file_recipe import FileRecipe

EXTRA = "cluster"
"""The extra that installs what is needed here."""

_WORKERS_LIMIT_S = 60.0
"""How long a cluster may be without any worker."""

_RETRIES = 2
"""How often a task is tried again that failed in a way in which it need not fail elsewhere."""

_LOOK_EVERY_S = 0.1
_COUNT_EVERY_S = 2.0
_LAST_WORDS_S = 0.5

_CONFIG = {
    "distributed.comm.timeouts.connect": "5s",
    "distributed.admin.large-graph-warning-threshold": "1 GiB",  # windows that are sent are large, and few
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    # Tiles that wait for their turn are few; a worker that is paused or writes them to its disk is of no use.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}

_ResultT = TypeVar("_ResultT")


class Cluster:
    """Workers that do tasks of one job. To be had from `connected`; for any number of threads."""

    def __init__(self, client: Client, job: Job) -> None:
        self.job = job
        """What all tasks have in common."""
        self._client = client
        self._shares: dict[str, float] = {}
        self._beginnings: Counter[str] = Counter()
        self._workers = 0
        self._counted_s, self._seen_s = float("-inf"), time.monotonic()
        client.subscribe_topic(job.name, self._hear)

    @property
    def workers(self) -> int:
        """How many there are, or were a moment ago.

        Raises:
            ClusterError: there have been none for too long, or the scheduler is lost.
        """
        now_s = time.monotonic()
        if now_s - self._counted_s > _COUNT_EVERY_S:
            self._counted_s = now_s
            with _talking():
                if self._client.status != "running":
                    raise OSError(self._client.status)
                self._workers = len(self._client.nthreads())
            if self._workers:
                self._seen_s = now_s
            elif now_s - self._seen_s > _WORKERS_LIMIT_S:
                raise ClusterError(f"The cluster has had no workers for {_WORKERS_LIMIT_S:.0f} seconds.")
        return self._workers

    def submit(self, task: Callable[..., Outcome[_ResultT]], *arguments: object) -> Future[Outcome[_ResultT]]:
        """Let a worker do a task of `cluster_task`, which gets the job, its key and the arguments.

        Raises:
            ClusterError: the scheduler is lost.
        """
        key = f"srdesk-{task.__name__}-{secrets.token_hex(8)}"
        with _talking():
            return self._client.submit(task, self.job, key, *arguments, key=key, retries=_RETRIES, pure=False)

    def outcome(
        self, future: Future[Outcome[_ResultT]], token: CancelToken, meanwhile: Callable[[], None]
    ) -> Outcome[_ResultT]:
        """Wait for a task.

        Args:
            future: the task.
            token: looked at several times a second.
            meanwhile: called as often.

        Raises:
            SrDeskError: no worker had the memory for it.
            ClusterError: scheduler or workers are lost, or do not fit.
            Cancelled: the token was raised.
        """
        is_done = threading.Event()
        future.add_done_callback(lambda _: is_done.set())
        while not is_done.wait(_LOOK_EVERY_S):
            token.check()
            _ = self.workers  # raises if they are lost
            meanwhile()
        self._shares.pop(str(future.key), None)
        if future.status == "error":
            raise _explained(future.exception())
        with _talking():
            return future.result()

    def ask(self, question: Callable[..., _ResultT], *arguments: object) -> dict[str, _ResultT]:
        """Let every worker answer at once, whatever it is doing; by address.

        Raises:
            ClusterError: the scheduler is lost.
        """
        with _talking():
            return dict(self._client.run(question, *arguments))

    def share_done(self, future: Future[Any]) -> float:
        """Return how much of a task is done, 0 to 1, as far as its worker has said."""
        return self._shares.get(str(future.key), 0.0)

    def was_begun_before(self, future: Future[Any]) -> bool:
        """Tell whether a worker had begun a task that another one has done, since the first is lost."""
        return self._beginnings[str(future.key)] > 1

    def _hear(self, event: tuple[float, tuple[str, float | None]]) -> None:
        _, (key, share) = event
        if share is None:
            self._beginnings[key] += 1
        else:
            self._shares[key] = share


@contextlib.contextmanager
def connected(
    address: ClusterAddress, recipe: FileRecipe, token: CancelToken, *, threads: int | None = None
) -> Iterator[Cluster]:
    """Have workers that enlarge by a recipe, until the end of the block.

    Args:
        address: where they are; those on this machine are started, and ended with the block.
        recipe: how to enlarge; its weights are sent to every worker once.
        token: raised to stop waiting for them.
        threads: CPU threads of each; None for an equal part of this machine, or for what other workers choose.

    Raises:
        ClusterError: Dask is not installed, or there are no workers that fit.
        WeightsFormatError: the weights cannot be read.
        Cancelled: the token was raised.
    """
    if importlib.util.find_spec("distributed") is None:
        hint = f"Install it with `pip install 'srdesk[{EXTRA}]'`, here and on all machines that shall compute."
        raise ClusterError("“--cluster” needs Dask, which is not installed.", hint=hint)
    import dask
    from dask.system import CPU_COUNT

    from srdesk.engine.cluster.cluster_task import Job, stop

    delivery = None if recipe.weights is None else _delivery(recipe.weights)
    if address.workers is not None and threads is None:
        threads = max(1, CPU_COUNT // address.workers)
    job = Job(f"srdesk-{secrets.token_hex(8)}", recipe, delivery.sha256 if delivery else "", threads)
    _silence()
    with dask.config.set(_CONFIG), contextlib.ExitStack() as stack:
        client = connect(address, token, stack)
        _await_workers(client, address.workers or 1, token)
        _check_workers(client)
        plugin = f"{job.name}-weights"
        if delivery is not None:
            with _talking():
                client.register_plugin(delivery, name=plugin)

        def dismiss() -> None:
            client.run(stop, job.name)
            if delivery is not None:
                client.unregister_worker_plugin(plugin)

        stack.callback(_in_vain, client, dismiss)
        yield Cluster(client, job)


def _delivery(weights: Path) -> WeightsDelivery:
    """Return what brings weights to workers.

    Raises:
        WeightsFormatError: they cannot be read.
    """
    from srdesk.engine.cluster.cluster_task import WeightsDelivery

    try:
        return WeightsDelivery(weights)
    except OSError as error:
        raise WeightsFormatError(weights, f"it cannot be read ({error.strerror})") from error


def _await_workers(client: Client, wanted: int, token: CancelToken) -> None:
    """Wait until there are so many workers.

    Raises:
        ClusterError: there are too few for too long.
        Cancelled: the token was raised.
    """
    give_up_at_s = time.monotonic() + _WORKERS_LIMIT_S
    while True:
        with _talking():
            there = len(client.nthreads())
        if there >= wanted:
            return
        token.check()
        if time.monotonic() > give_up_at_s:
            raise ClusterError(
                f"After {_WORKERS_LIMIT_S:.0f} seconds the cluster has {there} of {wanted} workers.",
                hint="Start them on every machine with `dask worker SCHEDULER --nthreads 1 --nworkers N`.",
            )
        time.sleep(_LOOK_EVERY_S)


def _check_workers(client: Client) -> None:
    """Make sure that all workers have the same program as this machine.

    Raises:
        ClusterError: one has not.
    """
    from srdesk.engine.cluster.cluster_task import introduce

    with _talking():
        answers = client.run(introduce, on_error="return")
    torch = importlib.metadata.version("torch").partition("+")[0]
    for worker, answer in answers.items():
        problem = _unfit(answer, torch)
        if problem:
            hint = f"Have SR Desk {__version__} and torch {torch} on all machines, "
            raise ClusterError(
                f"The worker {worker} {problem}.", hint=f"{hint}and workers that were started with `--nthreads 1`."
            )


def _unfit(answer: Introduction | Exception, torch: str) -> str:
    """Return why a worker cannot be used, empty if it can."""
    if isinstance(answer, Exception):
        return f"has no usable SR Desk ({answer})"
    if answer.version != __version__:
        return f"runs SR Desk {answer.version} instead of {__version__}"
    if answer.torch != torch:
        return f"computes with torch {answer.torch} instead of {torch}"
    return f"does {answer.tasks} tasks at a time instead of one" if answer.tasks != 1 else ""


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    """Turn what Dask raises into the sentence that a person reads.

    Raises:
        ClusterError: the scheduler is lost.
    """
    try:
        yield
    except (CancelledError, OSError) as error:  # what Dask raises for broken connections are OSErrors, TimeoutError too
        raise ClusterError("The scheduler of the cluster is lost.") from error


def _explained(error: BaseException) -> BaseException:
    """Return what a person reads of what a task raised; what nobody foresaw stays as it is."""
    from distributed import KilledWorker

    if not isinstance(error, KilledWorker):
        return error
    times = error.allowed_failures + 1
    said = f"{times} workers ended while they computed the same task, most likely for want of memory."
    hint = "Give each worker more memory, start fewer on a machine, or compute in smaller windows (--window 256)."
    return ClusterError(said, hint=hint)


def _in_vain(client: Client, farewell: Callable[[], object]) -> None:
    """Tell workers what need not be done any more; they may be gone already, or not listen while they load torch."""

    def say() -> None:
        with contextlib.suppress(Exception):
            farewell()

    if client.status == "running":  # otherwise it would try to connect again, for seconds
        thread = threading.Thread(target=say, name="srdesk-farewell", daemon=True)
        thread.start()
        thread.join(_LAST_WORDS_S)


def _silence() -> None:
    """Keep what Dask logs about workers that come and go off the terminal, for good: what matters is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    for logger in map(logging.getLogger, (*names, "tornado.application", "asyncio")):
        logger.handlers, logger.propagate = [logging.NullHandler()], False
