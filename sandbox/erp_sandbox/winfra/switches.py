"""Every quirk of the WINFRA part, with its default."""

from __future__ import annotations

import dataclasses
from typing import Literal

from erp_sandbox import switches, winfra


@dataclasses.dataclass
class WinfraSwitches(switches.Switches):
    r"""What the vendor's page leaves open, and what an installation may do differently.

    Attributes:
        auth_user, auth_password: The third-party pair of the auth server.
        domain: The domain that this domain server holds.
        domain_user, domain_password: The pair of the domain server.
        sample_users: Whether the sample program's user with its empty password is let in too, at
            both servers, and its domain served.
        auth_port, domain_port: Where alone each server answers; 0 is any port.
        prefix: Path before everything (public installations have ``/winfra3``).
        auth_refusal_status: Answer to a wrong third-party pair (555 has JSON, others have not).
        token_calls: Data calls that a token lasts; 0 is without end.
        token_seconds: Seconds of the clock that a token lasts; 0 is without end.
        expired_token_status: Answer to an expired token.
        error_form: What `error` holds in answers 401, 422 and 555; ``html`` is no JSON at all.
        pending_looks: How many looks at a petition say PENDING.
        pending_seconds: How many seconds of the clock a petition is PENDING.
        dataset_looks, dataset_seconds: The same by dataset, before the two above.
        failing_datasets: Datasets that end in ERROR, with their error_message.
        dataset_error_fails_petition: Whether a dataset in ERROR takes the petition with it.
        fail_at_once: Whether it does so before the other datasets have ended.
        petition_error: error_message of a petition that ends in ERROR by itself, when its
            `pending_looks` and `pending_seconds` are over; empty is none.
        state_words: Other words for PENDING, STARTED (else shown as PENDING), OK and ERROR.
        state_case: Letter case of `estado`.
        serve_before_petition_ok: Whether a dataset that is OK can be fetched while others are not.
        serve_after_petition_error: Whether it can be fetched from a petition in ERROR.
        not_ready_status: Answer to a download that is refused for its state.
        unknown_petition_status: Answer for a petition that is not there any more.
        unknown_dataset_status: Answer for a dataset that the petition does not have.
        petition_hours: After how many hours of the clock petitions go.
        rule_status: Answer to a petition that breaks a documented rule.
        unknown_parameters: Whether parameters that the documents do not have are refused.
        extra_parameters: Parameters newer than the documents, by dataset.
        ventas_maximum_days: Longest window of `ventas`.
        ventas_without_dates: Whether `ventas` can be asked for without a window.
        deudas_maximum_months: Longest window of settled debts.
        pending_petition_status: Answer to a petition while another is PENDING; 0 accepts it.
        maximum_petitions: How many petitions may exist at once; 0 is any number.
        maximum_petitions_status: Answer to one too many.
        windows: Whether dates are compared by day or by time, both ends included.
        modified_since: Whether `modificado_desde` includes its own second, or is not heeded.
        data_path: Where downloads are: under ``/api_v1`` (sample program), without it (text).
        past_end: Answer to a slice past the end.
        maximum_limit: The most records in a slice, cut in silence; 0 is any number.
        count_mismatch: What to add to numero_registros, by dataset, without having the rows.
        throttle_per_minute: Requests let in per `throttle_seconds` of the clock; 0 is any number.
        throttle_seconds: Length of that minute.
        throttle_status: Answer to one too many.
        retry_after: Retry-After of such answers (and of busy ones); empty is none.
        maximum_downloads: Downloads served at once; 0 is any number.
        busy_status: Answer to one too many.
        download_latency_ms: Milliseconds that a download takes before its first byte.
        json_style: compact; spaced (Flask's ``}, {``); pretty (indented); lines (a newline after
            each bracket, comma and colon).
        decimals: Whether fractions travel as JSON numbers or, as the vendor may, as strings.
        escape_unicode: ``\u00f1`` for ñ, as Flask writes it.
        trailing_newline: Flask ends JSON with one.
        byte_order_mark: Whether JSON begins with U+FEFF.
        content_type: Of JSON answers.
        attachment_bytes: Size of an attachment before base64.
        history_days: How many days the dated datasets reach back.
        row_counts: Numbers of records, by dataset, instead of those of the scale.
    """

    auth_user: str = winfra.AUTH_USER
    auth_password: str = winfra.AUTH_PASSWORD
    domain: str = winfra.DOMAIN
    domain_user: str = winfra.DOMAIN_USER
    domain_password: str = winfra.DOMAIN_PASSWORD
    sample_users: bool = False
    auth_port: int = 0
    domain_port: int = 0
    prefix: str = ""
    auth_refusal_status: int = 401
    token_calls: int = 0
    token_seconds: float = 0
    expired_token_status: Literal[401, 555] = 401
    error_form: Literal["text", "list", "object", "null", "missing", "html"] = "text"

    pending_looks: int = 1
    pending_seconds: float = 0
    dataset_looks: dict[str, int] = dataclasses.field(default_factory=dict)
    dataset_seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    failing_datasets: dict[str, str] = dataclasses.field(default_factory=dict)
    dataset_error_fails_petition: bool = True
    fail_at_once: bool = False
    petition_error: str = ""
    state_words: dict[str, str] = dataclasses.field(default_factory=dict)
    state_case: Literal["upper", "lower", "capital"] = "upper"
    serve_before_petition_ok: bool = True
    serve_after_petition_error: bool = True
    not_ready_status: int = 422
    unknown_petition_status: int = 404
    unknown_dataset_status: int = 404
    petition_hours: float = 12

    rule_status: Literal[422, 555] = 422
    unknown_parameters: Literal["refuse", "accept"] = "refuse"
    extra_parameters: dict[str, list[str]] = dataclasses.field(
        default_factory=lambda: {"articulos_lotes": ["solo_tienda"]}
    )
    ventas_maximum_days: int = 365
    ventas_without_dates: bool = False
    deudas_maximum_months: int = 12
    pending_petition_status: int = 0
    maximum_petitions: int = 0
    maximum_petitions_status: int = 555
    windows: Literal["days", "times"] = "days"
    modified_since: Literal["inclusive", "exclusive", "ignored"] = "inclusive"

    data_path: Literal["api_v1", "bare", "both"] = "api_v1"
    past_end: Literal["empty", "404"] = "empty"
    maximum_limit: int = 0
    count_mismatch: dict[str, int] = dataclasses.field(default_factory=dict)
    throttle_per_minute: int = 0
    throttle_seconds: float = 60
    throttle_status: Literal[429, 503] = 429
    retry_after: str = ""
    maximum_downloads: int = 0
    busy_status: Literal[429, 503] = 503
    download_latency_ms: float = 0

    json_style: Literal["compact", "spaced", "pretty", "lines"] = "compact"
    decimals: Literal["numbers", "strings"] = "numbers"
    escape_unicode: bool = False
    trailing_newline: bool = False
    byte_order_mark: bool = False
    content_type: str = "application/json"
    attachment_bytes: int = 20_000
    history_days: int = 1095
    row_counts: dict[str, int] = dataclasses.field(default_factory=dict)
