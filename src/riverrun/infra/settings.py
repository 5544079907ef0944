"""Everything an operator may set, read once from the environment (prefix ``RIVERRUN_``)."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from riverrun.infra.oidc_client import OidcClient, ProviderName
from riverrun.infra.plans import UNLIMITED, Plan
from riverrun.infra.postgres_options import require_known_options
from riverrun.infra.web_address import is_web_address

MOST_SECONDS = 31_536_000
"""A year: more is a mistake, or no number at all."""
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS)]


class Settings(BaseSettings):
    """One field an environment variable: ``data_dir`` is ``RIVERRUN_DATA_DIR``.

    Without a database or Redis URL the embedded servers are started under ``data_dir``.
    """

    model_config = SettingsConfigDict(
        env_prefix="RIVERRUN_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )
    """A variable that is set to nothing, as compose files do, is not set."""

    data_dir: Path = Field(default_factory=lambda: Path.home() / ".riverrun")
    database_url: str | None = None
    """``postgresql://user:password@host:port/name``; the drivers are chosen by us."""
    redis_url: str | None = None
    """The streams' server, ``redis://:password@host:port/0``; broker and results default to its databases 1 and 2."""
    broker_url: str | None = None
    results_url: str | None = None

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8001, ge=0, le=65_535)
    public_url: str | None = None
    """How browsers reach the server; default ``http://{host}:{port}``."""

    sign_up: Literal["open", "invite", "closed"] = "invite"
    """Who may make an account. The first one is the administrator's, whatever this says."""
    oidc_providers: dict[ProviderName, OidcClient] = Field(default_factory=dict)
    """JSON, ``{"google": {"issuer": ..., "client_id": ..., "client_secret": ...}}``. See ``OidcClient`` for the fields."""
    firebase_project_id: str | None = None
    """The Firebase project whose users may come in."""
    firebase_emulator: str | None = None
    """``host:port`` of an emulator, whose tokens nobody signs. Never where anybody but developers can reach the server."""
    google_identity_tool_kit_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "google_identity_tool_kit_key",
            "RIVERRUN_GOOGLE_IDENTITY_TOOL_KIT_KEY",
            "GOOGLE_IDENTITY_TOOL_KIT_KEY",
        ),
    )
    """The project's web API key: with it, passwords that Firebase keeps open the door too."""
    email_api_url: str | None = None
    """Where mail is handed in: a server that speaks Resend's API. None: no mail is sent."""
    email_api_key: SecretStr | None = None
    email_from: str | None = None
    """The sender of our mail: ``Riverrun <riverrun@example.org>``."""

    model: str | None = None
    """``provider:name``; none means the built-in extractive model."""
    model_base_url: str | None = None
    model_api_key: SecretStr | None = None
    model_patience_seconds: float = Field(default=120.0, ge=1, le=900)
    """The longest silence of the model that is waited for: a local one reads a long question for minutes."""
    extractive_delay_ms: float = Field(default=0.0, ge=0, le=60_000)
    """A pause before each piece of an extractive answer, for demonstrations and tests of streaming."""

    allow_local_paths: bool = False
    """Whether a signed-in user may index a folder of the server's own disk; on in ``riverrun up``."""
    allowed_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """``host:port,...`` that the server may talk to although they are private or speak plain http."""
    secret_keys: SecretStr | None = None
    """``id:base64,...`` of 32 bytes each, for what is stored secret; the first seals. None: the data folder's own file."""
    trusted_proxies: Annotated[frozenset[IPv4Network | IPv6Network], NoDecode] = frozenset()
    """Addresses and networks (``10.0.0.0/8,192.0.2.7``) whose ``X-Forwarded-For`` says where a request comes from."""
    logins_per_minute_per_account: int = Field(default=5, ge=0)
    logins_per_minute_per_address: int = Field(default=20, ge=0)
    sign_ups_per_hour_per_address: int = Field(default=20, ge=0)
    password_resets_per_hour_per_account: int = Field(default=5, ge=0)
    """Links to set a password, and to verify an address, that are mailed to one address."""
    password_resets_per_hour_per_address: int = Field(default=20, ge=0)
    invitations_per_hour: int = Field(default=60, ge=0)
    """People whom a user may invite, each of whom may get a mail."""
    posts_per_minute: int = Field(default=300, ge=0)
    """Questions of all kinds, indexings and copies that a user may ask for."""
    streams_per_minute: int = Field(default=1_500, ge=0)
    """Streams that a user may open, which says nothing of how many are open. Of these rates, 0 means without limit."""
    max_file_bytes: int = Field(default=1_000_000, ge=1)
    max_repository_bytes: int = Field(default=2_000_000_000, ge=1)
    clone_timeout_seconds: Seconds = 600.0
    max_question_chars: int = Field(default=32_000, ge=1)
    max_waiting_runs: int = Field(default=10, ge=0)
    """How many runs may wait behind the one under way in a conversation."""

    plans: dict[str, Plan] = Field(default_factory=dict)
    """JSON, ``{"name": {"questions_per_day": 50, ...}}``: how much people may ask. See ``Plan`` for the numbers."""
    default_plan: str = "default"
    """The plan of people without another one; without limits when ``plans`` has none of this name."""
    tokens_per_question: int = Field(default=4_000, ge=0)
    """What a question under way is taken to cost until its end says so."""
    subscription_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "subscription_base_url", "RIVERRUN_SUBSCRIPTION_BASE_URL", "SUBSCRIPTION_BASE_URL"
        ),
    )
    """A billing system that names each user's plan at ``/subscriptions/info?user_id=...``."""

    chat_concurrency: int = Field(default=4, ge=1)
    indexing_concurrency: int = Field(default=1, ge=1)
    """Worker processes a queue: answers wait for models, indexing keeps a core busy."""
    lease_seconds: Seconds = 15.0
    max_attempts: int = Field(default=3, ge=1)
    deaf_seconds: Seconds = 20.0
    """How long a worker with free hands may leave a message in its queue before it is ended and started again."""
    stream_ttl_seconds: int = Field(default=86_400, ge=1, le=MOST_SECONDS)
    """How long the hot copy of a run outlives its last event; Postgres keeps it for good."""
    heartbeat_seconds: Seconds = 15.0
    stream_reader: Literal["hub", "threadpool"] = "hub"
    """``threadpool`` is the plan's reader; each of its open streams holds a thread and a connection."""
    loop_warn_ms: float = Field(default=100.0, gt=0, allow_inf_nan=False)
    """From when on the API's loop counts as blocked, and the log says by whom."""
    server_timing: bool = False
    """Whether each response says how long the loop was blocked meanwhile; for development."""
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    """What a Prometheus server sends as its bearer token. None: administrators alone see the figures."""
    worker_metrics_port: int | None = Field(default=None, ge=1, le=65_534)
    """Where workers show theirs, at ``host``: the chats worker at this port, the indexing worker at the next."""
    otlp_endpoint: str | None = None
    """The OpenTelemetry collector that gets traces by OTLP over HTTP: ``http://127.0.0.1:4318``. Needs ``riverrun[otel]``.

    ``OTEL_EXPORTER_OTLP_ENDPOINT`` is not read: it is often set for a whole machine."""
    queue_prefix: str = "riverrun"
    log_level: Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"] = "INFO"

    def __init__(self, **given: Any) -> None:
        """Raise MissingSetting when ``.env`` cannot be read; it may be another project's, of the folder one stands in."""
        try:
            super().__init__(**given)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text in UTF-8"
            raise MissingSetting(
                f"the file .env of this folder cannot be read ({why}): mend it, or run from another folder"
            ) from error

    @field_validator("data_dir")
    @classmethod
    def _below_home(cls, given: Path) -> Path:
        """Nobody expands ``~`` in a variable or in ``.env``: a shell does so at the beginning of a word only."""
        try:
            return given.expanduser()
        except RuntimeError as error:
            raise ValueError(f"{given} is in the home of a user who is not known here") from error

    @field_validator("database_url")
    @classmethod
    def _known_to_both_drivers(cls, given: str | None) -> str | None:
        if given:
            require_known_options(given)
        return given

    @field_validator("redis_url", "broker_url", "results_url")
    @classmethod
    def _redis(cls, given: str | None) -> str | None:
        if given and not given.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it must begin with redis://, rediss:// or unix://")
        return given

    @field_validator("public_url", "model_base_url", "subscription_base_url", "otlp_endpoint")
    @classmethod
    def _web_address(cls, given: str | None) -> str | None:
        if given and not is_web_address(given):
            raise ValueError("it must be an http or https address")
        return given

    @field_validator("public_url")
    @classmethod
    def _root_of_a_host(cls, given: str | None) -> str | None:
        """The page asks for its files from the root; links are made by what is written behind."""
        bare = given and given.rstrip("/")
        if bare and re.search(r"[?#]|://[^/]*/", bare):
            raise ValueError("it must be the root of a host, without a path, ? or #")
        return bare

    @field_validator("secret_keys")
    @classmethod
    def _keys(cls, given: SecretStr | None) -> SecretStr | None:
        if given:
            from riverrun.kit.secrets_at_rest import (  # Most commands need no cryptography.
                SecretBox,
                SecretsError,
            )

            try:
                SecretBox.parse(given.get_secret_value())
            except SecretsError as error:
                raise ValueError(str(error)) from error
        return given

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, given: Any) -> Any:
        return given.upper() if isinstance(given, str) else given

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return (
            frozenset(part.strip() for part in given.split(",") if part.strip())
            if isinstance(given, str)
            else given
        )

    @property
    def base_url(self) -> str:
        """The address that links use, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def plan_named(self, name: str) -> Plan:
        """The plan of that name; the default one where there is no such, which is unlimited where it is not written down."""
        return self.plans.get(name) or self.plans.get(self.default_plan, UNLIMITED)

    def require_database_url(self) -> str:
        """The database's address, which a process that does not start servers itself must be given."""
        if not self.database_url:
            raise MissingSetting("RIVERRUN_DATABASE_URL is not set: run `riverrun up`, or name your Postgres")
        return self.database_url

    def require_redis_url(self) -> str:
        """The streams' address, likewise."""
        if not self.redis_url:
            raise MissingSetting("RIVERRUN_REDIS_URL is not set: run `riverrun up`, or name your Valkey")
        return self.redis_url


class MissingSetting(RuntimeError):
    """A setting without which this process cannot work; the message says what to do."""
