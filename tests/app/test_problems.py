"""Every error is a problem (RFC 9457) that tells the client what is wrong and nothing else."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from app.errors import problem
from tests.app.support import Backend, backend, free_port

JSON = {"Content-Type": "application/json"}
APP = "tests.app.probe:app"


@pytest.fixture(scope="module")
def running(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend with routes that fail."""
    with backend(template, tmp_path_factory.mktemp("problems"), app=APP) as process:
        yield process


@pytest.fixture(scope="module")
def storing(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """A backend whose routes may write."""
    url = module_database.set(username=roles["app"])
    with backend(url, tmp_path_factory.mktemp("problems"), app=APP) as process:
        yield process


def ask(running: Backend, method: str, path: str, body: str | bytes | None = None) -> Any:
    return httpx.request(method, running.url + path, content=body, headers=JSON, timeout=20)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("GET", "/nothing", None, 404, "There is nothing at this address."),
        ("GET", "/api/v1/nothing/TOKEN", None, 404, "There is nothing at this address."),
        ("PUT", "/probe/read", None, 405, "This address does not answer this method."),
        ("GET", "/probe/read?code=404", None, 404, "So it was asked for."),
        ("GET", "/probe/read?code=409", None, 409, "So it was asked for."),
        ("GET", "/probe/broken", None, 500, "An unexpected error has happened."),
        ("GET", "/probe/file", None, 500, "An unexpected error has happened."),
        (
            *("POST", "/probe/any", '{"a": }', 400),
            "The body is no JSON: Expecting value at character 6.",
        ),
        ("POST", "/probe/any", b"\xff\xfe\xfa", 400, "The request cannot be read."),
        ("POST", "/probe/any", "[" * 200_000, 400, "The request cannot be read."),
        ("POST", "/probe/any", '{"a":' + "9" * 5_000 + "}", 400, "The request cannot be read."),
        ("GET", "/probe/read?code=x", None, 422, "The request is not valid."),
        ("POST", "/probe/name", "{}", 422, "The request is not valid."),
        ("POST", "/probe/name", "", 422, "The request is not valid."),
    ],
)
def test_an_error_is_a_problem(
    running: Backend, method: str, path: str, body: str | None, status: int, detail: str
) -> None:
    answer = ask(running, method, path, body)
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert answer.status_code == told["status"] == status
    assert (told["type"], told["detail"]) == ("about:blank", detail)
    more = {"errors"} if status == 422 else set()
    assert set(told) == {"type", "title", "status", "detail"} | more


@pytest.mark.parametrize(
    ("path", "methods"), [("/probe/who", "GET"), ("/probe/name", "POST"), ("/livez", "GET, HEAD")]
)
def test_a_method_that_is_not_answered_is_told_which_are(
    running: Backend, path: str, methods: str
) -> None:
    """Of all routes at this address: /livez has one for each method."""
    assert ask(running, "PUT", path).headers["allow"] == methods


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_of_another_type_is_refused_as_such(running: Backend, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = httpx.post(running.url + "/probe/any", content="{}", headers=headers, timeout=20)
    assert answer.status_code == 415
    assert answer.json()["detail"] == "The body must be JSON, with Content-Type: application/json."


def test_the_faults_of_a_request_tell_where_and_what_but_not_what_was_sent(
    running: Backend,
) -> None:
    answer = ask(running, "POST", "/probe/name", '{"name": ["SENT"], "more": "SENT"}')
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "loc": ["body", "name"],
            "msg": "Input should be a valid string",
            "type": "string_type",
        },
        {
            "loc": ["body", "more"],
            "msg": "Extra inputs are not permitted",
            "type": "extra_forbidden",
        },
    ]
    assert "SENT" not in answer.text


def test_an_unexpected_error_tells_nothing_of_itself(running: Backend) -> None:
    assert "secret" not in ask(running, "GET", "/probe/broken").text
    assert "secret" not in ask(running, "GET", "/probe/file").text


def test_a_404_is_the_same_to_the_byte_whatever_was_asked(running: Backend) -> None:
    answers = [running.get(f"/probe/read?code=404&token={token}") for token in ("a", "b" * 43)]
    assert answers[0].content == answers[1].content
    names = [sorted(answer.headers) for answer in answers]
    assert names[0] == names[1]


def test_a_problem_can_tell_text_that_is_half_a_surrogate_pair() -> None:
    assert json.loads(bytes(problem(400, "No \ud800.").body))["detail"] == "No ?."


