"""Requests that no client library sends, each with the status that it is answered with."""

import gzip
import json
from dataclasses import dataclass
from typing import Any

API = "/api/v1"
BOAT = f"{API}/entities/category/Boat"
SEARCH = f"{API}/entities/search"
DRAFTS = f"{API}/drafts"
HEAD = ["Host: hub", "Connection: close"]
KIND = "Content-Type: application/json"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """Bytes that are sent, and the statuses that may be answered; 0: a closed connection."""

    name: str
    sent: bytes
    status: tuple[int, ...]


def raw(name: str, sent: bytes, *status: int) -> Bad:
    return Bad(name, sent, status)


def head(name: str, line: str, *status: int, headers: tuple[str, ...] = ()) -> Bad:
    text = "\r\n".join([line, *HEAD, *headers, "", ""])
    return Bad(name, text.encode("latin-1"), status)


def get(name: str, target: str, *status: int, headers: tuple[str, ...] = ()) -> Bad:
    return head(name, f"GET {target} HTTP/1.1", *status, headers=headers)


def post(
    name: str,
    body: bytes,
    *status: int,
    headers: tuple[str, ...] = (KIND,),
    path: str = DRAFTS,
    method: str = "POST",
) -> Bad:
    lines = [f"{method} {path} HTTP/1.1", *HEAD, *headers]
    if not any(one.lower().startswith(("content-length", "transfer-enc")) for one in headers):
        lines.append(f"Content-Length: {len(body)}")
    return Bad(name, "\r\n".join([*lines, "", ""]).encode("latin-1") + body, status)


def proposal(**more: Any) -> bytes:
    payload = {"wiki_url": "https://w.example", "base_version": "v1", "entities": {}, **more}
    return json.dumps({"payload": payload}, separators=(",", ":")).encode()


def opaque(value: bytes) -> bytes:
    return b'{"payload":{"a":' + value + b"}}"


def categories(count: int, **definition: Any) -> bytes:
    named = [
        {"entity_id": f"C{number}", "label": "x", "schema_definition": definition}
        for number in range(count)
    ]
    return proposal(entities={"categories": named})


