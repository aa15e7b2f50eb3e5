"""Records by HTTP POST, signed as Standard Webhooks says (https://www.standardwebhooks.com), delivered at least once.

In: a URL, and a secret that both sides know. Out: a request for each part with `webhook-id` (the part's id, by which a
receiver knows one that came twice), `webhook-timestamp` and `webhook-signature`: HMAC-SHA256 over id, time and body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
from typing import TYPE_CHECKING

from specsight.errors import SpecsightError, require
from specsight.line.outlets.contract import NotTaken, Outlet, OutletDown, outlets
from specsight.line.outlets.secrets import secret, split_address, trusted
from specsight.line.records import JudgedPart

if TYPE_CHECKING:
    import httpx

VARIABLE = "SPECSIGHT_WEBHOOK_SECRET"
CONNECT, ANSWER = 5.0, 15.0
"""Seconds to wait for a connection, and for an answer."""
FOR_GOOD = (400, 413, 415, 422)
"""Answers that the same body would get again; all others but success may change, and are tried again."""
PREFIX = "whsec_"
"""Before a secret in base64, as services for webhooks give them."""


def signature(key: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """ "v1," and the base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY"."""
    digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


@outlets.register("webhook")
class Webhook(Outlet):
    """Each record by signed HTTP POST, at least once: webhook:https://host/path; secret in SPECSIGHT_WEBHOOK_SECRET"""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        parts, options = split_address(address, self.target, ("secret", "ca"))
        if parts.scheme not in ("http", "https"):
            raise SpecsightError(f"--to {address}: give an address that begins with https:// or http://")
        self._url, self._ca = parts.geturl(), trusted(options)
        self._key = _key(secret(VARIABLE, options.get("secret", "")))
        if not self._key:
            raise SpecsightError(
                f"--to {address}: there is no secret to sign with: set {VARIABLE}, or {VARIABLE}_FILE to a file with it"
            )
        require("httpx", "outlets")
        self._client: httpx.Client | None = None

    def open(self) -> None:
        """Make a client; the first part opens the connection."""
        import httpx

        verify = ssl.create_default_context(cafile=self._ca) if self._ca else True
        # Without redirects: a signed record goes nowhere that nobody named.
        self._client = httpx.Client(
            verify=verify, follow_redirects=False, timeout=httpx.Timeout(ANSWER, connect=CONNECT)
        )

    def send(self, part: JudgedPart) -> None:
        """Post the record; any answer of 200 to 299 takes it."""
        import httpx

        assert self._client is not None
        body = json.dumps(part.to_json(), separators=(",", ":"), allow_nan=False).encode()
        timestamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": part.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, part.id, timestamp, body),
        }
        try:
            # Streamed, so that an answer without end is not read.
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                self._check(answer.status_code, answer.headers.get("retry-after", ""))
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise OutletDown(f"{type(error).__name__}: {error}".rstrip(": ")) from error

    def close(self) -> None:
        """Close connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _check(self, status: int, retry_after: str) -> None:
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise OutletDown(
                f"answers {status} and leads elsewhere, which is not followed: give that address"
            )
        if status in FOR_GOOD:
            raise NotTaken(f"answers {status}")
        seconds = float(retry_after) if retry_after.isdigit() and len(retry_after) < 6 else None
        raise OutletDown(f"answers {status}", seconds)


def _key(text: str) -> bytes:
    """The bytes to sign with: of base64 behind "whsec_", or the text as it is."""
    if not text.startswith(PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise SpecsightError(
            f"the secret of the webhook begins with {PREFIX} and is no base64 behind it"
        ) from error
