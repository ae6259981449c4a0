# tests/checks/planting.py - a small tree that passes a check, and violations planted into it.
#
# SPDX-License-Identifier: MIT
import os
import subprocess
import sys
import tempfile


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def run(command, cwd=None):
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    return done.returncode, done.stdout + done.stderr


def verify(check, clean, planted):
    """Runs a check over `clean`, then over clean with each of `planted` laid over it.

    planted: (what is wrong, files to lay over, a text the check must print). Exits 0 when the clean
    tree passes and each violation is named with exit code 1.
    """
    failures = 0
    for what, files, wanted in [("clean", {}, None)] + planted:
        with tempfile.TemporaryDirectory() as root:
            write(root, {**clean, **files})
            code, output = run([sys.executable, check, root])
        if wanted is None:
            good = code == 0
        else:
            good = code == 1 and wanted in output
        if not good:
            failures += 1
            print(f"not ok - {what}: exit code {code}, wanted text: {wanted}\n{output}")
        else:
            print(f"ok - {what}")
    print(f"{1 + len(planted) - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures else 0
