"""Install distributions of this repository into the Python that runs this file.

    python .ci/install.py --all                 every distribution, editable, with its extras
    python .ci/install.py core sim binance      these and what they need, editable
    python .ci/install.py --wheel binance       built as wheels first, as a user would get them
    python .ci/install.py --all --lowest        each dependency at the lowest version its range admits

A second call with the same arguments and unchanged pyproject.toml files does nothing, unless what they compile changed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from distributions import ROOT, Distribution, distributions, with_dependencies
from lowest import constraints


def pip(*arguments: str) -> None:
    """Run pip of this interpreter; end the program if it fails."""
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def fingerprint(dists: list[Distribution], arguments: list[str]) -> str:
    """Return a digest of all that decides what pip would install."""
    digest = hashlib.sha256(repr((sys.version, arguments)).encode())
    for dist in dists:
        compiled = [file for form in ("_*.c", "_*.so", "_*.pyd") for file in sorted((dist.folder / "src").rglob(form))]
        for file in [dist.folder / "pyproject.toml", *dist.folder.glob("hatch_build.py"), *compiled]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def main(arguments: list[str]) -> None:
    """Install what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--wheel", action="store_true")
    parser.add_argument("--lowest", action="store_true")
    parser.add_argument("--with", dest="also", action="append", default=[], help="one more requirement for pip")
    options = parser.parse_args(arguments)
    dists = list(distributions().values()) if options.all else with_dependencies(options.names)

    stamp = Path(sys.prefix) / "lotusx-installed"
    wanted = fingerprint(dists, arguments)
    if not options.wheel and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return

    with tempfile.TemporaryDirectory() as folder:
        common = ["install", "--quiet"]
        if options.lowest:
            file = Path(folder) / "lowest.txt"
            file.write_text(constraints(), "utf-8")
            print(file.read_text("utf-8"), end="", flush=True)
            common += ["--constraint", str(file)]
        if options.wheel:
            pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, *(str(dist.folder) for dist in dists))
            wheels = [str(file) for file in sorted(Path(folder).glob("*.whl"))]
            pip(*common, "--force-reinstall", "--no-deps", *wheels)
            pip(*common, *options.also, *wheels)
        else:
            targets = []
            for dist in dists:
                extras = f"[{','.join(sorted(dist.extras))}]" if options.all and dist.extras else ""
                targets += ["--editable", f"{dist.folder}{extras}"]
            pip(*common, *options.also, *targets)
    stamp.write_text(fingerprint(dists, arguments), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
