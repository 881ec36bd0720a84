"""Keys: whether the secrets of endpoints are set; they are never shown."""

import re
from collections.abc import Mapping
from pathlib import Path

from bench.checkup.check import Check, ok, problem, warning
from bench.endpoint import Endpoint
from bench.environment import Environment
from bench.errors import NoCredentials


def check_env_file(environment: Environment, path: Path) -> tuple[Check, ...]:
    """Whether `.env` was read; nothing is said where there is none."""
    if environment.note:
        return (warning(".env", environment.note),)
    if path.is_file():
        return (ok(".env", f"{path}: only its owner can read it"),)
    return ()


def check_key(endpoint: Endpoint, variables: Mapping[str, str]) -> Check:
    """Whether the key of an endpoint is set and could be one."""
    name, variable = f"key of {endpoint.name}", endpoint.api_key_env
    key = key_of(endpoint, variables)
    if not key:
        sentence = f"{variable} is not set; export it or write it into .env"
        return problem(name, sentence, NoCredentials.exit_code)
    if not re.fullmatch("[!-~]+", key):
        sentence = (
            f"{variable} holds white space or signs that no key has; copy it anew"
        )
        return problem(name, sentence, NoCredentials.exit_code)
    return ok(name, f"{variable} is set")


def key_of(endpoint: Endpoint, variables: Mapping[str, str]) -> str:
    """The secret of an endpoint, empty when it is not set."""
    return variables.get(endpoint.api_key_env, "").strip()
