"""HTTP as a browser and a relying party speak it: a fresh connection for each request, every outcome kept."""

import base64
import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

# More than the provider may take: five seconds for the database, and some for the rest.
CLIENT_SECONDS = 15.0
_ACTION = re.compile(r'<form\b[^>]*\baction="([^"]+)"')
_FIELD = re.compile(r"<input[^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Answer:
    """status: 0 where there was none; then ``body`` says why (``timed out``, ``refused``, ``cut``)."""

    status: int
    headers: Mapping[str, str]
    body: str
    started: float
    seconds: float
    path: str

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def outcome(self) -> str:
        return str(self.status) if self.status else self.body

    def form(self, end: str) -> str:
        """The address of the form that ends so."""
        return next(found[1] for found in _ACTION.finditer(self.body) if found[1].endswith(end))

    def fields(self, end: str) -> dict[str, str]:
        """What that form sends by itself."""
        inside = self.body.partition(f'action="{self.form(end)}"')[2].partition("</form>")[0]
        inputs = (dict(_ATTRIBUTE.findall(tag)) for tag in _FIELD.findall(inside))
        return {found["name"]: found.get("value", "") for found in inputs if "name" in found}

    def hidden_field(self, name: str) -> str:
        """The value of an input of the page."""
        inputs = (dict(_ATTRIBUTE.findall(tag)) for tag in _FIELD.findall(self.body))
        return next((found.get("value", "") for found in inputs if found.get("name") == name), "")


@dataclass
class Client:
    """One browser, or one relying party: its cookies, and every answer that it was given."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    timeout: float = CLIENT_SECONDS

    def get(self, path: str) -> Answer:
        return self._send("GET", path, None, {})

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        typed = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", path, urlencode(form), {**typed, **(headers or {})})

    def post_as(self, client_id: str, secret: str, path: str, form: Mapping[str, str]) -> Answer:
        """With the client's own name and secret (RFC 6749 section 2.3.1)."""
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return self.post(path, form, {"Authorization": f"Basic {basic}"})

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if urlsplit(path).netloc:
            path = path.partition(urlsplit(path).netloc)[2]
        answer = self._exchange(method, path, body, sent)
        self.answers.append(answer)
        return answer

    def _exchange(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        connection = self._connection()
        started, clock = time.time(), time.monotonic()
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            self._keep_cookies(response)
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, text, started, time.monotonic() - clock, path)
        except TimeoutError:
            return Answer(0, {}, "timed out", started, time.monotonic() - clock, path)
        except ConnectionRefusedError:
            return Answer(0, {}, "refused", started, time.monotonic() - clock, path)
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, "cut", started, time.monotonic() - clock, path)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)

    def _keep_cookies(self, response: http.client.HTTPResponse) -> None:
        for header in response.headers.get_all("Set-Cookie") or []:
            name, _, value = header.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
