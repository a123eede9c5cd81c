"""Release one distribution: its changelog, its version, its wheel and sdist, all checked. Publishes nothing itself.

    python .ci/release.py --dry-run                      everything, of each distribution that has changed, in copies
    python .ci/release.py lotusx-core 0.2.0 --dry-run    one distribution
    python .ci/release.py lotusx-core 0.2.0              the same here; prints what to commit, tag and push
    python .ci/release.py --tag lotusx-core-v0.2.0 --out dist    what CI does with a pushed tag: build and check

A tag starts the workflow .github/workflows/release.yml, which builds, attests and publishes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from cores import admitted
from distributions import ROOT, Distribution, distributions
from packaging.version import InvalidVersion, Version

KINDS = ("added", "changed", "fixed", "removed")
FRAGMENT = re.compile(rf"(?P<issue>\d+)\.(?P<kind>{'|'.join(KINDS)})\.md")
VERSION = re.compile(r'^version = "[^"]*"$', re.M)


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("version", nargs="?")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--tag")
    parser.add_argument("--out", type=Path, help="where wheel and sdist are left")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}", help="of the section in the changelog")
    options = parser.parse_args(arguments)
    if options.tag:
        return check_tag(options.tag, options.out or ROOT / "dist")
    if options.name is None and options.dry_run:
        for dist in distributions().values():
            if any((ROOT / "changelog.d" / dist.name).glob("*.md")):
                dry_run(dist, dist.project["version"], options.date, options.out)
            else:
                print(f"{dist.name}: nothing to release")
        return 0
    if not (options.name and options.version):
        parser.error("name a distribution and its next version")
    dist, version = find(options.name), next_version(options.name, options.version)
    if options.dry_run:
        dry_run(dist, version, options.date, options.out)
        return 0
    prepare(dist.folder, ROOT / "changelog.d" / dist.name, dist.name, version, options.date)
    with tempfile.TemporaryDirectory() as out:
        build(dist.folder, options.out or Path(out), version)
    changed = f"{dist.folder.relative_to(ROOT)} changelog.d/{dist.name}"
    print(f"Look at the changelog. Then:\n  git add --all {changed}")
    print(f"  git commit -m '{dist.short}: release {version}' && git tag {dist.name}-v{version}")
    print(f"  git push origin HEAD {dist.name}-v{version}")
    return 0


def dry_run(dist: Distribution, version: str, date: str, out: Path | None) -> None:
    """Do all of a release in a copy that is thrown away."""
    with tempfile.TemporaryDirectory() as name:
        copy, fragments = Path(name, dist.folder.name), Path(name, "fragments")
        shutil.copytree(dist.folder, copy, ignore=shutil.ignore_patterns("__pycache__", ".*cache"))
        if (ROOT / "changelog.d" / dist.name).is_dir():
            shutil.copytree(ROOT / "changelog.d" / dist.name, fragments)
        print(f"# {dist.name}\n\n{prepare(copy, fragments, dist.name, version, date)}\n")
        built = build(copy, out or Path(name, "dist"), version)
        print(f"dry run: {', '.join(file.name for file in built)} are good; nothing here was changed\n", flush=True)


def find(name: str) -> Distribution:
    """Return the distribution of that name, or end the program."""
    known = distributions()
    if name not in known:
        raise SystemExit(f"{name} is no distribution of this repository; there are: {', '.join(known)}")
    return known[name]


def tags() -> list[str]:
    """Return the tags of this repository."""
    done = subprocess.run(["git", "tag", "--list"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def next_version(name: str, text: str, released: list[str] | None = None) -> str:
    """Return *text* if it is a version in its normal form, above all that were tagged; end the program otherwise."""
    try:
        version = Version(text)
    except InvalidVersion:
        raise SystemExit(f"{text!r} is no version; write one such as 0.2.0") from None
    if str(version) != text or version.local:
        raise SystemExit(f"write the version as {version.public}, not {text}")
    prefix = f"{name}-v"
    before = [Version(tag.removeprefix(prefix)) for tag in (released or tags()) if tag.startswith(prefix)]
    if before and version <= max(before):
        raise SystemExit(f"{name} {max(before)} is released already; the next version must be above it")
    return text


def section(fragments: Path, version: str, date: str) -> str:
    """Return the part of a changelog that *fragments* make: by kind, each line an entry with its issue.

    Ends the program where there are none, or where a file is not named as ``changelog.d/README.md`` says.
    """
    entries: dict[str, list[tuple[int, str]]] = {}
    for file in sorted(fragments.iterdir()) if fragments.is_dir() else []:
        found = FRAGMENT.fullmatch(file.name)
        if found is None:
            raise SystemExit(f"changelog fragment {file.name} is not named <issue>.<{'|'.join(KINDS)}>.md")
        lines = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
        entries.setdefault(found["kind"], []).extend((int(found["issue"]), line) for line in lines)
    if not any(entries.values()):
        raise SystemExit("there are no changelog fragments: what no user can notice is no release")
    parts = [f"## {version} ({date})"]
    for kind in KINDS:
        if kind in entries:
            lines = [f"- {text} (#{issue})" for issue, text in sorted(entries[kind], key=lambda entry: entry[0])]
            parts += [f"### {kind.capitalize()}", "\n".join(lines)]
    return "\n\n".join(parts)


def prepare(folder: Path, fragments: Path, name: str, version: str, date: str) -> str:
    """Write version and changelog into *folder*, delete the fragments; return the new section."""
    new = section(fragments, version, date)
    changelog = folder / "CHANGELOG.md"
    title, _, before = changelog.read_text("utf-8").partition("\n")
    if f"\n## {version} " in f"\n{before}":
        raise SystemExit(f"{name}: the changelog has a section {version} already")
    changelog.write_text("\n\n".join(part for part in (title, new, before.strip()) if part) + "\n", "utf-8")
    for file in fragments.iterdir():
        file.unlink()
    project = folder / "pyproject.toml"
    text, count = VERSION.subn(f'version = "{version}"', project.read_text("utf-8"), count=1)
    if count != 1:
        raise SystemExit(f"{name}: pyproject.toml states no version")
    project.write_text(text, "utf-8")
    return new


def build(folder: Path, out: Path, version: str) -> list[Path]:
    """Build the sdist, and the wheel from it, into *out*; check what the package index will show.

    The wheel runs everywhere. Compiled ones of the core are built for each platform by the workflow.
    """
    out.mkdir(parents=True, exist_ok=True)
    run("build", "--no-isolation", "--outdir", str(out), str(folder))
    files = sorted(file for file in out.iterdir() if f"-{version}" in file.name)
    if [file.suffix for file in files] != [".whl", ".gz"]:
        raise SystemExit(f"built {[file.name for file in files]}, not a wheel and an sdist of {version}")
    run("twine", "check", "--strict", *map(str, files))
    return files


def run(module: str, *arguments: str) -> None:
    """Run a tool of this Python; end the program if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "LOTUSX_PURE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{done.stdout}{done.stderr}")


def check_tag(tag: str, out: Path) -> int:
    """Build what *tag* names, and refuse a tag that is not what the folder says."""
    name, separator, version = tag.rpartition("-v")
    if not separator:
        raise SystemExit(f"{tag!r} is no tag of a release; they look like lotusx-core-v0.2.0")
    dist = find(name)
    stated = tomllib.loads((dist.folder / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if stated != version:
        raise SystemExit(f"the tag says {version}, {dist.folder.name}/pyproject.toml says {stated}")
    if f"\n## {version} (" not in (dist.folder / "CHANGELOG.md").read_text("utf-8"):
        raise SystemExit(f"{dist.folder.name}/CHANGELOG.md has no section {version}: .ci/release.py writes it")
    left = sorted(file.name for file in (ROOT / "changelog.d" / name).glob("*.md"))
    if left:
        raise SystemExit(f"changelog fragments are left over: {', '.join(left)}")
    core = distributions()["lotusx-core"].project["version"]
    if dist.name != "lotusx-core" and not admitted(dist.requirements, [Version(core)]):
        raise SystemExit(f"{name} {version} does not admit the core of this commit, {core}")
    for file in build(dist.folder, out, version):
        print(file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
