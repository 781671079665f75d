"""EstadoGenerarXXL and EstadoDatasetXXL: what the server says of a petition.

Source: the vendor's page `xxldefinition`, step 1 and 2. Words other than PENDING, OK and ERROR are
not documented; they are taken for 'not ready yet'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector_kit.pages import NotJsonError, exact_value
from connector_kit.redaction import preview
from connector_kit.retry import UnreadableAnswer

PENDING, OK, ERROR = "PENDING", "OK", "ERROR"
KNOWN_WORDS = frozenset({PENDING, OK, ERROR})


@dataclass(frozen=True, slots=True)
class DatasetState:
    """One dataset of a petition.

    Attributes:
        word: its `estado`, in upper case.
        rows: `numero_registros`; None where it is no number.
        error: `error_message`.
    """

    word: str
    rows: int | None
    error: str


@dataclass(frozen=True, slots=True)
class PetitionState:
    """A petition.

    Attributes:
        id: `peticion_id`.
        asked_at: `fecha_peticion` as the server wrote it; empty where it is missing.
        word: its `estado`, in upper case.
        error: `error_message`.
        datasets: by name.
    """

    id: str
    asked_at: str
    word: str
    error: str
    datasets: dict[str, DatasetState]

    @property
    def has_ended(self) -> bool:
        """Whether the server does nothing more for it."""
        return self.word in {OK, ERROR}

    def is_ready(self, dataset: str) -> bool:
        """Whether a dataset is prepared, as far as the words say."""
        state = self.datasets.get(dataset)
        if state is None:
            return False
        return state.word == OK or (self.word == OK and state.word not in KNOWN_WORDS)

    def unknown_words(self) -> set[str]:
        """Return the words that the documents do not have."""
        words = {self.word, *(state.word for state in self.datasets.values())}
        return words - KNOWN_WORDS


def read_petition(body: bytes) -> PetitionState:
    """Read the answer about one petition.

    Args:
        body: JSON, UTF-8.

    Returns:
        the petition.

    Raises:
        UnreadableAnswer: it is no EstadoGenerarXXL.
    """
    petition = petition_of(_value(body))
    if petition is None:
        raise UnreadableAnswer(f"the answer is no EstadoGenerarXXL ({preview(body)})")
    return petition


def read_petition_or_none(body: bytes) -> PetitionState | None:
    """Read the answer about one petition, which may say that there is none."""
    return petition_of(_value(body))


def read_petitions(body: bytes) -> dict[str, PetitionState]:
    """Read the list of all petitions.

    Args:
        body: JSON, UTF-8.

    Returns:
        petitions by id.

    Raises:
        UnreadableAnswer: it is no list.
    """
    value = _value(body)
    if not isinstance(value, list):
        raise UnreadableAnswer("the answer is no list of EstadoGenerarXXL")
    petitions = map(petition_of, value)
    return {petition.id: petition for petition in petitions if petition is not None}


def petition_of(value: Any) -> PetitionState | None:  # noqa: ANN401 - any JSON value
    """Return the petition that a JSON value describes, None where it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("peticion_id"), str):
        return None
    datasets = value.get("datasets")
    return PetitionState(
        value["peticion_id"],
        _text(value.get("fecha_peticion")),
        _word(value),
        _text(value.get("error_message")),
        {
            item["dataset"]: DatasetState(
                _word(item), _rows(item.get("numero_registros")), _text(item.get("error_message"))
            )
            for item in (datasets if isinstance(datasets, list) else ())
            if isinstance(item, dict) and isinstance(item.get("dataset"), str)
        },
    )


def _value(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return exact_value(body)
    except NotJsonError as error:
        raise UnreadableAnswer("the answer is no valid JSON") from error


def _word(item: dict[str, Any]) -> str:
    return _text(item.get("estado")).strip().upper() or PENDING


def _rows(value: Any) -> int | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return ""
    return value if isinstance(value, str) else preview(repr(value).encode())
