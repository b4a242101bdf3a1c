"""Policy files come from pull requests: nothing in them may hang, crash or deceive."""

import time

import pytest

from tests.support.policies import GOOD, problems_in

LAUGHS = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + level, 98 + level, b", ".join([b"*%c" % (97 + level)] * 9))
    for level in range(12)
)
MILLION = 1_000_000
GOOD_TIME = 3.0
"""Processor seconds. An idle machine needs less than one; a hang needs for ever."""

HEAD = b"version: 1\npolicies:\n  - name: web\n    repositories: [ghcr.io/acme/web]\n    rules:\n"


def rules(*lines: str) -> bytes:
    return HEAD + "".join(f"      - {line}\n" for line in lines).encode()


def rule(number: int, regex: str) -> str:
    return f"{{name: r{number}, match: {{regex: '{regex}'}}, keep: {{last: 1}}}}"


REFUSED = {
    "a billion laughs": (LAUGHS, "policy.yaml:5:16: the file holds more than 30000 values"),
    "an alias inside its own anchor": (b"a: &a [*a]", "policy.yaml:1:8: *a names no anchor"),
    "brackets without end": (b"[" * MILLION, "policy.yaml:1:1001: this is not YAML: this is"),
    "dashes without end": (b"- " * (MILLION // 2), "policy.yaml:1:35: this is nested more than"),
    "braces": (b"a: " + b"{a: " * 30, "policy.yaml:1:65: this is nested more than 16 levels"),
    "aliases that nest": (
        b"a: &a [[[[[[x]]]]]]\nb: &b [[[[[*a]]]]]\nc: [[[[[*b]]]]]",
        "policy.yaml:3:9: this is nested more than 16 levels deep",
    ),
    "too many bytes": (b"#" * 1_048_577, "policy.yaml: the file is larger than 1048576 bytes"),
    "too many keys": (
        b"".join(b"k%d: 1\n" % n for n in range(30_000)),
        "policy.yaml:15000:9: the file holds more than 30000 values; split it",
    ),
    "a list too long": (
        b"a: [" + b"x," * 1_001 + b"]",
        "policy.yaml:1:4: this list has 1001 entries; at most 1000 are allowed",
    ),
    "a Python object": (
        b"a: !!python/object/apply:os.system [x]",
        "policy.yaml:1:4: a word that starts with ! names a type; remove or quote it",
    ),
    "a Python key": (b"!!python/name:os.system : 1", "policy.yaml:1:1: a word that starts with"),
    "a set": (b"!!set {a}", "policy.yaml:1:1: a word that starts with ! names a type"),
    "a number as text in disguise": (b"version: !!int '1'", "policy.yaml:1:10: a word that"),
    "a directive": (b"%TAG ! tag:x,1:\n---\na: !b 1\n", "policy.yaml:3:4: a word that starts"),
    "another YAML": (b"%YAML 2.0\n---\na: 1\n", "policy.yaml:1:1: this is not YAML: a line that"),
    "a second document": (GOOD + b"---\n" + GOOD, "policy.yaml:7:1: a second document starts"),
    "UTF-16": ("version: 1".encode("utf-16"), "policy.yaml:1:1: the file is not UTF-8"),
    "Latin-1": (b"a: 1 # \xe9", "policy.yaml:1:8: the file is not UTF-8 from here on"),
    "a NUL": (b"version: 1\nb: \x00", "policy.yaml:2:4: the character U+0000 is invisible"),
    "a bell": (b"a: \x07", "policy.yaml:1:4: the character U+0007 is invisible; remove it"),
    "text that runs backwards": (
        "a: b # \u202e".encode(),
        "policy.yaml:1:8: the character U+202E is invisible; remove it",
    ),
    "a hidden line break": ("a: b\u2028c: d".encode(), "policy.yaml:1:5: the character U+2028"),
    "half a surrogate": (b'a: "\\ud800"', "policy.yaml:1:7: this is not YAML: in double quotes"),
    "nothing": (b"", "policy.yaml:1:1: a policy file starts with version: 1, then policies:"),
    "a comment": (b"# version: 1\n", "policy.yaml:1:1: a policy file starts with version: 1"),
    "a null": (b"~", "policy.yaml:1:1: a policy file starts with version: 1, then policies:"),
    "a key that is a list": (
        b"version: 1\n? [a]\n: 1\npolicies: []\n",
        "policy.yaml:2:3: a key is a text, not a list or a map",
    ),
    "a number of ten thousand digits": (
        rules("{name: a, match: {any: true}, keep: {last: %s}}" % ("9" * 10_000)),
        "policy.yaml:6:52: web/a: keep.last: 'last' is a whole number in plain digits; got 999",
    ),
    "a version of ten thousand digits": (
        b"version: " + b"1" * 10_000,
        "policy.yaml:1:10: version: this reconciler reads version: 1 of the language; got 111",
    ),
    "a range whose blanks can be shared out in many ways": (
        rules("{name: a, match: {semver: '%sx'}, keep: {last: 1}}" % ("1       " * 31)),
        "policy.yaml:6:35: web/a: match.semver: '1       1",
    ),
    "a terminal escape": (
        b'version: 1\npolicies: []\n"\\e[31mred": 1\n',
        r"policy.yaml:3:1: unknown key '\x1b[31mred'; the keys here are version, policies",
    ),
    "a path for a time zone": (
        GOOD + b"    timezone: ../../../etc/passwd\n",
        "policy.yaml:7:15: web: timezone: '../../../etc/passwd' is not a time zone such as",
    ),
    "regular expressions by the hundred": (
        rules(*(rule(n, f"a{{900}}{n}") for n in range(301))),
        "policy.yaml:306:37: the file has more than 300 regular expressions; split it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_in_good_time_with_its_place(name: str) -> None:
    content, told = REFUSED[name]

    started = time.process_time()
    problems = problems_in(content)
    elapsed = time.process_time() - started

    assert any(line.startswith(told) for line in problems), problems[:3]
    assert elapsed < GOOD_TIME


COSTLY = {
    "expressions that barely compile": rules(*(rule(n, f"(?i)[^x]{{900}}{n}") for n in range(200))),
    "the same broken expression": rules(*(rule(n, "(?i)[^x]{900}(") for n in range(2_000)))[
        :MILLION
    ],
    "unknown keys by the thousand": b"version: 1\n"
    + b"".join(b"k%d: 1\n" % n for n in range(14_000)),
    "bad entries by the thousand": b"version: 1\npolicies:\n"
    + (b"  - {name: a, repositories: [" + b"x," * 990 + b"], rules: []}\n") * 29,
    "a megabyte of text": b"version: 1\npolicies: |\n" + b"  x\n" * 240_000,
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_file_is_read_in_good_time_and_its_report_is_bounded(name: str) -> None:
    started = time.process_time()
    problems = problems_in(COSTLY[name])
    elapsed = time.process_time() - started

    assert elapsed < GOOD_TIME
    assert len(problems) <= 201
    assert max(map(len, problems), default=0) < 1_000
