import socket
import threading

import pytest

from riverrun.cli.listen_address import CannotListen, choose_free_port, local_url, require_free_port


@pytest.fixture
def taken():
    """A listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def port_of(listener):
    return listener.getsockname()[1]


def test_a_free_port_is_free():
    require_free_port("127.0.0.1", choose_free_port("127.0.0.1"))


def test_a_taken_port_is_named_with_a_way_out(taken):
    port = port_of(taken)
    with pytest.raises(CannotListen, match=rf"port {port} of 127.0.0.1 is in use .* --port {port + 1}"):
        require_free_port("127.0.0.1", port)


def test_patience_waits_for_a_former_server_to_leave(taken):
    threading.Timer(0.1, taken.close).start()
    require_free_port("127.0.0.1", port_of(taken), patience_seconds=20)


def test_a_name_that_does_not_exist_cannot_be_listened_on():
    with pytest.raises(CannotListen, match=r"cannot listen on no\.such\.host\.invalid:80"):
        require_free_port("no.such.host.invalid", 80)


def test_an_address_of_another_machine_cannot_be_listened_on():
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1:8001"):
        require_free_port("192.0.2.1", 8001)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("riverrun.example", "http://riverrun.example:80"),
    ],
)
def test_this_machine_reaches_its_own_server(host, url):
    assert local_url(host, 80) == url
