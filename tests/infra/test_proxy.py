"""The proxy before a baked backend: who has the port, who reaches whom, and the certificate."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.infra.declared_graph import CONTAINER, SECRET_MARK, Declare
from tests.infra.test_graph import plain

NAMES = ("certificate", "key", "other", "encrypted")


def networks(inputs: dict[str, Any]) -> set[str]:
    return {one["name"].removeprefix("ontology-hub-test-") for one in inputs["networksAdvanced"]}


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, its key, another key, and its key encrypted."""
    folder = tmp_path_factory.mktemp("tls")
    paths = {name: folder / f"{name}.pem" for name in NAMES}
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hub.example"),
        *("-keyout", paths["key"], "-out", paths["certificate"]),
    )
    run("openssl", "genrsa", "-out", paths["other"])
    password = ("-aes256", "-passout", "pass:unknown")
    run("openssl", "pkey", "-in", paths["key"], *password, "-out", paths["encrypted"])
    return folder


@pytest.fixture
def files(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def tls(folder: Path, certificate: str = "certificate", key: str = "key") -> dict[str, str]:
    return {
        "tlsCertificate": str(folder / f"{certificate}.pem"),
        "tlsKey": str(folder / f"{key}.pem"),
    }


def test_the_proxy_has_the_port_and_the_backend_the_data(declare: Declare) -> None:
    graph = declare()
    assert graph.containers["proxy"]["ports"][0]["external"] == 8000
    assert not graph.containers["backend"].get("ports")
    assert networks(graph.containers["proxy"]) == {"published", "api", "metrics"}
    assert networks(graph.containers["backend"]) == {"data", "api", "metrics"}
    assert "BEHIND_PROXY=true" in graph.containers["backend"]["envs"]
    assert {"backend", "proxy"} <= graph.settled


def test_with_hot_reload_there_is_no_proxy_and_the_backend_believes_nobody(
    declare: Declare,
) -> None:
    graph = declare({"hotReload": "true"})
    assert "proxy" not in graph.containers
    assert graph.containers["backend"]["ports"][0]["external"] == 8000
    assert networks(graph.containers["backend"]) == {"published", "data", "metrics"}
    assert "BEHIND_PROXY=false" in graph.containers["backend"]["envs"]


def test_of_proxy_and_backend_with_the_port_the_one_takes_the_others_place(
    declare: Declare,
) -> None:
    """As one resource: the old one is gone before the new one needs its port."""
    place = {
        config: declare({"hotReload": config}).resources[CONTAINER]["backend"]["name"]
        for config in ("true", "false")
    }
    assert place == {"true": "ontology-hub-test-backend", "false": "ontology-hub-test-proxy"}


def test_a_new_baked_backend_and_its_files_can_stand_beside_the_old_ones(
    declare: Declare,
) -> None:
    graph = declare(name="alice")
    for role in ("backend", "backend-files"):
        # Named by Pulumi, after the resource and otherwise each time.
        inputs = graph.resources[CONTAINER][f"ontology-hub-alice-{role}"]
        assert inputs.get("name") is None
    assert graph.order.index("ontology-hub-alice-backend") < graph.order.index("backend")


def test_the_backend_may_end_in_the_time_that_its_server_takes(declare: Declare) -> None:
    from app.serve import GRACE, NOTICE

    assert declare().containers["backend"]["destroyGraceSeconds"] >= NOTICE + GRACE + 5


def test_the_proxy_waits_longer_than_the_backend_and_ends_before_it_is_killed(
    declare: Declare,
) -> None:
    proxy = declare({"requestTimeout": "30"}).containers["proxy"]
    assert "PROXY_TIMEOUT=35" in proxy["envs"]
    config = (Path(__file__).parents[2] / "infra/services/haproxy.cfg").read_text()
    hard_stop = int(config.split("hard-stop-after ")[1].split("s")[0])
    assert proxy["destroyGraceSeconds"] > hard_stop


def test_certificate_and_key_reach_the_proxy_alone_and_as_a_secret(
    declare: Declare, files: Path
) -> None:
    graph = declare(tls(files))
    key = (files / "key.pem").read_text().strip()
    uploads = graph.couriers["proxy"]["uploads"]
    assert SECRET_MARK in uploads
    (upload,) = [one for one in plain(uploads) if one["file"].endswith("/tls.pem")]
    assert key in upload["content"]
    assert (upload["owner"], upload["permissions"]) == ("99", "0400")
    holders = [
        role
        for role, inputs in graph.resources[CONTAINER].items()
        if json.dumps(key)[1:-1] in json.dumps(inputs)
    ]
    assert holders == ["proxy-files"]
    assert graph.outputs["api_url"] == ("https://127.0.0.1:8000", False)
    assert graph.outputs["docs_url"] == ("https://127.0.0.1:8000/docs", False)
    assert "PROXY_TLS=yes" in graph.containers["proxy"]["envs"]


def test_what_cannot_be_used_for_tls_is_told_with_its_remedy_before_anything_changes(
    declare: Declare, files: Path
) -> None:
    (files / "text.pem").write_text("no PEM\n")
    (files / "folder.pem").mkdir()
    broken = (files / "certificate.pem").read_text().replace("MII", "AAA", 1)
    (files / "broken.pem").write_text(broken)
    good = tls(files)
    cases = [
        ({"tlsCertificate": good["tlsCertificate"]}, "tlsKey", "is missing"),
        ({"tlsKey": good["tlsKey"]}, "tlsCertificate", "is missing"),
        ({**good, "hotReload": "true"}, "tlsKey", "needs the proxy, which is off with hotReload"),
        (tls(files, certificate="absent"), "tlsCertificate", "absent.pem does not exist"),
        (tls(files, key="absent"), "tlsKey", "absent.pem does not exist"),
        (tls(files, key="folder"), "tlsKey", "folder.pem is a folder"),
        (tls(files, certificate="text"), "tlsCertificate", "holds no certificate in PEM form"),
        (tls(files, key="text"), "tlsKey", "holds no private key in PEM form"),
        (tls(files, key="certificate"), "tlsKey", "holds no private key in PEM form"),
        (tls(files, certificate="broken"), "tlsCertificate", "cannot be used with its key"),
        (tls(files, key="other"), "tlsKey", "is not the key of the certificate in"),
        (tls(files, key="encrypted"), "tlsKey", "is encrypted"),
    ]
    for config, key, reason in cases:
        with pytest.raises(pulumi.RunError) as failed:
            declare(config)
        said = str(failed.value)
        assert "nothing was changed" in said
        assert f"ontology-hub:{key}\n      " in said, said
        assert reason in said, said
        assert f"pulumi config set ontology-hub:{key}" in said, said


def test_a_key_given_in_the_place_of_its_path_is_not_repeated(
    declare: Declare, files: Path
) -> None:
    key = (files / "key.pem").read_text()
    with pytest.raises(pulumi.RunError) as failed:
        declare({**tls(files), "tlsKey": key})
    assert not any(line and line in str(failed.value) for line in key.splitlines()[1:-1])
