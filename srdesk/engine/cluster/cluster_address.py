"""Where the workers of a cluster are: ``local:N``, or the address of a scheduler."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from srdesk.errors import ConfigError

MOST_LOCAL_WORKERS = 256
"""More processes than this on one machine are a mistake."""

_LOCAL = "local:"
_ALLOWED = f"{_LOCAL}N for N workers on this machine, or the address of a scheduler such as tls://HOST:8786"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Workers on this machine, or a scheduler. To be had from `parse`."""

    workers: int | None
    """How many are started on this machine; None for those that a scheduler has."""
    scheduler: str
    """Its address, ``tls://HOST:PORT`` or ``tcp://HOST:PORT`` on this machine; empty without one."""

    @classmethod
    def parse(cls, text: str) -> ClusterAddress:
        """Understand what was typed.

        Raises:
            ConfigError: it is no address, or one that anybody could listen to.
        """
        text = text.strip()
        if text.startswith(_LOCAL):
            number = text.removeprefix(_LOCAL)
            if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_LOCAL_WORKERS):
                raise ConfigError("cluster", text, f"{_LOCAL}N with N from 1 to {MOST_LOCAL_WORKERS}")
            return cls(int(number), "")
        scheme, mark, rest = text.rpartition("://")
        scheme = scheme if mark else "tcp"
        host, colon, port = rest.rpartition(":")
        if scheme not in ("tcp", "tls") or not (host and colon and port.isascii() and port.isdigit()):
            raise ConfigError("cluster", text, _ALLOWED)
        if scheme == "tcp" and not _is_this_machine(host.strip("[]")):
            raise ConfigError(
                "cluster",
                text,
                _ALLOWED,
                hint="Whoever reads or reaches that connection could run programs on all its machines. Start scheduler "
                f"and workers with TLS certificates and use tls://{rest}, or tunnel the port to this machine by ssh.",
            )
        return cls(None, f"{scheme}://{rest}")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
