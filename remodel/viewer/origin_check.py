"""Who may talk to the viewer: its own page, not another site that is open in the browser."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Server = Callable[[Message, Receive, Send], Awaitable[None]]
OWN_NAMES = ("127.0.0.1", "localhost", "::1")  # of this machine
FORBIDDEN = 403
VIOLATION = 1008  # of a web socket: against the policy


class OriginCheck:
    """Lets requests through to a server that come from its own page (ASGI).

    A browser lets any site open a web socket to this machine, and by a name of its own that
    it points here (DNS rebinding) read all; it names the site in `Origin`, the name in `Host`.
    Where the server listens to other machines it has names unknown here: then only `Origin`
    is compared with `Host`, and against rebinding nothing is done. Programs are not kept out.
    """

    def __init__(self, server: Server, local: bool) -> None:
        """Guard a server that listens on this machine only, or to others."""
        self.server, self.local = server, local

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        kind = scope["type"]
        if kind not in ("http", "websocket") or self.is_own(dict(scope["headers"])):
            await self.server(scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": VIOLATION})
        else:
            await send({"type": "http.response.start", "status": FORBIDDEN, "headers": []})
            await send({"type": "http.response.body", "body": b"not from this page"})

    def is_own(self, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether a request comes from a page of this server, or from no page."""
        host, origin = (headers.get(name, b"").decode("latin-1") for name in (b"host", b"origin"))
        try:
            named, came = urlsplit(f"//{host}").hostname, urlsplit(origin).netloc
        except ValueError:
            return False
        return (not self.local or named in OWN_NAMES) and (not origin or came == host)
