"""The quirks of FacturaDirecta's XML API that nobody outside can know, each with a default.

They follow the section "What stays unknown" of the API facts: a connector must get every provider
whichever way each of them is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from erp_sandbox.switches import Switches


@dataclass
class FacturaDirectaSwitches(Switches):
    """What the server does where the vendor's pages leave a choice.

    Attributes:
        default_limit: Rows of a list asked for without ``limit``.
        maximum_limit: The largest ``limit`` the documents allow.
        over_maximum: What a larger one gets: ``cap`` (that many rows) or ``400``.
        silent_cap: The server never gives more rows than this, whatever is asked (0: no such cap).
        order: Order of a list: by ``id``, by ``name``, or ``newest_first``.
        past_end: A ``start`` beyond the last row: an ``empty`` list, or the ``last_page`` again.
        empty_list: ``self_closing`` (``<providers/>``), ``pair`` (``<providers></providers>``), or
            the 404-shaped body with HTTP 404 (``not_found_404``) or 200 (``not_found_200``).
        list_items: ``full``, ``thin`` (the id alone) or ``without_custom_attributes``.
        encoded_colon: ``customAttributeName%3AX`` is ``ignored`` (no filter!) or ``understood``.
        text: How text is written: ``as_documented`` (CDATA or plain, by element), ``cdata``,
            ``split_cdata`` (several sections), ``plain``, ``character_references``, ``varied``.
        empty_elements: ``pair``, ``self_closing``, ``cdata`` (an empty section) or ``varied``.
        indent: Line breaks and blanks between elements, as the documents show them.
        comments: Comments between elements and in the middle of text.
        declaration: The document starts with an XML declaration.
        encoding: Charset that is declared and used, such as ``ISO-8859-1``.
        byte_order_mark: A UTF-8 document starts with U+FEFF.
        content_type: Header of XML answers; ``{encoding}`` is replaced.
        attributes: XML attributes on elements (``type="array"``, ``nil="true"``).
        namespace: Namespace of all elements of lists and details.
        namespace_prefix: Its prefix (none: the default namespace).
        wrapper: Name of an element around the root of lists and details.
        list_root: Name of a list's root.
        error_http_status: HTTP status of an error body: the ``same``, or always ``200``.
        unauthorized_body: A wrong token gets an ``xml`` or an ``html`` body.
        query_token: ``api_token`` in the query is accepted.
        created_status: HTTP status of a successful POST, 200 or 201.
    """

    default_limit: int = 100
    maximum_limit: int = 250
    over_maximum: Literal["cap", "400"] = "cap"
    silent_cap: int = 0
    order: Literal["id", "name", "newest_first"] = "id"
    past_end: Literal["empty", "last_page"] = "empty"
    empty_list: Literal["self_closing", "pair", "not_found_404", "not_found_200"] = "self_closing"
    list_items: Literal["full", "thin", "without_custom_attributes"] = "full"
    encoded_colon: Literal["ignored", "understood"] = "ignored"
    text: Literal[
        "as_documented", "cdata", "split_cdata", "plain", "character_references", "varied"
    ] = "as_documented"
    empty_elements: Literal["pair", "self_closing", "cdata", "varied"] = "pair"
    indent: bool = True
    comments: bool = False
    declaration: bool = True
    encoding: str = "UTF-8"
    byte_order_mark: bool = False
    content_type: str = "application/xml; charset={encoding}"
    attributes: bool = False
    namespace: str = ""
    namespace_prefix: str = ""
    wrapper: str = ""
    list_root: str = "providers"
    error_http_status: Literal["same", "200"] = "same"
    unauthorized_body: Literal["xml", "html"] = "xml"
    query_token: bool = True
    created_status: Literal[200, 201] = 200
