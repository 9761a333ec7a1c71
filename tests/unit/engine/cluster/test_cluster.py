"""What is said when workers cannot be had, do not fit, or are lost; no worker is started here."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import logging
import time
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("distributed")

from distributed import KilledWorker
from distributed.comm import CommClosedError

from srdesk import __version__
from srdesk.engine.cluster import cluster
from srdesk.engine.cluster.cluster import Cluster, connected
from srdesk.engine.cluster.cluster_address import ClusterAddress
from srdesk.engine.cluster.cluster_connection import patiently
from srdesk.engine.cluster.cluster_task import Introduction
from srdesk.engine.control import CancelToken
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.errors import Cancelled, ClusterError, OutOfMemoryError

TORCH = importlib.metadata.version("torch").partition("+")[0]
BICUBIC = FileRecipe(model="bicubic")


class Client:
    """A client whose scheduler has so many workers."""

    def __init__(self, *workers: int) -> None:
        self.status = "running"
        self._workers = list(workers)

    def subscribe_topic(self, topic: str, handler: Any) -> None:
        self.tell = handler

    def nthreads(self) -> dict[str, int]:
        count = self._workers.pop(0) if len(self._workers) > 1 else self._workers[0]
        return {f"tcp://127.0.0.1:{number}": 1 for number in range(count)}


class Future:
    """A task that ends after so many looks."""

    key = "task"

    def __init__(self, result: Any = None) -> None:
        self._result = result
        self.end: Any = None

    def add_done_callback(self, callback: Any) -> None:
        self.end = callback
        if self._result is not None:
            callback(self)

    @property
    def status(self) -> str:
        is_raised_there = isinstance(self._result, Exception) and not isinstance(self._result, CommClosedError)
        return "error" if is_raised_there and not isinstance(self._result, CancelledError) else "finished"

    def exception(self) -> Any:
        return self._result

    def result(self) -> Any:
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


def cluster_of(client: Client) -> Cluster:
    return Cluster(client, SimpleNamespace(name="job"))  # type: ignore[arg-type]


def test_without_dask_the_remedy_is_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(ClusterError, match="needs Dask, which is not installed") as caught,
        connected(ClusterAddress(2, ""), BICUBIC, CancelToken()),
    ):
        pass
    assert "`pip install 'srdesk[cluster]'`" in caught.value.hint


def test_tls_without_certificates_names_the_variables() -> None:
    with (
        pytest.raises(ClusterError, match="needs certificates") as caught,
        connected(ClusterAddress.parse("tls://far.example:8786"), BICUBIC, CancelToken()),
    ):
        pass
    assert "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in caught.value.hint


def test_nobody_listening_is_known_at_once() -> None:
    with (
        pytest.raises(ClusterError, match=r"There is no Dask scheduler at “tcp://127.0.0.1:9”\."),
        connected(ClusterAddress.parse("127.0.0.1:9"), BICUBIC, CancelToken()),
    ):
        pass


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Introduction(__version__, TORCH, 1), ""),
        (Introduction("0.0.1", TORCH, 1), f"runs SR Desk 0.0.1 instead of {__version__}"),
        (Introduction(__version__, "1.0", 1), f"computes with torch 1.0 instead of {TORCH}"),
        (Introduction(__version__, TORCH, 4), "does 4 tasks at a time instead of one"),
        (ModuleNotFoundError("No module named 'srdesk'"), "has no usable SR Desk (No module named 'srdesk')"),
    ],
)
def test_a_worker_that_does_not_fit_is_named(answer: Introduction | Exception, said: str) -> None:
    client = SimpleNamespace(run=lambda *_, **__: {"tcp://10.0.0.7:1234": answer})
    with pytest.raises(ClusterError) if said else contextlib.nullcontext() as caught:
        cluster._check_workers(client)  # type: ignore[arg-type]
    if caught is not None:
        assert str(caught.value) == f"The worker tcp://10.0.0.7:1234 {said}."
        assert __version__ in caught.value.hint


def test_workers_that_do_not_come_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_WORKERS_LIMIT_S", 0)
    with pytest.raises(ClusterError, match="has 1 of 2 workers") as caught:
        cluster._await_workers(Client(1), 2, CancelToken())  # type: ignore[arg-type]
    assert "dask worker" in caught.value.hint
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        cluster._await_workers(Client(0), 1, token)  # type: ignore[arg-type]


def test_a_cluster_that_stays_without_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_COUNT_EVERY_S", -1.0)
    workers = cluster_of(Client(2, 0))
    assert workers.workers == 2
    assert workers.workers == 0
    monkeypatch.setattr(cluster, "_WORKERS_LIMIT_S", -1.0)
    with pytest.raises(ClusterError, match="no workers"):
        workers.outcome(Future(), CancelToken(), lambda: None)  # type: ignore[arg-type]


def test_waiting_for_a_task_ends_with_the_token() -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        cluster_of(Client(1)).outcome(Future(), token, token.cancel)  # type: ignore[arg-type]


def test_the_share_that_is_done_is_what_was_said_last_and_forgotten_at_the_end() -> None:
    client = Client(1)
    workers, future = cluster_of(client), Future("done")
    assert workers.share_done(future) == 0.0  # type: ignore[arg-type]
    client.tell((0.0, ["task", 0.25]))
    assert workers.share_done(future) == 0.25  # type: ignore[arg-type]
    assert workers.outcome(future, CancelToken(), lambda: None) == "done"  # type: ignore[arg-type]
    assert workers.share_done(future) == 0.0  # type: ignore[arg-type]


def test_a_task_that_was_begun_twice_had_a_worker_that_is_lost() -> None:
    client, future = Client(1), Future("done")
    workers = cluster_of(client)
    for share in (None, 0.0, 0.5):
        client.tell((0.0, ["task", share]))
    assert not workers.was_begun_before(future)  # type: ignore[arg-type]
    client.tell((0.0, ["task", None]))
    assert workers.was_begun_before(future)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CancelledError(), "The scheduler of the cluster is lost."),
        (CommClosedError("gone"), "The scheduler of the cluster is lost."),
        (KilledWorker("task", None, 3), "4 workers ended while they computed the same task, most likely"),
        (OutOfMemoryError("There is not enough memory."), "There is not enough memory."),
    ],
)
def test_what_dask_raises_becomes_a_sentence(error: Exception, said: str) -> None:
    with pytest.raises((ClusterError, OutOfMemoryError)) as caught:
        cluster_of(Client(1)).outcome(Future(error), CancelToken(), lambda: None)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)
    assert caught.value.hint


def test_what_nobody_foresaw_in_a_task_is_not_taken_for_a_lost_scheduler() -> None:
    with pytest.raises(OSError, match="no space"):
        cluster_of(Client(1)).outcome(Future(OSError("no space")), CancelToken(), lambda: None)  # type: ignore[arg-type]


def test_a_lost_connection_is_seen_before_a_task_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(1)
    workers = cluster_of(client)
    client.status = "connecting"
    with pytest.raises(ClusterError, match="lost"):
        workers.outcome(Future(), CancelToken(), lambda: None)  # type: ignore[arg-type]


def test_what_takes_seconds_is_left_alone_when_it_is_not_wanted_any_more() -> None:
    assert patiently(lambda: 7, CancelToken()) == 7
    with pytest.raises(ValueError, match="seven"):
        patiently(lambda: int("seven"), CancelToken())
    with pytest.raises(TimeoutError):
        patiently(lambda: raised(TimeoutError()), CancelToken())
    token, is_over = CancelToken(), []
    token.cancel()
    with pytest.raises(Cancelled):
        patiently(lambda: is_over.append(time.sleep(0.3)), token)
    assert is_over == []


def raised(error: Exception) -> None:
    raise error


def test_dask_logs_nothing_on_the_terminal() -> None:
    cluster._silence()
    handlers = logging.getLogger("distributed.client").handlers + logging.getLogger("distributed").handlers
    assert all(isinstance(handler, logging.NullHandler) for handler in handlers)
