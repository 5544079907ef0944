"""Somebody answers, but no Riverrun server."""

from collections.abc import Callable

import pytest
from tests.support.scripted_server import json_answer, scripted

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import NotRiverrun

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Welcome to nginx</html>"


@pytest.mark.parametrize("answer", [PAGE, json_answer(200, "ok"), json_answer(200, None)])
@pytest.mark.parametrize("call", [RiverrunClient.projects, RiverrunClient.usage])
def test_an_answer_of_another_program_says_what_to_check(
    answer: bytes, call: Callable[[RiverrunClient], object]
) -> None:
    with scripted(answer) as server, RiverrunClient(server.address) as client:
        with pytest.raises(NotRiverrun, match="check RIVERRUN_URL") as caught:
            call(client)
        assert server.address.base_url in str(caught.value)
