"""Where workers may be: on this machine, or behind TLS."""

from __future__ import annotations

import pytest

from srdesk.engine.cluster.cluster_address import ClusterAddress
from srdesk.errors import ConfigError


@pytest.mark.parametrize("number", [1, 2, 256])
def test_workers_on_this_machine_are_a_number(number: int) -> None:
    assert ClusterAddress.parse(f"local:{number}") == ClusterAddress(number, "")


@pytest.mark.parametrize("text", ["local:", "local:0", "local:-1", "local:257", "local:two", "local:²", "local:1.5"])
def test_a_number_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ClusterAddress.parse(text)
    assert caught.value.hint == "Use local:N with N from 1 to 256."


@pytest.mark.parametrize(
    ("text", "scheduler"),
    [
        ("tls://far.example:8786", "tls://far.example:8786"),
        ("tls://10.0.0.7:8786", "tls://10.0.0.7:8786"),
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("tcp://localhost:8786", "tcp://localhost:8786"),
        ("127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        (" tcp://[::1]:8786 ", "tcp://[::1]:8786"),
    ],
)
def test_a_scheduler_is_behind_tls_or_on_this_machine(text: str, scheduler: str) -> None:
    assert ClusterAddress.parse(text) == ClusterAddress(None, scheduler)


@pytest.mark.parametrize(
    "text", ["tcp://10.0.0.7:8786", "far.example:8786", "tcp://0.0.0.0:8786", "tcp://127.0.0.1.example:8786"]
)
def test_a_connection_that_anybody_can_read_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ConfigError, match="cluster cannot be") as caught:
        ClusterAddress.parse(text)
    assert "use tls://" in caught.value.hint
    assert "by ssh" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "far.example", "tls://:8786", "tls://far.example:", "ucx://127.0.0.1:1", "http://a:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ClusterAddress.parse(text)
    assert "tls://HOST:8786" in caught.value.hint
