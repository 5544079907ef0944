import errno
import random
import socket

import pytest

from riverrun.kit import free_port as module
from riverrun.kit.free_port import LOOPBACK, bind_for_a_moment, ephemeral_start, free_port


def test_a_free_port_can_be_listened_on():
    with socket.create_server((LOOPBACK, free_port())) as listener:
        assert listener.getsockname()[1] < ephemeral_start()


def test_no_outgoing_connection_can_get_it():
    with socket.create_server((LOOPBACK, 0)) as kernels_choice:
        assert kernels_choice.getsockname()[1] >= ephemeral_start()
    assert all(module.LOWEST_PORT <= free_port() < ephemeral_start() for _ in range(50))


def test_processes_with_the_same_seed_choose_different_ones():
    random.seed(1)
    first = [free_port() for _ in range(3)]
    random.seed(1)
    assert first != [free_port() for _ in range(3)]


def test_a_port_in_use_is_passed_over(monkeypatch):
    with socket.create_server((LOOPBACK, free_port())) as taken:
        port = taken.getsockname()[1]
        other = free_port()
        offered = iter([port, port, other])
        monkeypatch.setattr(module._random, "choice", lambda ports: next(offered))
        assert free_port() == other


def test_where_all_are_taken_the_kernel_chooses(monkeypatch):
    with socket.create_server((LOOPBACK, free_port())) as taken:
        monkeypatch.setattr(module._random, "choice", lambda ports: taken.getsockname()[1])
        assert free_port() >= ephemeral_start()


def test_where_outgoing_connections_may_have_every_port_the_kernel_chooses(monkeypatch, tmp_path):
    everything = tmp_path / "range"
    everything.write_text("1024\t65535\n")
    monkeypatch.setattr(module, "EPHEMERAL_RANGE", everything)
    assert free_port() > 0


def test_a_machine_that_tells_no_range_has_the_usual_one(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "EPHEMERAL_RANGE", tmp_path / "missing")
    assert ephemeral_start() == module.USUAL_EPHEMERAL_START


def test_a_host_of_another_machine_is_said_at_once():
    with pytest.raises(OSError) as raised:
        free_port("192.0.2.1")
    assert raised.value.errno == errno.EADDRNOTAVAIL


def test_binding_for_a_moment_leaves_the_port_free():
    port = free_port()
    assert bind_for_a_moment(LOOPBACK, port) == bind_for_a_moment(LOOPBACK, port) == port
