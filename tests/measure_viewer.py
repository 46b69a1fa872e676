"""Measure the viewer in a browser: `python tests/measure_viewer.py [minutes]` from the top folder.

Prints the seconds from the command to a page that is ready, frames a second on the default
section with one tab and with two, what of a frame is the model's and what is drawing, and
how the memory of the server grows with a thousand frames.
"""

import re
import sys
import time
from pathlib import Path

from browser import BROWSER, FLAGS, Server, Tab
from playwright.sync_api import sync_playwright


def memory(server):
    """Return the resident memory of the server, MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def frames(tab, seconds):
    """Play for some seconds; return frames that were shown a second."""
    count = (
        "() => { window.seen = 0; if (!window.watch) { window.watch = new MutationObserver("
        "() => { window.seen += 1 }); window.watch.observe(document.querySelector('img.section'),"
        " {attributes: true, attributeFilter: ['src']}) } }"
    )
    tab.page.evaluate(count)
    time.sleep(seconds)
    return tab.page.evaluate("() => window.seen") / seconds


def main(minutes):
    server = Server()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        tab = Tab(browser, server.address)
        print(f"page ready {time.perf_counter() - server.begun:.1f} s after the command")
        tab.press("Play")
        print(f"one tab: {frames(tab, 20):.1f} frames/s; {tab.page.locator('.cost').inner_text()}")
        other = Tab(browser, server.address)
        other.press("Play")
        print(f"each of two tabs: {frames(tab, 15):.1f} and {frames(other, 15):.1f} frames/s")
        other.close()
        begin, start, shown = memory(server), time.perf_counter(), 0.0
        while time.perf_counter() - start < 60 * minutes:
            shown += 30 * frames(tab, 30)
            if tab.button("Play").count():  # the longest run is over
                tab.press("Reset", "Play")
            now = memory(server)
            print(f"after {shown:.0f} frames: {now:.0f} MiB, year {tab.year():.0f}", flush=True)
        print(f"growth: {1000 * (memory(server) - begin) / shown:.1f} MiB per 1000 frames")
        browser.close()
    server.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)
