"""The option `--cluster`: what `upscale` does, done by the workers of a Dask cluster."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from srdesk.cli.unexpected import logged
from srdesk.engine.cluster.cluster_address import ClusterAddress
from srdesk.errors import ConfigError
from srdesk.imaging.naming import CollisionPolicy

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import Queue
    from srdesk.engine.batch.queue_run import Ears
    from srdesk.engine.cluster.cluster_crew import WorkerTotals
    from srdesk.engine.control import CancelToken
    from srdesk.engine.files.file_recipe import FileRecipe
    from srdesk.imaging.decoder import Decoder

Workers = list[dict[str, Any]]
"""What ``--json`` tells of every worker."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that are for clusters."""
    parser.add_argument(
        "--cluster",
        type=_address,
        metavar="local:N|ADDRESS",
        help="let N processes of this machine, or the workers of a Dask scheduler (tls://HOST:8786), do the computing",
    )


def run_queue(
    address: ClusterAddress,
    queue: Queue,
    recipe: FileRecipe,
    decoder: Decoder,
    token: CancelToken,
    *,
    ears: Ears,
    say: Callable[[str], None],
    ask: Callable[[Path], CollisionPolicy] | None = None,
) -> Workers:
    """Let workers enlarge what waits in a queue, as `srdesk.engine.batch.queue_run.run_queue` does here.

    Args:
        address: where they are.
        queue: the queue.
        recipe: that of all its items.
        decoder: opens pictures that are enlarged here.
        token: how to stop.
        ears: who wants to hear what of an item.
        say: tells the person a sentence about the workers.
        ask: puts the question for items with the policy "ask".

    Returns:
        Who did what.

    Raises:
        ClusterError: the workers cannot be had, do not fit, or are lost.
        WeightsError: the weights cannot be used.
        DeviceUnavailableError: no worker has the device.
        Cancelled: the token was raised.
    """
    from srdesk.engine.cluster.cluster import connected

    if not any(item.state == "waiting" for item in queue.items()):
        return []
    with connected(address, recipe, token) as cluster:
        from srdesk.engine.cluster.cluster_crew import ClusterCrew
        from srdesk.engine.cluster.cluster_queue import run_queue_on

        crew = ClusterCrew(cluster)
        say(f"{crew.workers} workers are ready." if crew.workers > 1 else "One worker is ready.")
        run_queue_on(crew, queue, decoder, token, ears=ears, explain=logged, ask=ask)
        workers = _documents(crew.totals())
    kinds = {worker["processor"] for worker in workers}
    if len(kinds) > 1:
        last = "whose results may differ in the last digit from those of one machine"
        say(f"The workers have different processors ({', '.join(sorted(kinds))}), {last}.")
    return workers


def _documents(totals: dict[str, WorkerTotals]) -> Workers:
    documents = []
    for address, total in sorted(totals.items()):
        document: dict[str, Any] = {"worker": address} | msgspec.to_builtins(total)
        documents.append({name: round(it, 3) if isinstance(it, float) else it for name, it in document.items()})
    return documents


def _address(text: str) -> ClusterAddress:
    try:
        return ClusterAddress.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(f"{error} {error.hint}".rstrip(".")) from error
