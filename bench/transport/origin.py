"""Origin: the server that a request goes to."""

import httpx2

Origin = tuple[str, str, int]
_PORTS = {"http": 80, "https": 443}


def origin_of(request: httpx2.Request) -> Origin:
    """Scheme, host and port.

    Raises:
        httpx2.UnsupportedProtocol: The address is none of HTTP.
    """
    url = request.url
    scheme, host = url.scheme, url.raw_host.decode("ascii")
    if scheme not in _PORTS or not host:
        sentence = f"'{scheme}://{host}' is no address of HTTP"
        raise httpx2.UnsupportedProtocol(sentence, request=request)
    return scheme, host, url.port or _PORTS[scheme]