HEADS = [
    raw("HTTP/0.9", b"GET /livez\r\n\r\n", 200),
    raw("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    raw("TLS hello on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, 400),
    raw("bytes without a line", b"\0" * 100_000, 400),
    raw("no Host", b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n", 200),
    get("two Hosts", "/livez", 200, headers=("Host: evil.example",)),
    get("a Host with a path", BOAT, 200, headers=("Host: evil.example/@\\..",)),
    head("nonsense method", "FROBNICATE /livez HTTP/1.1", 400),
    head("method of another protocol", "PROPFIND / HTTP/1.1", 404, 405),
    head("TRACE", "TRACE /livez HTTP/1.1", 405),
    head("CONNECT", "CONNECT evil.example:443 HTTP/1.1", 400, 404),
    head("method in lower case", "get /livez HTTP/1.1", 400),
    head("HTTP/9.9", "GET /livez HTTP/9.9", 400),
    head("two blanks and a third word", "GET /livez  x HTTP/1.1", 400),
    get("header with NUL", "/livez", 400, headers=("X-A: a\0b",)),
    get("header folded over two lines", "/livez", 200, 400, headers=("X-A: a", " b")),
    get("header with a bare CR", "/livez", 400, headers=("X-A: a\rX-B: b",)),
    get("header without a name", "/livez", 400, headers=(": a",)),
    get("blank before the colon", "/livez", 200, 400, headers=("X-A : a",)),
    get("1000 headers", "/livez", 200, headers=tuple(f"X-{n}: {n}" for n in range(1000))),
    get("header of a megabyte", "/livez", 431, headers=("X-A: " + "a" * MEGABYTE,)),
    get("50,000 headers", "/livez", 431, headers=("X-A: a",) * 50_000),
    raw("header without end", b"GET / HTTP/1.1\r\nX-A: " + b"a" * 40 * MEGABYTE, 431, 0),
    raw("line without end", b"GET /" + b"a" * 40 * MEGABYTE, 400, 431, 0),
    get("If-None-Match bomb", BOAT, 200, 431, headers=("If-None-Match: " + '"x",W/' * 9_000,)),
    get("Range bomb", BOAT, 200, headers=("Range: bytes=" + "0-1," * 5_000,)),
    get("Accept bomb", BOAT, 200, headers=("Accept-Encoding: " + "gzip;q=0.1," * 4_000,)),
    get("Origin that injects", BOAT, 200, headers=("Origin: https://x\tSet-Cookie: a",)),
    get("X-Forwarded-For that lies", BOAT, 200, headers=("X-Forwarded-For: " + "1," * 9_000,)),
    get("request id that injects", BOAT, 400, headers=("X-Request-ID: a\tb\x1b[2J",)),
    get("websocket", BOAT, 200, headers=("Upgrade: websocket", "Sec-WebSocket-Key: x")),
    raw("pipelined thousandfold", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 1000, 200),
    raw("nonsense behind a request", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n\x01\x02", 200, 0),
]

TARGETS = [
    get("absolute form", "http://evil.example/livez", 200, 404),
    get("two slashes", "//livez", 404),
    get("path upwards", f"{API}/../../etc/passwd", 404),
    get("path upwards, quoted", f"{API}/%2e%2e/%2e%2e/etc/passwd", 404),
    get("overlong quoting of a dot", f"{API}/%c0%ae%c0%ae/livez", 404),
    get("invalid quoting", f"{API}/entities/category/%zz%", 404),
    get("NUL in the path", f"{API}/entities/category/%00", 404, 422),
    get("half of a surrogate pair in the path", f"{API}/entities/category/%ed%a0%80", 404),
    get("raw UTF-8 in the path", f"{API}/entities/category/\xc3\x9c", 400, 404),
    get("path of 60 kB", "/" + "a" * 60_000, 404),
    get("path of 100 kB", "/" + "a" * 100_000, 400),
    get("30,000 folders", "/a" * 30_000, 404),
    get("asterisk", "*", 400, 404),
    get("no path", "?x", 400, 404),
    get("10,000 parameters", f"{SEARCH}?" + "&".join(f"q{n}=" for n in range(7_000)), 422),
    get("one parameter 10,000 times", f"{SEARCH}?" + "q=boat&" * 8_000, 200),
    get("search for wildcards", f"{SEARCH}?q=" + "%25_" * 24, 200, 422),
    get("search as a regex bomb", f"{SEARCH}?q=(a%2B)%2B%24", 200),
    get("search right to left", f"{SEARCH}?q=%E2%80%AEtaob", 200),
    get("search decomposed", f"{SEARCH}?q=U%CC%88ber", 200),
    get("search for NUL", f"{SEARCH}?q=bo%00at", 200, 422),
    get("search for a surrogate", f"{SEARCH}?q=%ed%a0%80", 200),
    get("search of 60 kB", f"{SEARCH}?q=" + "a" * 60_000, 422),
    get("limit of 5000 digits", f"{SEARCH}?q=boat&limit=" + "9" * 5_000, 422),
    get("limit in other digits", f"{SEARCH}?q=boat&limit=%EF%BC%91", 422),
    get("forged cursor", f"{API}/entities/category?cursor=%27%3B+DROP+TABLE+entities--", 200),
    get("cursor of 60 kB", f"{API}/entities/category?cursor=" + "a" * 60_000, 200),
    get("token of 60 kB", f"{DRAFTS}/" + "a" * 60_000, 404),
    get("token with NUL", f"{DRAFTS}/%00", 404),
]

LENGTHS = [
    post("length too short", b'{"payload":{}}', 422, headers=(KIND, "Content-Length: 3")),
    post("length too long", b'{"payload":{}}', 408, headers=(KIND, "Content-Length: 300")),
    post("length negative", b"{}", 400, headers=(KIND, "Content-Length: -2")),
    post("length with a plus", b"{}", 400, headers=(KIND, "Content-Length: +2")),
    post("two lengths", b"{}", 400, headers=(KIND, "Content-Length: 2", "Content-Length: 3")),
    post("lengths in a list", b"{}", 400, headers=(KIND, "Content-Length: 2, 2")),
    post(
        "length and chunks",
        b"0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n",
        400,
        headers=(KIND, "Content-Length: 4", "Transfer-Encoding: chunked"),
    ),
    post("chunked twice", b"0\r\n\r\n", 400, headers=(KIND, "Transfer-Encoding: chunked, chunked")),
    post("chunked in disguise", b"0\r\n\r\n", 400, headers=(KIND, "Transfer-Encoding: xchunked")),
    post("chunk of no number", b"zz\r\n", 400, 408, headers=(KIND, "Transfer-Encoding: chunked")),
    post(
        "chunk of 2^64 bytes",
        b"ffffffffffffffff\r\n{}",
        *(400, 408),
        headers=(KIND, "Transfer-Encoding: chunked"),
    ),
    post(
        "chunk with an endless extension",
        b"2;" + b"a" * 2 * MEGABYTE,
        *(400, 408),
        headers=(KIND, "Transfer-Encoding: chunked"),
    ),
    post("body that is awaited", b"", 408, headers=(KIND, "Content-Length: 9", "Expect: x")),
    post("chunks that do not come", b"", 408, headers=(KIND, "Transfer-Encoding: chunked")),
]

BODIES = [
    post("100,000 levels", opaque(b"[" * 100_000 + b"]" * 100_000), 422),
    post("100,000 levels without end", b'{"a":' * 100_000, 422),
    post("number of 10,000 digits", opaque(b"9" * 10_000), 422),
    post("1e400", opaque(b"1e400"), 422),
    post("1e-400", opaque(b"1e-400"), 201, 422),
    post("NaN", opaque(b"NaN"), 422),
    post("minus infinity", opaque(b"-Infinity"), 422),
    post("NUL, escaped", opaque(rb'"\u0000"'), 422),
    post("NUL, raw", opaque(b'"\0"'), 422),
    post("half of a surrogate pair, escaped", opaque(rb'"\ud800"'), 422),
    post("half of a surrogate pair, raw", opaque(b'"\xed\xa0\x80"'), 422),
    post("no UTF-8", opaque(b'"\xff\xfe"'), 422),
    post("UTF-16", '{"payload":{}}'.encode("utf-16"), 422),
    post("byte order mark", b'\xef\xbb\xbf{"payload":{}}', 422),
    post("one key twice", b'{"payload":{},"payload":{"wiki_url":1}}', 422),
    post("two values", b'{"payload":{}}{"payload":{}}', 422),
    post("gzip", gzip.compress(b'{"payload":{}}'), 422, headers=(KIND, "Content-Encoding: gzip")),
    post(
        "bomb of gzip",
        gzip.compress(opaque(b"[" + b"0," * 20 * MEGABYTE + b"0]")),
        *(422,),
        headers=(KIND, "Content-Encoding: gzip"),
    ),
    post("XML under the name of JSON", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 422),
    post("form", b"payload=1", 415, headers=("Content-Type: application/x-www-form-urlencoded",)),
    post("multipart without end", b"--a\r\n", 415, headers=("Content-Type: multipart/form-data",)),
    post("kind of 30 kB", b"{}", 415, headers=("Content-Type: " + "a/" * 15_000,)),
    post("no kind", b'{"payload":{}}', 415, headers=()),
    post("id right to left", categories(1).replace(b"C0", "\u202eevil".encode()), 422),
    post("id upwards", categories(1).replace(b"C0", b"../../x"), 422),
    post(
        "label of 900 kB",
        categories(1).replace(b'"x"', b'"' + b"x" * 900_000 + b'"'),
        422,
    ),
    post("50,000 parents", categories(1, parents=[f"P{n}" for n in range(50_000)]), 422),
    post("parent of itself", categories(1, parents=["C0"]), 201),
]

LARGEST = post("as many categories as can be", categories(9_990), 201)

# What takes long to judge: the body of a megabyte that is the worst of its kind.
HEAVY = [
    post("500,000 values", opaque(b"[" + b"0," * 500_000 + b"0]"), 201),
    post("500,000 lists", opaque(b"[" + b"[]," * 330_000 + b"0]"), 201),
    post(
        "500,000 values on level 190", opaque(b"[" * 190 + b"0," * 500_000 + b"0" + b"]" * 190), 201
    ),
    post("90,000 keys", opaque(json.dumps({f"{n:x}": 0 for n in range(90_000)}).encode()), 201),
    post("500,000 items that are none", proposal(entities={"categories": [0] * 500_000}), 422),
    post("90,000 members", proposal(entities={f"{n:x}": 0 for n in range(90_000)}), 422),
    post("120,000 modules that are none", proposal(modules=[{"a": 0}] * 120_000), 422),
    post(
        "500,000 dependencies that are none",
        proposal(modules=[{"module_id": "a", "label": "a", "dependencies": [0] * 500_000}]),
        422,
    ),
    LARGEST,
    post(
        "every category a parent of each", categories(90, parents=[f"C{n}" for n in range(90)]), 201
    ),
    post(
        "a cycle of 4990 modules",
        proposal(
            modules=[
                {"module_id": f"{n}", "label": "x", "dependencies": [f"{(n + 1) % 4990}"]}
                for n in range(4990)
            ]
        ),
        201,
    ),
    post(
        "a description of 400,000 lines",
        proposal(
            entities={
                "categories": [
                    {
                        "entity_id": "Boat",
                        "label": "x",
                        "description": "a\n" * 330_000,
                        "schema_definition": {},
                    }
                ]
            }
        ),
        201,
    ),
]

SECRETS = [
    get("sync by GET", f"{API}/admin/sync", 405),
    *(
        post(f"bearer: {name}", b"", 401, path=f"{API}/admin/sync", headers=headers)
        for name, headers in {
            "none": (),
            "empty": ("Authorization: Bearer ",),
            "of 50 kB": ("Authorization: Bearer " + "x" * 50_000,),
            "not ASCII": ("Authorization: Bearer \xff\xfe\x80",),
            "Basic": ("Authorization: Basic " + "x" * 100,),
            "twice": ("Authorization: Bearer a", "Authorization: Bearer b"),
        }.items()
    ),
    *(
        post(f"signature: {name}", b"{}", 403, path=f"{API}/webhooks/github", headers=headers)
        for name, headers in {
            "none": (KIND,),
            "empty": (KIND, "X-Hub-Signature-256: "),
            "without the hash's name": (KIND, "X-Hub-Signature-256: " + "0" * 64),
            "not ASCII": (KIND, "X-Hub-Signature-256: sha256=\xff"),
            "of 50 kB": (KIND, "X-Hub-Signature-256: sha256=" + "0" * 50_000),
            "SHA-1": (KIND, "X-Hub-Signature: sha1=" + "0" * 40),
        }.items()
    ),
]
