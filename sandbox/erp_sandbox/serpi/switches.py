"""SERPI's quirks: what its two wiki pages leave open, each with the likeliest answer as default."""

from __future__ import annotations

import dataclasses
from typing import Literal

from erp_sandbox.switches import Switches


@dataclasses.dataclass
class SerpiSwitches(Switches):
    """Every quirk and its default.

    Credentials and simultaneous use:
        credential_refusal: 401 and 403 as the HTTP status, or as the body's code beside HTTP 200.
        token_expires_after: After this many requests the token is refused (0: never).
        simultaneous_use: What a second request of one token gets while the first is open.
        retry_after: Text of the header Retry-After on those refusals (empty: none).
        redirect_to: Scheme and host every request is sent on to (empty: no redirect).

    Paging:
        page_maximum: The server gives at most this many rows, whatever is asked (0: no maximum).
        default_limit: Rows when no `limite` is asked (0: all).
        ignore_pagina, ignore_limite: The parameter has no effect.
        past_end: A page past the end: the empty answer, the last page again, or HTTP 404.
        empty_answer: code204 (HTTP 200, code 204, no result), code201 (code 201 with []),
            http204 (no body), null_result, empty_list, http404.
        message_count: What N in "N registro(s) encontrados" counts.
        row_order: Order of a list; the API promises none.
        insert_before_page, delete_before_page: Before this page of a list of articles is made, a
            new row appears in front, or the first one goes (once; 0: never).

    Articles as read:
        codigo_filter: exact text, compared as a number, as a prefix, or ignored.
        custom_fields: As held, null, a list of [name, [values]], left out, or each in turn.
        key_spelling: As the JSON examples write the keys, as the tables do, or each in turn.
        padded_text: Text is padded with blanks to 60 characters (not `codigo`).
        hostile_text: The 4th row has a NUL, the 6th a lone surrogate.
        late_field_from: Position of the first row that has the field `campoNuevo` (0: none has).

    Documents as read:
        dates: A day, or a day with time 00:00:00.
        document_ids_change: Each reading (page 1) shows other ids.
        double_type: The pair CCO, COM has a second id, which holds the odd numbers.

    Answers:
        read_trouble: All reads: success_false, errors (beside rows), body_400, body_500, body_503
            (codes beside HTTP 200), no_code, html, broken_json.
        write_trouble: All writes, after they are done: success_false, errors (beside success),
            body_500, html, broken_json.
        charset: utf-8, or Latin-1 with or without saying so.

    Writes:
        created_http: HTTP status beside the body's code 201.
        write_refusal: A refusal as HTTP 400, or as the body's code 400 beside HTTP 200.
        error_shape: `errors` as strings, as objects, or as an object of lists.
        atomic_batches: One bad record refuses its whole batch, or only itself ("X de Y").
        batch_maximum: Larger batches are refused (0: none is).
        store_at_most: Of each batch only the first so many are stored, with success (None: all).
        delete_at_most: The same of a range delete.
        decimals: Stored with five places, or as they were sent.
        duplicate_articles, duplicate_documents: A known key is refused, or stored a second time.
        check_balance: Documents whose debits and credits differ are refused.
        put_absent: An absent field keeps its value on PUT, or becomes null.
        put_custom: Custom fields are merged name by name on PUT, or replaced.
        put_custom_key: Which key PUT obeys for custom fields.
        write_keys: Keys of any case are obeyed, or only as the JSON examples write them.
        unknown_fields: Of a write: ignored, refused or stored.
        lose_write_answers: The write is done and the connection closed: of the first write, of
            every third one, or of all.
    """

    credential_refusal: Literal["http", "body"] = "http"
    token_expires_after: int = 0
    simultaneous_use: Literal["allowed", "429", "503", "401"] = "allowed"
    retry_after: str = ""
    redirect_to: str = ""

    page_maximum: int = 0
    default_limit: int = 0
    ignore_pagina: bool = False
    ignore_limite: bool = False
    past_end: Literal["empty", "last_page", "http404"] = "empty"
    empty_answer: Literal[
        "code204", "code201", "http204", "null_result", "empty_list", "http404"
    ] = "code204"
    message_count: Literal["page", "total"] = "page"
    row_order: Literal["stored", "reversed", "shuffled"] = "stored"
    insert_before_page: int = 0
    delete_before_page: int = 0

    codigo_filter: Literal["exact", "number", "prefix", "ignored"] = "exact"
    custom_fields: Literal["held", "null", "list", "absent", "mixed"] = "held"
    key_spelling: Literal["json", "table", "mixed"] = "json"
    padded_text: bool = False
    hostile_text: bool = False
    late_field_from: int = 0

    dates: Literal["day", "datetime"] = "day"
    document_ids_change: bool = False
    double_type: bool = False

    read_trouble: Literal[
        "none",
        "success_false",
        "errors",
        "body_400",
        "body_500",
        "body_503",
        "no_code",
        "html",
        "broken_json",
    ] = "none"
    write_trouble: Literal["none", "success_false", "errors", "body_500", "html", "broken_json"] = (
        "none"
    )
    charset: Literal["utf-8", "latin1_declared", "latin1_undeclared"] = "utf-8"

    created_http: Literal[200, 201] = 201
    write_refusal: Literal["http", "body"] = "http"
    error_shape: Literal["strings", "objects", "object_of_lists"] = "strings"
    atomic_batches: bool = True
    batch_maximum: int = 0
    store_at_most: int | None = None
    delete_at_most: int | None = None
    decimals: Literal["five_places", "as_sent"] = "five_places"
    duplicate_articles: Literal["refuse", "store"] = "refuse"
    duplicate_documents: Literal["refuse", "store"] = "refuse"
    check_balance: bool = False
    put_absent: Literal["keep", "null"] = "keep"
    put_custom: Literal["merge", "replace"] = "merge"
    put_custom_key: Literal["camposPersonalizados", "camposcliente", "both"] = (
        "camposPersonalizados"
    )
    write_keys: Literal["any_case", "exact"] = "any_case"
    unknown_fields: Literal["ignore", "refuse", "store"] = "ignore"
    lose_write_answers: Literal["none", "first", "some", "all"] = "none"
