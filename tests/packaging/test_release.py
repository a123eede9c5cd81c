"""A release is prepared, built and checked by one command; what is pushed as a tag is held against it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "release.py"
CHANGELOG = "# Changelog of lotusx-example\n\n## 0.1.0 (2026-01-02)\n\n### Added\n\n- All of it. (#1)\n"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    sys.path.insert(0, str(SCRIPT.parent))
    spec = spec_from_file_location("release", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def example(tmp_path: Path) -> tuple[Path, Path]:
    """A distribution's folder and its fragments."""
    folder, fragments = tmp_path / "lotusx-example", tmp_path / "fragments"
    folder.mkdir()
    fragments.mkdir()
    (folder / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    (folder / "pyproject.toml").write_text('[project]\nname = "lotusx-example"\nversion = "0.1.0"\n', "utf-8")
    (fragments / "9.fixed.md").write_text("It works.\n", "utf-8")
    (fragments / "10.added.md").write_text("You can jump.\nYou can run.\n", "utf-8")
    (fragments / "2.added.md").write_text("You can walk.\n", "utf-8")
    return folder, fragments


def test_fragments_become_the_newest_section_and_are_gone(release: ModuleType, example: tuple[Path, Path]) -> None:
    folder, fragments = example

    release.prepare(folder, fragments, "lotusx-example", "0.2.0", "2026-02-03")

    new = (
        "# Changelog of lotusx-example\n\n## 0.2.0 (2026-02-03)\n\n"
        "### Added\n\n- You can walk. (#2)\n- You can jump. (#10)\n- You can run. (#10)\n\n"
        "### Fixed\n\n- It works. (#9)\n"
    )
    assert (folder / "CHANGELOG.md").read_text("utf-8") == new + CHANGELOG.partition("\n")[2]
    assert 'version = "0.2.0"' in (folder / "pyproject.toml").read_text("utf-8")
    assert list(fragments.iterdir()) == []


def test_a_version_is_written_into_the_changelog_once(release: ModuleType, example: tuple[Path, Path]) -> None:
    with pytest.raises(SystemExit, match=r"has a section 0\.1\.0 already"):
        release.prepare(*example, "lotusx-example", "0.1.0", "2026-02-03")


def test_what_nobody_can_notice_is_no_release(release: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no changelog fragments"):
        release.section(tmp_path, "0.2.0", "2026-02-03")


def test_a_misnamed_fragment_is_not_left_out_in_silence(release: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "10.feature.md").write_text("New.\n", "utf-8")
    with pytest.raises(SystemExit, match=r"10\.feature\.md is not named"):
        release.section(tmp_path, "0.2.0", "2026-02-03")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.1.0", "is released already"),
        ("0.0.9", "is released already"),
        ("1.x", "no version"),
        ("v0.2.0", "write the version as 0.2.0"),
        ("0.2.0", None),
    ],
)
def test_a_version_goes_up_and_is_written_in_its_normal_form(release: ModuleType, text: str, told: str | None) -> None:
    released = ["lotusx-core-v0.1.0", "lotusx-cli-v0.9.0"]
    if told is None:
        assert release.next_version("lotusx-core", text, released) == text
    else:
        with pytest.raises(SystemExit, match=told):
            release.next_version("lotusx-core", text, released)


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("core-0.1.0", "no tag of a release"),
        ("lotusx-nowhere-v0.1.0", "no distribution of this repository"),
        ("lotusx-core-v99.0.0", "the tag says 99.0.0"),
    ],
)
def test_a_tag_that_is_not_what_the_folder_says_is_refused(
    release: ModuleType, tag: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=told):
        release.check_tag(tag, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_every_distribution_builds_what_the_index_will_take_and_changes_nothing(
    release: ModuleType,
) -> None:
    written = [dist.folder / "CHANGELOG.md" for dist in release.distributions().values()]
    changelogs = {path: path.read_bytes() for path in written}
    fragments = list(ROOT.glob("changelog.d/*/*.md"))

    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    for name in release.distributions():
        assert f"# {name}\n" in done.stdout or f"{name}: nothing to release" in done.stdout
    assert {path: path.read_bytes() for path in changelogs} == changelogs
    assert [path for path in fragments if not path.exists()] == []


def test_the_workflow_publishes_what_it_built_from_a_tag_without_any_token() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    publish = workflow["jobs"]["publish"]

    assert workflow[True] == {"push": {"tags": ["lotusx-*-v*"]}}  # YAML reads `on` as a boolean
    assert workflow["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"id-token": "write", "attestations": "write", "contents": "read"}
    assert publish["environment"] == "pypi"
    assert set(publish["needs"]) == {"build", "wheels", "check"}
    assert publish["if"] == "${{ !failure() && !cancelled() }}"  # most releases compile nothing
    assert "secrets." not in text
    assert not [step for step in publish["steps"] if "checkout" in step.get("uses", "")]  # nothing but what was built
    uses = [step["uses"].partition("@")[0] for step in publish["steps"]]
    assert uses.index("actions/attest-build-provenance") < uses.index("pypa/gh-action-pypi-publish")
    assert any(".ci/release.py --tag" in step.get("run", "") for step in workflow["jobs"]["build"]["steps"])
