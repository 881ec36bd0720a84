"""Client: an HTTP client for the library that builds the requests."""

from http.cookiejar import CookieJar

import httpx2

from bench.transport.proxies import EnvironmentTransport

NETWORK_ERRORS = (httpx2.HTTPError, httpx2.StreamError, OSError)


class _NoCookies(CookieJar):
    """Keeps none: no request depends on the answer to another."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave them where they are."""


async def _read_as_utf_8(response: httpx2.Response) -> None:
    # An answer may name any codec of Python's, some of which are not for text.
    response.encoding = "utf-8"


def http_client() -> httpx2.AsyncClient:
    """A client that follows no redirect and has no deadline of its own."""
    return httpx2.AsyncClient(
        transport=EnvironmentTransport(),
        cookies=_NoCookies(),
        event_hooks={"response": [_read_as_utf_8]},
        # Unpacking would be our time and none of the endpoint's, and a few packed
        # bytes may fill the memory.
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
        timeout=None,
    )
