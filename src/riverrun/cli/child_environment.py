"""The settings of this process as the environment of its children."""

import json
from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, SecretStr

from riverrun.infra.settings import Settings


def child_environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Settings as the variables that say them again, over what we inherited."""
    environment = dict(inherited) | {"PYTHONUNBUFFERED": "1"}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        variable = f"RIVERRUN_{name.upper()}"
        if value is None:
            environment.pop(variable, None)
        else:
            environment[variable] = _as_variable(value)
    return environment


def _as_variable(value: object) -> str:
    """A setting's value as its variable spells it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, frozenset):
        return ",".join(sorted(map(str, value)))
    if isinstance(value, dict):
        return json.dumps(value, default=_as_json)
    return str(value)


def _as_json(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else dict(cast(BaseModel, value))
