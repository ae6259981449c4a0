#!/usr/bin/env python3
# tools/check/api.py - holds the doc comment of every public function to the form of docs/STYLE.md.
#
#   api.py [ROOT]
#
# Each ROOST_API function of include/ has, right above it:
#
#   /**
#    * roost_name - what it does.
#    *
#    *   param     a line for every parameter, and for nothing else.
#    *
#    * Suspends  always there; "never." drops the Cancel line.
#    * Cancel    when it can suspend.
#    * Errors    when it is ROOST_MUST and returns int or ssize_t.
#    * Threads   always there.
#    */
#
# Functions that only macros call may share one comment that begins "Behind": the check sees to it
# that a macro of the public headers does call them.
#
# SPDX-License-Identifier: MIT
import re
import sys

import csource

WORDS = ("Suspends", "Cancel", "Errors", "Threads")
ATTRIBUTE = re.compile(
    r"\bROOST_(?!API\b)[A-Z_]+\b(?:\s*\([^()]*\))?|__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)"
    r"|\b_Noreturn\b|\bextern\b"
)


def split_arguments(text):
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in parts + [text[start:]]]


def parameter_name(text):
    """The declared name; "" for an unnamed parameter, None for void."""
    if text in ("void", ""):
        return None
    if text == "...":
        return "..."
    pointer = re.search(r"\(\s*\*\s*(?:const\s+)?(\w+)\s*(?:\[[^\]]*\])?\s*\)\s*\(", text)
    if pointer:
        return pointer.group(1)
    words = re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", text))
    types = {"int", "char", "long", "short", "unsigned", "signed", "double", "float", "bool",
             "const", "struct", "enum", "union", "volatile"}
    named = [w for w in words if w not in types]
    if not named or words[-1] in types or re.search(r"\*\s*(const\s*)?$", text):
        return ""
    base = [w for w in words[:-1] if w not in ("const", "volatile", "struct", "enum", "union")]
    return words[-1] if base or "*" in text else ""


class Declaration:
    """A ROOST_API function: name, parameters, whether it is an int one must read."""

    def __init__(self, text, left):
        must = "ROOST_MUST" in text + left
        plain = " ".join(ATTRIBUTE.sub(" ", text).replace("ROOST_API", " ").split())
        match = re.match(r"(?P<type>[\w\s*]*?)\b(?P<name>\w+)\s*\(", plain)
        self.function = match is not None
        if not match:
            return
        self.name = match.group("name")
        self.type = match.group("type").strip()
        depth, at = 0, match.end() - 1
        for end in range(at, len(plain)):
            depth += (plain[end] == "(") - (plain[end] == ")")
            if depth == 0:
                break
        names = [parameter_name(part) for part in split_arguments(plain[at + 1:end])]
        self.parameters = [name for name in names if name is not None]
        self.can_fail = must and self.type in ("int", "ssize_t", "int64_t", "roost_dur")


def declarations(text):
    """(offset, declaration text, doc comment or None) of each ROOST_API outside directives."""
    code = csource.blank(text)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code, flags=re.M)
    for match in re.finditer(r"\bROOST_API\b", code):
        end = re.compile(r"[;{]").search(code, match.end())
        stop = end.start() if end else len(code)
        above = text[:match.start()]
        # Attributes may stand before ROOST_API on its line.
        above = above[:above.rfind("\n") + 1].rstrip()
        doc = None
        if above.endswith("*/"):
            start = above.rfind("/*")
            doc = above[start:]
        yield match.start(), code[match.start():stop], code[:match.start()], doc


def doc_lines(doc):
    lines = doc.split("\n")
    return [re.sub(r"^ \*(?:/$| ?)", "", line) for line in lines[1:]]


def doc_problems(decl, doc):
    if doc is None or not doc.startswith("/**"):
        return ["has no /** doc comment right above it"]
    lines = doc_lines(doc)
    problems = []
    if not lines or not re.match(rf"{decl.name} - \S", lines[0]):
        problems.append(f'its doc comment must begin with "{decl.name} - what it does"')

    described = []
    for line in lines:
        match = re.match(r"  ((?:\w+|\.\.\.)(?:, (?:\w+|\.\.\.))*)(?:  +\S|$)", line)
        if match:
            described += match.group(1).split(", ")
    for name in decl.parameters:
        if name == "":
            problems.append("a parameter has no name")
        elif name not in described and name != "...":
            problems.append(f"its doc comment does not describe the parameter {name}")
    for name in described:
        if name not in decl.parameters:
            problems.append(f"its doc comment describes {name}, which is no parameter")
    return problems + word_problems(decl, lines)


def word_problems(decl, lines):
    problems = []
    said = {}
    for at, line in enumerate(lines):
        match = re.match(rf"({'|'.join(WORDS)})(?: +(\S.*))?$", line)
        if not match:
            continue
        word = match.group(1)
        if word in said:
            problems.append(f"says {word} twice")
        said[word] = match.group(2) or ""
        if not said[word]:
            problems.append(f"says nothing after {word}")
    if list(said) != [word for word in WORDS if word in said]:
        problems.append(f"the words come in the order {', '.join(WORDS)}")
    for word in ("Suspends", "Threads"):
        if word not in said:
            problems.append(f"its doc comment lacks the word {word}")
    never = said.get("Suspends", "").startswith("never")
    if "Suspends" in said and not never and "Cancel" not in said:
        problems.append("it can suspend, so its doc comment needs the word Cancel")
    if never and "Cancel" in said:
        problems.append("it never suspends, so the Cancel line goes")
    if decl.can_fail and "Errors" not in said:
        problems.append("it can fail, so its doc comment needs the word Errors")
    return problems


def behind_macros(text, before):
    """Whether the group of declarations this one ends stands under a comment "Behind ..."."""
    group = text[:len(before)].rsplit("\n\n", 1)[-1].lstrip()
    return group.startswith("/* Behind ")


def macro_bodies(root):
    text = "\n".join(csource.read(root, path) for path in csource.files(root, ["include"], (".h",)))
    return "\n".join(re.findall(r"^[ \t]*#[ \t]*define(?:[^\n]*\\\n)*[^\n]*", text, re.M))


def main(root):
    problems, checked = [], 0
    macros = macro_bodies(root)
    for path in csource.files(root, ["include"], (".h",)):
        text = csource.read(root, path)
        for offset, declaration, before, doc in declarations(text):
            decl = Declaration(declaration, before[before.rfind("\n") + 1:])
            if not decl.function:
                continue
            checked += 1
            where = f"{path}:{csource.line_of(text, offset)}: {decl.name}"
            if behind_macros(text, before):
                if not re.search(rf"\b{decl.name}\b", macros):
                    # A cleanup handler is called by ROOST_AUTO, which pastes its name.
                    auto = re.fullmatch(r"roost_(\w+)_cleanup", decl.name)
                    if not (auto and re.search(rf"\bROOST_AUTO\({auto.group(1)}\)", macros)):
                        problems.append(f"{where}: stands behind macros, but no macro calls it")
                continue
            problems += [f"{where}: {problem}" for problem in doc_problems(decl, doc)]
            if not decl.name.startswith("roost_"):
                problems.append(f"{where}: public names begin with roost_")
    return csource.report("api", problems, checked, "public functions")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
