"""Start the viewer on this machine and open the browser."""

import json
import os
import socket
import threading
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from remodel.viewer.origin_check import OWN_NAMES, OriginCheck
from remodel.viewer.player import spun_up
from remodel.viewer.start import OPENING, open_scene, wanted_opening

NEEDS = ("solara", "ipyvuetify", "solara_assets", "uvicorn", "tomli_w", "markdown")
INSTALL = 'the viewer is not installed; install it with: pip install "remodel[viewer]"'
SETTINGS = {  # of Solara; what is set outside wins
    "SOLARA_APP": "remodel.viewer.app",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_THEME_SHOW_BANNER": "False",
    "SOLARA_THEME_TITLE": "remodel",
    "SOLARA_KERNEL_CULL_TIMEOUT": "10m",  # a closed tab's model; a laptop may sleep for a while
}
LOCAL = "127.0.0.1"
TRIES = 20  # ports in which a free one is looked for


def check_extra() -> None:
    """Refuse to start where the extra is not installed."""
    if any(find_spec(name) is None for name in NEEDS):
        raise ValueError(INSTALL)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or say which port would be free."""
    if not host.strip():  # which would be every network that this machine is in
        raise ValueError(f"host = {host!r}; expected a name or an address, such as {LOCAL}")
    try:
        return socket.create_server((host, port))
    except OSError as error:
        free = next((p for p in range(port + 1, port + TRIES) if is_free(host, p)), None)
        offer = f"; {free} is free: --port {free}" if free else "; choose another --port or --host"
        raise ValueError(
            f"port {port} on {host} cannot be used ({error.strerror or error}){offer}"
        ) from None


def is_free(host: str, port: int) -> bool:
    """Return whether a port can be listened at."""
    if port > 65535:
        return False
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def open_browser(address: str) -> None:
    """Open the browser, or say what to do where there is none."""
    if not webbrowser.open(address):
        print("no browser could be opened; open the address yourself", flush=True)


def serve(wanted: dict[str, Any], host: str, port: int, browser: bool) -> None:
    """Serve the page until it is interrupted.

    Parameters
    ----------
    wanted : dict
        As for `open_scene`; empty for none.
    host, port : str, int
        Where to listen.
    browser : bool
        Whether to open the browser.
    """
    for name in ("trial", "parameters"):
        if wanted[name].endswith(".toml"):
            wanted = wanted | {name: str(Path(wanted[name]).resolve())}
    for name, value in SETTINGS.items():  # Solara reads them when it is imported
        os.environ.setdefault(name, value)
    os.environ[OPENING] = json.dumps(wanted)
    with listen(host, port) as ready:
        address = f"http://{'localhost' if host == LOCAL else host}:{ready.getsockname()[1]}"
        print(f"remodel: {address} (stop with Ctrl-C)", flush=True)
        if browser:
            threading.Thread(target=open_browser, args=(address,), daemon=True).start()
        run_server(ready, host in OWN_NAMES)


def run_server(ready: socket.socket, local: bool) -> None:
    """Run Solara's server on a socket; who connects before it is up has to wait a moment."""
    threading.Thread(target=warm_up, daemon=True).start()
    import uvicorn
    from solara.server.starlette import app

    uvicorn.Server(uvicorn.Config(OriginCheck(app, local), log_level="error")).run(sockets=[ready])


def warm_up() -> None:
    """Spin up the first section while server and page are loading."""
    for arm in (scene := open_scene(wanted_opening())[1]).arms:
        spun_up(arm.patient, scene.parameters, scene.seed, scene.run_in)
