"""Chooses the HTTP transport: the lean one, unless something asks for what only httpx can do."""

from __future__ import annotations

import os
import ssl

from lotusx.kernel.transport import HttpTransport
from lotusx.transport.http1 import MAX_BODY_BYTES

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def make_http_transport(
    *,
    proxy: str | None = None,
    verify: bool | str | ssl.SSLContext = True,
    trust_env: bool = True,
    http2: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> HttpTransport:
    """Return a transport for one connector.

    Args:
        proxy: Address of a proxy.
        verify: True: the well-known authorities; a path: those of that file; False: everyone, for tests only.
        trust_env: Let the usual environment variables name a proxy or the authorities.
        http2: Offer HTTP/2.
        max_body_bytes: A longer reply is refused.
    """
    if proxy or http2 or (trust_env and proxy_in_environment()):
        from lotusx.transport.httpx_http import HttpxTransport

        return HttpxTransport(
            proxy=proxy, verify=verify, trust_env=trust_env, http2=http2, max_body_bytes=max_body_bytes
        )
    from lotusx.transport.lean_http import LeanTransport

    return LeanTransport(verify=verify, trust_env=trust_env, max_body_bytes=max_body_bytes)


def proxy_in_environment() -> bool:
    """Whether an environment variable names a proxy, in either case."""
    return any(os.environ.get(form) for name in _PROXY_VARIABLES for form in (name, name.upper()))
