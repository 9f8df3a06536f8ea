import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from clef_rt.errors import ConfigError, PublishError
from clef_rt.wire.curve import CurveKeys, check_key
from clef_rt.wire.endpoint import Endpoint


@pytest.fixture
def xpub() -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        yield socket


@pytest.mark.parametrize(
    ("text", "role", "address"),
    [
        ("tcp://127.0.0.1:5599", "bind", "tcp://127.0.0.1:5599"),
        ("tcp://*:*", "bind", "tcp://*:*"),
        ("tcp://[::1]:5599", "bind", "tcp://[::1]:5599"),
        ("connect:tcp://proxy.lab:5598", "connect", "tcp://proxy.lab:5598"),
        ("bind:ipc:///run/clef.sock", "bind", "ipc:///run/clef.sock"),
    ],
)
def test_an_endpoint_is_read_as_it_is_written(text: str, role: str, address: str) -> None:
    assert Endpoint.parse(text, default="bind") == Endpoint(role, address)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5599",
        "127.0.0.1:5599",
        "tcp://127.0.0.1",
        "tcp://:5599",
        "tcp://host:99999",
        "tcp://a b:1",
        "http://host:1",
        "connect:tcp://host:0",
        "connect:tcp://*:5599",
        "connect:tcp://host:*",
        "listen:tcp://host:1",
        "inproc://x",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(PublishError) as caught:
        Endpoint.parse(text, default="bind")
    assert repr(text) in caught.value.what
    assert "tcp://127.0.0.1:5599" in caught.value.hint


def test_a_free_port_is_chosen_and_told(xpub: zmq.Socket[bytes]) -> None:
    assert int(Endpoint.parse("tcp://127.0.0.1:0", default="bind").attach(xpub).rpartition(":")[2]) > 1023


def test_a_port_in_use_says_so(xpub: zmq.Socket[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = Endpoint.parse(f"tcp://127.0.0.1:{other.getsockname()[1]}", default="bind")
        with pytest.raises(PublishError, match=r"is in use\. Is another publisher running\?"):
            endpoint.attach(xpub)


def test_an_ipc_path_in_use_is_not_taken_away_but_a_dead_one_is(xpub: zmq.Socket[bytes], tmp_path: Path) -> None:
    endpoint = Endpoint.parse(f"ipc://{tmp_path}/clef.sock", default="bind")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{tmp_path}/clef.sock")
        other.listen()
        with pytest.raises(PublishError, match="in use"):
            endpoint.attach(xpub)
    assert endpoint.attach(xpub) == f"ipc://{tmp_path}/clef.sock"


def test_an_address_of_another_machine_says_how_to_go_there(xpub: zmq.Socket[bytes]) -> None:
    # 192.0.2.0/24 is reserved for documentation.
    with pytest.raises(PublishError, match=r"connect:tcp://192\.0\.2\.1:5599"):
        Endpoint.parse("tcp://192.0.2.1:5599", default="bind").attach(xpub)


def test_an_ipc_path_without_its_folder_says_so(xpub: zmq.Socket[bytes], tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="folder must exist"):
        Endpoint.parse(f"ipc://{tmp_path}/missing/clef.sock", default="bind").attach(xpub)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("tcp://127.0.0.1:1", True),
        ("tcp://localhost:1", True),
        ("ipc://x", True),
        ("tcp://*:1", False),
        ("tcp://10.0.0.1:1", False),
    ],
)
def test_only_loopback_and_ipc_are_local(text: str, local: bool) -> None:
    assert Endpoint.parse(text, default="bind").is_local is local


def test_a_key_pair_does_not_show_its_secret() -> None:
    keys = CurveKeys.generate()
    assert keys.public in repr(keys)
    assert keys.secret not in repr(keys)


@pytest.mark.parametrize("key", ["", "short", "é" * 40, '"' * 40, "~" * 40])
def test_what_is_no_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="not a CURVE key") as caught:
        check_key(key, "server's public")
    assert not key or key not in str(caught.value)
