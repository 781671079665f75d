"""pip's settings in uv's words, so that whoever can install with pip can install with Meltano's uv."""

from __future__ import annotations

import ast
import subprocess
import sys

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}

SEPARATORS = {"UV_FIND_LINKS": ","}
"""Between several values, where uv wants no blank as pip does."""


def uv_variables() -> dict[str, str]:
    """Return the variables that make uv look where pip looks.

    They come from pip's files and variables; an index's address may hold a password, so they are handed
    on and never shown.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    # As pip does: the machine's own certificates, and the best version of all indexes together.
    variables = {"UV_SYSTEM_CERTS": "true", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    for line in done.stdout.splitlines():
        setting, _, value = line.partition("=")
        name = UV_NAMES.get(setting.rpartition(".")[2])
        if name is not None:
            values = str(ast.literal_eval(value)).split()
            variables[name] = SEPARATORS.get(name, " ").join(values)
    return variables
