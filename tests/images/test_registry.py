"""The real pull path, against a registry on this machine."""

import subprocess

from infra import versions
from infra.images import ImageSource
from tests.images import registry
from tests.images.containers import docker


def image_id(name: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", name).strip()


def present(name: str) -> bool:
    answer = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    return answer.returncode == 0


def test_an_image_removed_by_its_public_name_is_pulled_again(
    python_image: str, source: ImageSource
) -> None:
    with registry.serve([versions.PYTHON], source) as served:
        name = served.name(versions.PYTHON)
        assert name == f"{served.mirror}/library/{versions.PYTHON}"
        assert not present(name)
        docker("pull", "--quiet", name)
        assert image_id(name) == image_id(python_image)
        docker("rmi", name)
        assert not present(name)
        docker("pull", "--quiet", name)
        assert docker("run", "--rm", name, "python", "-c", "print('pulled')").strip() == "pulled"
    assert not present(name)
    assert present(python_image)
