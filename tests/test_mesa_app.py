"""Mesa's own page in a real browser, the network cut off: examples/mesa_app.py."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from browser import BROWSER, FLAGS, SECONDS, Tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium on the path"),
]
TOP = Path(__file__).parent.parent
APP = TOP / "examples" / "mesa_app.py"
SHOWN = (
    r"() => { const m = document.body.innerText.match(/(?:Step|Time): ([\d.]+)/); return m && %s }"
)


class MesaServer:
    """`solara run` of the example in a process of its own."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.said = folder / "said.txt"
        words = ["run", str(APP), "--host", "127.0.0.1", "--port", str(port)]
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "solara", *words, "--no-open", "--production"],
                env=os.environ
                | {"PYTHONPATH": str(TOP), "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False"},
                stdout=said, stderr=said,
            )  # fmt: skip
        self.wait()

    def wait(self):
        """Wait until it answers."""
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, self.said.read_text()
                time.sleep(0.1)
        pytest.fail(self.said.read_text())

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = MesaServer(tmp_path_factory.mktemp("mesa"))
    yield running
    running.stop()


@pytest.fixture
def tab(server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        opened = Tab(browser, server.address)
        yield opened
        opened.close()
        browser.close()


def clock(tab):
    return float(re.search(r"(?:Step|Time): ([\d.]+)", tab.page.inner_text("body"))[1])


def wait_until(tab, condition):
    tab.page.wait_for_function(SHOWN % condition, timeout=SECONDS)


def pictures(tab, after=None):
    """Return how section and curves look, once both look otherwise than before."""
    for _ in range(200):
        images = tab.page.locator("img")
        if images.count() == 2:
            found = [images.nth(place).screenshot() for place in range(2)]
            if after is None or all(map(bytes.__ne__, found, after)):
                return found
        tab.page.wait_for_timeout(100)
    pytest.fail("the pictures stand still")


def test_it_steps_plays_and_resets(tab, server):
    first = pictures(tab)
    assert clock(tab) == 0
    tab.press("Step")
    wait_until(tab, "+m[1] === 1")
    second = pictures(tab, after=first)
    tab.press("▶")
    wait_until(tab, "+m[1] >= 8")
    tab.press("❚❚")
    tab.button("▶").wait_for()
    pictures(tab, after=second)
    tab.press("Step")  # it plays no more, and goes on
    begin = time.perf_counter()
    tab.press("Reset")
    wait_until(tab, "+m[1] === 0")
    assert time.perf_counter() - begin < 30  # aimed at 0.5; others may be at work
    tab.press("Step")
    wait_until(tab, "+m[1] === 1")
    tab.page.get_by_role("slider").nth(3).focus()  # after those of Mesa: estradiol and age
    tab.page.keyboard.press("ArrowRight")
    tab.press("Reset")
    wait_until(tab, "+m[1] === 0")
    tab.press("Step")
    wait_until(tab, "+m[1] === 1")
    tab.shoot("mesa")
    assert "Traceback" not in tab.page.inner_text("body")
    assert "Traceback" not in server.said.read_text()
