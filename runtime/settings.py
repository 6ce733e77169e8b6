"""The one reader of the environment: every setting of every process, with its default.

A value is taken from the first of: the environment, the file that `NAME_FILE` points to, `.env`,
`run.env` (written by a running `incasso up`, gone when it stops) and `secrets.env` (generated once)
in the local folder.
"""

import os
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


class Settings(BaseSettings):
    """Settings by their environment names, in lower case."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    local_dir: Path = Path(".local")
    database_url: str | None = None
    broker_url: str | None = None
    secret_key: SecretStr | None = None
    base_url: str = "http://127.0.0.1:8000"
    port: int = 8000
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9100
    flower_port: int = 5555
    flower_basic_auth: SecretStr | None = None
    api_token: SecretStr | None = None
    trusted_proxies: str | None = None
    timezone: str = "Europe/Bucharest"
    mail_from: str = "billing@localhost.localdomain"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    stripe_api_key: SecretStr | None = None
    stripe_webhook_secrets: SecretStr | None = None
    stripe_account: str = "own"
    stripe_api_base: str | None = None
    paypal_merchant_id: str = "own"
    paypal_client_id: str | None = None
    paypal_client_secret: SecretStr | None = None
    paypal_webhook_id: str | None = None
    paypal_api_base: str = "https://api-m.paypal.com"
    paypal_cert_hosts: str | None = None
    paypal_cert_roots: str | None = None
    netopia_api_key: SecretStr | None = None
    netopia_pos_signature: str | None = None
    netopia_public_key: str | None = None
    netopia_api_base: str = "https://secure.mobilpay.ro/pay"
    mobilpay_signature: str | None = None
    mobilpay_private_key: SecretStr | None = None
    mobilpay_public_cert: str | None = None
    mobilpay_url: str = "https://secure.mobilpay.ro"
    mobilpay_api_url: str | None = None
    mobilpay_api_user: str | None = None
    mobilpay_api_password: SecretStr | None = None
    mobilpay_rc4: bool = False
    mobilpay_bare_address: bool = False
    test_database_url: str | None = None
    test_broker_url: str | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        ZoneInfo(name)
        return name

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, text: str | None) -> str | None:
        _networks(text)
        return text

    @property
    def zone(self) -> ZoneInfo:
        """The seller's time zone: business days begin and end here."""
        return ZoneInfo(self.timezone)

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Whose X-Forwarded-For is believed."""
        return _networks(self.trusted_proxies)

    @property
    def stripe_secrets(self) -> tuple[str, ...]:
        """The active webhook secrets, in the order given; several while one is being replaced."""
        secrets = self.stripe_webhook_secrets
        return _parts(secrets.get_secret_value() if secrets else None)

    @property
    def stripe_is_live(self) -> bool:
        """Whether live money is expected; the prefix of the API key says so, without one: test."""
        key = self.stripe_api_key.get_secret_value() if self.stripe_api_key else ""
        return key.startswith(("sk_live_", "rk_live_"))

    @property
    def paypal_is_live(self) -> bool:
        """Whether live money is expected: the address of PayPal's API says so."""
        return urlsplit(self.paypal_api_base).hostname in ("api-m.paypal.com", "api.paypal.com")

    @property
    def netopia_is_live(self) -> bool:
        """Whether live money is expected: the address of NETOPIA's API says so."""
        hosts = ("secure.mobilpay.ro", "secure.netopia-payments.com")
        return urlsplit(self.netopia_api_base).hostname in hosts

    @property
    def paypal_certificate_hosts(self) -> tuple[str, ...] | None:
        """Where PayPal's certificates lie; None: where they always do."""
        return _parts(self.paypal_cert_hosts) or None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        local = Path(os.environ.get("LOCAL_DIR", ".local"))
        written = (
            DotEnvSettingsSource(settings_cls, env_file=local / name)
            for name in ("run.env", "secrets.env")
        )
        return (
            init_settings,
            env_settings,
            _PointedFiles(settings_cls, {**dotenv_values(".env"), **os.environ}),
            dotenv_settings,
            _PointedFiles(settings_cls, dotenv_values(local / "run.env")),
            *written,
        )


def _parts(text: str | None) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(part for part in (piece.strip() for piece in (text or "").split(",")) if part)


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks such as 10.0.0.0/8; ValueError says which one is none."""
    return tuple(ip_network(part) for part in _parts(text))


class _PointedFiles(PydanticBaseSettingsSource):
    """Reads `NAME` from the file named by `NAME_FILE`, as container secrets are mounted.

    The path itself is taken from the environment, else from `.env`, and last from `run.env`.
    """

    def __init__(self, settings_cls: type[BaseSettings], paths: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._paths = paths

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = self._paths.get(f"{field_name.upper()}_FILE")
        return (Path(path).read_text().strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = ((name, self.get_field_value(field, name)[0]) for name, field in self._fields())
        return {name: value for name, value in found if value is not None}

    def _fields(self) -> tuple[tuple[str, FieldInfo], ...]:
        return tuple(self.settings_cls.model_fields.items())


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def environment(**changes: str) -> Mapping[str, str]:
    """A copy of this process's environment with changes, for a child process."""
    return {**os.environ, **changes}


def adopt(**changes: str) -> None:
    """Changes the environment of this process, for itself and for all it starts from now on."""
    os.environ.update(changes)
    settings.cache_clear()
