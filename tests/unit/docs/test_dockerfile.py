"""The image of the worker."""

import json
import re
import shlex
import tomllib

from docker.utils.build import exclude_paths

from streams.cli.main import COMMANDS
from streams.settings.settings import read_settings
from tests.unit.docs.reading import DEPLOY, ROOT


def instructions() -> list[tuple[str, str]]:
    """List the instructions with their arguments, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def last_stage() -> list[tuple[str, str]]:
    all_ = instructions()
    return all_[max(index for index, (name, _) in enumerate(all_) if name == "FROM") :]


def argument(name: str) -> str:
    """Give the last argument of an instruction in the stage that becomes the image."""
    return [value for found, value in last_stage() if found == name][-1]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    context = exclude_paths(str(ROOT), [line for line in patterns if line and not line.startswith("#")])
    copied = [value.split()[:-1] for name, value in instructions() if name == "COPY" and "--from=" not in value]
    sources = [source for some in copied for source in some]
    assert {"scoring", "streams", "pyproject.toml", "setup.py", "deploy/requirements-worker.lock"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(path == source or path.startswith(f"{source}/") for path in context), f"{source} is ignored"


def test_what_the_package_is_built_from_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = " ".join(value for name, value in instructions() if name == "COPY")
    for name in (project["project"]["readme"], *project["project"]["license-files"]):
        assert name in copied


def test_versions_are_fixed_by_the_locks_which_name_the_extras() -> None:
    steps = [shlex.split(value) for name, value in instructions() if name == "RUN" and "pip install" in value]
    worker, builders, own = steps
    assert worker[worker.index("--requirement") + 1] == "deploy/requirements-worker.lock"
    assert builders[builders.index("--requirement") + 1] == "deploy/requirements.lock"
    for packages in (worker, builders):
        assert "--require-hashes" in packages
    assert (own[0], own[-1]) == ("/opt/engagement/bin/pip", "/opt/wheels/*.whl")
    assert "--no-deps" in own


def test_the_hot_path_of_the_image_is_compiled_and_what_compiles_is_left_behind() -> None:
    (build,) = [value for name, value in instructions() if name == "RUN" and "pip wheel" in value]
    assert "COMPILE_HOT_PATH=1 /opt/build/bin/pip wheel" in build
    assert "COMPILE_HOT_PATH" in (ROOT / "setup.py").read_text(encoding="utf-8")
    assert next(value.split()[-2] for name, value in last_stage() if name == "COPY") == "/opt/engagement"


def test_it_does_not_run_as_root() -> None:
    user = argument("USER")
    assert user.isdecimal()
    assert int(user) > 0
    names = [name for name, _ in last_stage()]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
    assert any(f"--uid {user} " in value for name, value in last_stage() if name == "RUN")


def test_it_starts_the_worker_by_the_command_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (entry,) = json.loads(argument("ENTRYPOINT"))
    (command,) = json.loads(argument("CMD"))
    assert entry in project["project"]["scripts"]
    assert command in COMMANDS


def test_its_settings_exist_and_the_pages_are_reached_from_outside() -> None:
    named = dict(re.findall(r"(ENGAGEMENT_\w+)=(\S+)", argument("ENV")))
    assert set(named) <= set(read_settings({}).environment())
    assert named["ENGAGEMENT_WEB_HOST"] == "0.0.0.0"  # noqa: S104
    assert argument("EXPOSE") == read_settings({}).environment()["ENGAGEMENT_WEB_PORT"]


def test_the_health_check_is_python_that_asks_the_page() -> None:
    words = json.loads(argument("HEALTHCHECK").partition("CMD ")[2])
    assert words[:2] == ["python", "-c"]
    compile(words[2], "HEALTHCHECK", "exec")
    assert "/health" in words[2]
    assert read_settings({}).environment()["ENGAGEMENT_WEB_PORT"] in words[2]


def test_the_python_of_the_image_can_run_the_package() -> None:
    images = [value.split()[0] for name, value in instructions() if name == "FROM"]
    assert set(images) == {"python:3.11-slim"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["requires-python"] == ">=3.11"
