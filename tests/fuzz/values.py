"""What a hostile, careless or broken browser puts into a field; bytes, because not all of it is text."""

from __future__ import annotations

import json
import struct

NUMBERS = [
    *["0", "-1", "1.5", "1e309", "-1e-309", "NaN", "Infinity", "0x10", "1_000", "１２", "²", "٣", "+1", " 1 ", "1,000"],
    *[str(number) for number in (2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**18)],
    *["9" * 400, "9" * 5000],
]
DAYS = [
    *["0000-00-00", "0001-01-01", "1582-10-10", "1899-12-31", "2026-02-29", "2026-02-30", "2026-13-01", "9999-12-30"],
    *["9999-12-31", "10000-01-01", "-0001-01-01", "2026-W01-1", "2026-03-01T24:00", "2026/03/01", "二〇二六年三月"],
]
KEYS = [
    *[
        "00000000-0000-0000-0000-000000000000",
        "{00000000-0000-4000-8000-000000000000}",
        "0" * 32,
        "urn:uuid:" + "0" * 32,
    ],
    *["g" * 32, "SUBMITTED", "True", "null", "undefined", "None", "on", "[]", "{}"],
]
TEXTS = [
    *["", " ", "　", "\t\r\n", "x", "a" * 10_000, "长" * 40_000, "'", '"', "\\", "`", "%", "%00", "%s%n%x", "${7*7}"],
    *["{{ 7|add:7 }}", "{% debug %}", "' or '1'='1", "'; select pg_sleep(5) --", "1) or (1=1", "*", "\\x00"],
    *["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "<!--", "]]>", "&#0;"],
    *[
        "../../../../etc/passwd",
        "file:///etc/passwd",
        "//elsewhere.example/",
        "https:elsewhere.example",
        "\\\\host\\share",
    ],
    *["a\r\nSet-Cookie: x=1", "a\x0bb\x0c", "\x1b[2J", "\x7f", "\ufeff", "\u202e", "\u2066", "\u200b", "\u0301" * 200],
    *["\U0010ffff", "😀" * 50, "\ue000", "\ufffe", "ﷺ" * 50, "𠮷野家", "İ", "ß" * 300, "Ａ", "A" + "\u030a" * 2000],
    *["[" * 3000, "[" * 1000 + "]" * 1000, '{"a":' * 1000, json.dumps({"id": 9, "response": []}), "-" * 5000],
    *["(" * 200 + "a" * 200, "a" * 5000 + "!", "1" * 17 + "X", "110101190001010010", "A" * 23, "（2026）京0105刑初号"],
]
BYTES = [
    *[b"\x00", b"a\x00b", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf8\x88\x80\x80\x80", b"\x80" * 100],
    *["张".encode("gb18030"), "x".encode("utf-16"), struct.pack("<d", 1.5), bytes(range(256))],
]
VALUES: list[bytes] = [text.encode("utf-8", "surrogatepass") for text in [*NUMBERS, *DAYS, *KEYS, *TEXTS]] + BYTES

FILES: list[tuple[bytes, bytes]] = [
    (name, content)
    for name in (
        b"letter.pdf",
        b"letter.ofd",
        b"a.jpg",
        b"..\\..\\x.pdf",
        b"\xe2\x80\xae.pdf",
        b"a" * 300 + b".pdf",
        b'"',
        b"\xff.pdf",
    )
    for content in (
        b"",
        b"%PDF-",
        b"%PDF-1.7\n" + b"0" * 4096,
        b"PK\x03\x04",
        b"PK\x05\x06" + b"\x00" * 18,
        b"\xff\xd8\xff",
        b"\x00",
    )
]
