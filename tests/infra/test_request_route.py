"""The route that a request is told by, wherever the application that has it is mounted."""

from typing import Any

import pytest

from riverrun.infra.request_route import known_route, template_of


class Route:
    """As frameworks have them."""

    path_format = "/m/{y}"


@pytest.mark.parametrize(
    ("scope", "template"),
    [
        ({"route": Route}, "/m/{y}"),
        ({"route": Route, "root_path": "/proxy"}, "/m/{y}"),
        ({"route": Route, "root_path": "/mnt", "app_root_path": ""}, "/mnt/m/{y}"),
        ({"route": Route, "root_path": "/proxy/mnt", "app_root_path": "/proxy"}, "/mnt/m/{y}"),
        (
            {"route": Route, "root_path": "/of/acme", "app_root_path": "", "path_params": {"who": "acme"}},
            "/of/{who}/m/{y}",
        ),
        ({"path": "/a/1/b", "path_params": {"number": 1}}, "/a/{number}/b"),
        ({"path": "/a/12/1", "path_params": {"number": 1}}, "/a/12/{number}"),
        ({"path": "/"}, "/"),
    ],
)
def test_it_begins_at_the_root_and_has_the_names_of_the_parameters(
    scope: dict[str, Any], template: str
) -> None:
    assert template_of(scope) == template


def test_what_metrics_call_it_does_not_depend_on_where_it_is_mounted() -> None:
    """A mount's path may have a parameter of any value."""
    assert known_route({"route": Route, "root_path": "/of/acme", "app_root_path": ""}) == "/m/{y}"
