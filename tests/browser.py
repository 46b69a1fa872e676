"""A browser that tests drive, and the server of the page that it opens."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import remodel

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
SHOTS = Path(os.environ.get("REMODEL_SHOTS", "results/screenshots"))
SECONDS = 90_000  # milliseconds that a page may take under load
WIDE = {"width": 1440, "height": 900}


class Server:
    """`remodel view` in a process of its own."""

    def __init__(self, *arguments):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        here = str(Path(remodel.__file__).parent.parent)
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "remodel", "view", "--no-browser", "--port", str(port), *arguments],
            env=os.environ | {"PYTHONPATH": here}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.address = re.search(r"http://\S+", self.process.stdout.readline())[0]

    def stop(self):
        self.process.kill()
        self.process.communicate()


class Tab:
    """One page, and what went wrong in it."""

    def __init__(self, browser, address, size=WIDE):
        self.wrong = []
        self.page = browser.new_page(viewport=size)
        self.page.set_default_timeout(SECONDS)
        self.page.route("**/*", lambda route: self.let(route, address))
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("response", lambda r: self.wrong.append(r.url) if r.status >= 400 else None)
        self.page.goto(address)
        self.button("Step").wait_for()

    def let(self, route, address):
        """Let requests to the server through, and no others."""
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            self.wrong.append(route.request.url)
            route.abort()

    def hear(self, message):
        if message.type == "error":
            self.wrong.append(message.text)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, *names):
        for name in names:
            self.button(name).click()

    def words(self):
        return self.page.locator(".words").inner_text()

    def year(self):
        return float(re.search(r"year ([\d.]+)", self.page.locator(".who").first.inner_text())[1])

    def wait_for_year(self, year):
        self.page.wait_for_function(
            "year => parseFloat(document.querySelector('.who').innerText.split('year ')[1]) >= year",
            arg=year,
        )

    def advance(self, name, count=1):
        """Press a button that advances, and wait for each to be drawn."""
        for _ in range(count):
            before = self.year()
            self.press(name)
            self.wait_for_year(before + 0.01)

    def choose(self, label, option):
        """Choose an option of a list."""
        self.page.locator(".v-select", has_text=label).click()
        self.page.locator(".menuable__content__active").get_by_text(option, exact=True).click()

    def open_lesson(self, title):
        """Open a lesson by the list of lessons."""
        if self.button("Lesson").is_enabled():
            self.press("Lesson")
        self.choose("lesson", title)
        self.page.get_by_role("heading", name=title).wait_for()

    def wait_for_rest(self, year):
        """Wait until it plays no more, and stands at the step nearest to a year."""
        step = f"year {round(year * 365.25 / 7) * 7 / 365.25:.2f}"
        self.page.wait_for_function(
            "step => document.querySelector('.who').innerText.endsWith(step)", arg=step
        )
        self.button("Play").wait_for()
        self.page.wait_for_timeout(200)
        assert self.page.locator(".who").first.inner_text().endswith(step)

    def hold_estradiol(self, key, count=12):
        """Move the slider by the keys of the keyboard."""
        thumb = self.page.get_by_role("slider", name="Estradiol").first
        thumb.focus()
        for _ in range(count):
            thumb.press(key)
        wanted = "0" if key == "ArrowLeft" else "400"
        self.page.get_by_text(f"Endogenous estradiol: {wanted} pmol/L").wait_for()

    def spine(self):
        side, size = re.search(r"the spine has (lost|gained) ([\d.]+)", self.words()).groups()
        return float(size) * (-1 if side == "lost" else 1)

    def save(self, label, folder):
        with self.page.expect_download() as waiting:
            self.button(label).click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def shoot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def close(self):
        self.page.close()
        assert self.wrong == []
