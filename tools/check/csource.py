# tools/check/csource.py - what the checks share: finding the tree's files and blanking comments.
#
# SPDX-License-Identifier: MIT
import os
import re

_TOKEN = re.compile(
    r"(?P<block>/\*.*?\*/)|(?P<line>//[^\n]*)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\")|(?P<char>'(?:\\.|[^'\\\n])*')",
    re.S,
)


def blank(text):
    """The text with comments and the insides of literals turned to spaces, newlines kept."""

    def spaces(match):
        token = match.group(0)
        if match.lastgroup in ("string", "char"):
            return token[0] + " " * (len(token) - 2) + token[-1]
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(spaces, text)


def line_comments(text):
    """Offsets of // comments."""
    return [m.start() for m in _TOKEN.finditer(text) if m.lastgroup == "line"]


def comments_blanked(text):
    """The text with comments blanked and literals kept: for include lines."""

    def spaces(match):
        token = match.group(0)
        if match.lastgroup in ("string", "char"):
            return token
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(spaces, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def files(root, tops, suffixes):
    """Paths below root, with forward slashes, sorted, of files with these suffixes."""
    found = []
    for top in tops:
        start = os.path.join(root, top)
        if os.path.isfile(start) and start.endswith(suffixes):
            found.append(top)
        for directory, names, leaves in os.walk(start):
            names[:] = sorted(n for n in names if n not in ("build", "__pycache__", ".git"))
            for leaf in leaves:
                if leaf.endswith(suffixes):
                    path = os.path.relpath(os.path.join(directory, leaf), root)
                    found.append(path.replace(os.sep, "/"))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def report(name, problems, checked, what):
    """Prints the outcome of a check and gives its exit code. Nothing checked is a failure too."""
    for problem in problems:
        print(problem)
    if checked == 0:
        print(f"{name}: found no {what} to check")
        return 1
    print(f"{name}: {checked} {what}, {len(problems)} problems")
    return 1 if problems else 0