@pytest.mark.parametrize(
    "body",
    [
        '{"id": "nul", "label": "a\\u0000b"}',
        '{"id": "\\u0000", "label": "x"}',
        '{"id": "half", "label": "a\\ud800b"}',
        '{"id": "json nul", "any": "a\\u0000b"}',
        '{"id": "json half", "any": {"\\udfff": 1}}',
        '{"id": "not a number", "any": NaN}',
        '{"id": "infinite", "any": 1e999}',
    ],
)
def test_what_the_database_cannot_hold_is_the_clients_error(
    storing: Backend, module_database: URL, body: str
) -> None:
    answer = ask(storing, "POST", "/probe/stored", body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "The request holds what cannot be stored."
    assert answer.json()["errors"] == []


@pytest.mark.parametrize("text", ["%00", "a%00b"])
def test_text_that_the_database_cannot_read_names_nothing(running: Backend, text: str) -> None:
    assert running.get(f"/probe/text?value={text}").status_code == 404


def test_every_other_text_goes_through_the_database(running: Backend) -> None:
    for text in ("%01", "%7f", "%c3%a9", "%ff", "%f0%9f%98%80", "%ef%bf%be", "%ed%a0%80"):
        assert running.get(f"/probe/text?value={text}").status_code == 200


def test_without_a_database_the_answer_is_503_and_says_when_to_ask_again(
    template: URL, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = template.set(host="127.0.0.1", port=free_port())
    with backend(nowhere, tmp_path_factory.mktemp("problems"), app=APP) as running:
        for method, path in (("GET", "/probe/text?value=x"), ("POST", "/probe/stored")):
            answer = ask(running, method, path, None if method == "GET" else '{"id": "x"}')
            assert answer.status_code == 503
            assert answer.json()["detail"] == "The database does not answer."
            assert int(answer.headers["retry-after"]) >= 1
        running.terminate()
        lines = [line for line in running.lines() if line["message"] == "database unavailable"]
        assert [line["level"] for line in lines] == ["WARNING"] * 2
        assert all("ConnectionRefusedError" in line["reason"] for line in lines)


def test_without_a_free_connection_the_answer_is_503(
    module_database: URL, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A reader, whose wait the request's time limit ends, stands in test_timeouts.py."""
    variables = {
        "DATABASE_POOL_TIMEOUT": "0.3",
        "DATABASE_POOL_SIZE": "1",
        "DATABASE_MAX_OVERFLOW": "0",
    }
    folder = tmp_path_factory.mktemp("problems")
    with (
        backend(module_database, folder, app=APP, variables=variables) as running,
        ThreadPoolExecutor() as pool,
    ):
        paths = [f"/probe/slow?seconds=2&marker={number}" for number in range(2)]
        answers = pool.map(partial(ask, running, "POST"), paths)
        assert sorted(answer.status_code for answer in answers) == [200, 503]


def test_the_docs_declare_every_error_as_a_problem(running: Backend) -> None:
    document = running.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and (path, status) != ("/health", "503"):
                    assert set(answer["content"]) == {"application/problem+json"}, (path, status)
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


def declared(running: Backend, path: str, method: str) -> dict[str, str]:
    """Return the model of each declared error of an operation."""
    document = running.get("/openapi.json").json()
    responses = document["paths"][path][method]["responses"]
    return {
        status: answer["content"]["application/problem+json"]["schema"]["$ref"].rpartition("/")[2]
        for status, answer in responses.items()
        if status >= "400"
    }


def test_the_docs_say_which_errors_a_route_may_answer(running: Backend) -> None:
    always = {"500": "Problem", "503": "Problem"}
    assert declared(running, "/probe/broken", "get") == always
    limited = always | {"422": "ValidationProblem", "429": "LimitProblem"}
    assert declared(running, "/probe/read", "get") == limited
    with_body = dict.fromkeys(("400", "408", "413", "415"), "Problem")
    assert declared(running, "/probe/name", "post") == (
        always | with_body | {"422": "ValidationProblem"}
    )


def test_the_docs_tell_of_the_limits_headers(running: Backend) -> None:
    document = running.get("/openapi.json").json()
    responses = document["paths"]["/probe/read"]["get"]["responses"]
    assert {"RateLimit", "RateLimit-Policy"} == set(responses["200"]["headers"])
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} == set(responses["429"]["headers"])
    assert "headers" not in document["paths"]["/probe/who"]["get"]["responses"]["200"]
