"""The code blocks of the documents run, and their links lead somewhere."""

import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def python_blocks(name):
    return re.findall(r"^```python\n(.*?)^```", text_of(name), re.DOTALL | re.MULTILINE)


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        text=True,
        capture_output=True,
        timeout=120,
        env={**os.environ, "GEMEL_RECORD": os.path.join(folder, "record.sqlite")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_of_the_readme_finds_ones(tmp_path):
    [code] = python_blocks("README.md")
    assert re.findall(r"-?\d\.\d*", run(code, tmp_path)) == ["1."] * 20


def test_the_guide_on_differences_says_what_happens(tmp_path):
    blocks = python_blocks("docs/guide/differences.md")
    assert len(blocks) >= 1
    for code in blocks:
        assert "assert" in code
        run(code, tmp_path)


@pytest.mark.parametrize(
    "guide, leaves",
    [
        ("data", {"train.rec", "train.idx"}),
        ("memory", {"memory.svg"}),
        ("seeing", {"step.json"}),
        ("tuning", {"record.sqlite"}),
    ],
)
def test_a_guide_runs(guide, leaves, tmp_path):
    blocks = python_blocks(f"docs/guide/{guide}.md")  # each goes on where the one before ends
    assert blocks
    run("\n".join(blocks), tmp_path)
    assert leaves <= set(os.listdir(tmp_path))


def documents():
    for folder in (".", "benchmarks", "data", "docs", "examples"):
        for here, folders, names in os.walk(os.path.join(ROOT, folder)):
            if folder == ".":
                folders.clear()
            for name in names:
                if name.endswith(".md"):
                    yield os.path.relpath(os.path.join(here, name), ROOT)


@pytest.mark.parametrize("name", sorted(documents()))
def test_links_to_files_lead_somewhere(name):
    text = re.sub(r"^```.*?^```", "", text_of(name), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    links += re.findall(r'src="([^"]+)"', text)
    here = os.path.dirname(os.path.join(ROOT, name))
    missing = [link for link in links if not os.path.exists(os.path.join(here, link))]
    assert missing == []
    assert links or name != "README.md"
