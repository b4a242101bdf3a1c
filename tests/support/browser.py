"""A real browser without a screen: what it shows, what it complains of, what it asks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.remote.webelement import WebElement

from tests.support.programs import program

_SECONDS = 30
"""Longest that a page may take to open, in seconds."""

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    "--disable-dev-shm-usage",
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


class Browser:
    """One window of Chromium."""

    def __init__(self, driver: Chrome) -> None:
        """Keep what drives it."""
        self._driver = driver

    def open(self, page: Path) -> None:
        """Show a file, and forget what was before."""
        self.asked_for()
        self.complaints()
        self._driver.get(page.as_uri())

    def find(self, selector: str) -> list[WebElement]:
        """Find the elements that a CSS selector names, in the order of the page."""
        return self._driver.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        """Read the elements that a CSS selector names, as far as they can be seen."""
        return [found.text for found in self.find(selector) if found.is_displayed()]

    def ask(self, script: str) -> object:
        """Evaluate one expression in the page."""
        answer: object = self._driver.execute_script(f"return {script}")
        return answer

    def complaints(self) -> list[str]:
        """Return what the page wrote to the console since the last time."""
        return self._log("browser")

    def asked_for(self) -> list[str]:
        """Return the addresses that files asked for since the last time, their own first."""
        messages = [json.loads(entry)["message"] for entry in self._log("performance")]
        requests = [
            message["params"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        own = [one for one in requests if one["documentURL"].startswith("file:")]
        return [one["request"]["url"] for one in own]

    def _log(self, kind: str) -> list[str]:
        """Take what is new in one of the driver's logs."""
        entries = self._driver.execute("getLog", {"type": kind})["value"]
        return [entry["message"] for entry in entries]

    def look(self, *, dark: bool = False, paper: bool = False) -> None:
        """Show pages from now on as somebody sees them who likes it dark, or prints them."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        media = {"media": "print" if paper else "screen", "features": scheme}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def run_scripts(self, *, allowed: bool) -> None:
        """Let pages that are opened from now on run scripts, or not."""
        forbidden = {"value": not allowed}
        self._driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", forbidden)

    def read_out(self, *roles: str) -> list[str]:
        """Name what has such a role, as whoever does not see the page hears it."""
        nodes = self._driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [
            node["name"]["value"]
            for node in nodes
            if node.get("role", {}).get("value") in roles and "name" in node
        ]

    def picture(self, path: Path, width: int, height: int) -> None:
        """Take a picture of the top of the page at a width."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._driver.get_screenshot_as_file(str(path))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and stop it after."""
    options = ChromeOptions()
    options.binary_location = program("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = ChromeService(program("chromedriver"))
    driver = Chrome(options, service)
    driver.set_page_load_timeout(_SECONDS)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
