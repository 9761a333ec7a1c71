"""The way to a Dask scheduler: one that runs already, or one of our own with workers on this machine."""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future as Promise
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from srdesk.engine.control import CancelToken
from srdesk.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

    from srdesk.engine.cluster.cluster_address import ClusterAddress

_CONNECT_LIMIT_S = 10.0
_FAREWELL_S = 2.0
_LOOK_EVERY_S = 0.1

_ResultT = TypeVar("_ResultT")


def connect(address: ClusterAddress, token: CancelToken, stack: contextlib.ExitStack) -> Client:
    """Connect to a scheduler.

    Args:
        address: where it is; without one, it is begun on this machine, with workers.
        token: raised to stop waiting.
        stack: with which the scheduler is left, and workers of our own are ended.

    Raises:
        ClusterError: there is no scheduler, or no certificate for it.
        Cancelled: the token was raised.
    """
    from distributed import Client

    scheduler = address.scheduler
    if address.workers is not None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="srdesk-cluster-", ignore_cleanup_errors=True))
        cluster = patiently(lambda: _local_cluster(address.workers, folder), token)
        stack.callback(_closed, cluster)
        stack.callback(_end_workers, cluster)
        scheduler = cluster.scheduler_address
    elif scheduler.startswith("tls://"):
        _check_certificates(scheduler)

    def begin() -> Client:
        host, _, port = scheduler.rpartition("://")[2].rpartition(":")
        # Dask goes on trying where nobody listens.
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_LIMIT_S).close()
        return Client(scheduler, timeout=_CONNECT_LIMIT_S, set_as_default=False)

    try:
        client = patiently(begin, token)
    except (OSError, TimeoutError) as error:
        hint = "See that it runs, that its address is right, and that its port can be reached from here."
        raise ClusterError(f"There is no Dask scheduler at “{scheduler}”.", hint=hint) from error
    stack.callback(_closed, client)
    return client


def _local_cluster(workers: int | None, folder: str) -> Any:
    from distributed import LocalCluster, Security

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        protocol="tcp",
        security=Security(require_encryption=False),
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # None would be a port that others know
        silence_logs=logging.CRITICAL,
        local_directory=folder,
    )


def _check_certificates(scheduler: str) -> None:
    """Make sure that this machine has what TLS needs.

    Raises:
        ClusterError: it has not.
    """
    import dask

    names = ("ca-file", "client.cert")
    if all(dask.config.get(f"distributed.comm.tls.{name}", None) for name in names):
        return
    hint = "Name CA, certificate and key of this client in DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__TLS__CLIENT__CERT "
    raise ClusterError(
        f"“{scheduler}” needs certificates, and Dask knows none on this machine.", hint=f"{hint}and …__CLIENT__KEY."
    )


def _end_workers(cluster: Any) -> None:
    """End the processes of a cluster on this machine; Dask alone would take seconds for it."""
    for nanny in list(cluster.workers.values()):
        nanny.auto_restart = False
        if nanny.pid:
            with contextlib.suppress(psutil.Error):  # it is gone
                psutil.Process(nanny.pid).kill()


def _closed(connection: Any) -> None:
    with contextlib.suppress(Exception):
        connection.close(timeout=_FAREWELL_S)


def patiently(begin: Callable[[], _ResultT], token: CancelToken) -> _ResultT:
    """Do something that takes seconds and looks at no token, in a thread that is left alone when the token is raised.

    Raises:
        Cancelled: the token was raised.
    """
    result: Promise[_ResultT] = Promise()

    def work() -> None:
        try:
            result.set_result(begin())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            result.set_exception(error)

    threading.Thread(target=work, name="srdesk-cluster", daemon=True).start()
    while not wait([result], _LOOK_EVERY_S).done:
        token.check()
    return result.result()
