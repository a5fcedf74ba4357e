"""`/` and `/entity`: a page for people, an index for programs, and nobody's text as markup."""

import json
import re
from html import unescape

import httpx
import pytest

from app.frontdoor.drawing import MAX_BOXES
from tests.app.hub import Hub

# What Chromium and Firefox send.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
AS_BROWSER = {"Accept": BROWSER}

HOSTILE = "<script>alert(1)</script>\"'&lt;{{ 7 * 7 }}]]>-->"


def ask(hub: Hub, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """Return the answer at a path of the root."""
    url = hub.root + path
    return httpx.request(method, url, headers={**AS_BROWSER, **headers}, timeout=20)


def text_of(page: httpx.Response) -> str:
    """Return what a reader sees, on one line."""
    assert page.headers["content-type"] == "text/html; charset=utf-8", page.text
    body = re.sub(r"(?s)<style>.*?</style>", "", page.text)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture
def filled(hub: Hub) -> Hub:
    hub.category("Thing", label="Thing")
    hub.category("Agent", "Thing", "Gone")
    hub.category("Person", "Agent", properties=["Has_nothing", "Has_name"])
    hub.entity("property", "Has_name", label="Has name", description="What it is called by")
    hub.module("Core", "Person", "Agent", label="The core")
    hub.module("Old", deleted=True)
    return hub


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("application/json;q=0.5, text/*", "text/html; charset=utf-8"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/html", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("text/html;q=0.1, application/json", "application/json"),
        ("", "application/json"),
        ("nonsense", "application/json"),
        ("text/html;q=x/y/z,,;", "application/json"),
    ],
)
def test_who_prefers_html_is_given_a_page_and_everybody_else_the_index(
    hub: Hub, accept: str, kind: str
) -> None:
    answer = ask(hub, "/", Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["vary"] == "accept"


def test_the_index_says_what_there_is_and_where(filled: Hub) -> None:
    index = ask(filled, "/", Accept="*/*").json()
    assert index["name"] == "Ontology Hub"
    assert index["version"] == filled.openapi()["info"]["version"]
    assert index["entities"] == {"category": 3, "property": 1}
    assert (index["modules"], index["profiles"]) == (1, 0)
    assert set(index["links"]) == {
        *("entities", "modules", "profiles", "docs", "openapi", "health")
    }
    for address in index["links"].values():
        assert ask(filled, address).status_code == 200, address


def test_the_page_counts_what_the_hub_holds(filled: Hub) -> None:
    text = text_of(ask(filled, "/"))
    for said in ("Categories 3", "Properties 1", "Subobjects 0", "Modules 1", "Profiles 0"):
        assert said in text
    assert "The core 2 categories" in text
    assert "Database connected" in text


def test_every_link_of_every_page_leads_somewhere(filled: Hub) -> None:
    """From the start over a search, as far as the links go."""
    seen: dict[str, int] = {}
    waiting = ["/", "/?q=a" + "gent"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        answer = ask(filled, path)
        seen[path] = answer.status_code
        waiting += [unescape(one) for one in re.findall(r'href="(/[^"]*)"', answer.text)]
    assert set(seen.values()) == {200}, seen
    assert {"/entity?type=category&id=Thing", "/entity?type=property&id=Has_name"} <= set(seen)
    assert "/module?id=Core" in seen


def test_a_search_finds_what_the_api_finds(filled: Hub) -> None:
    answer = ask(filled, "/?q=CALLED")
    assert "Found: 1." in text_of(answer)
    assert 'href="/entity?type=property&amp;id=Has_name"' in answer.text
    assert "Nothing holds this" in text_of(ask(filled, "/?q=zzz"))


@pytest.mark.parametrize("term", ["x", "y" * 101, "a%00b", "a%0Ab", "%EF%BF%BE%01"])
def test_a_term_that_cannot_be_searched_for_is_refused_in_words(hub: Hub, term: str) -> None:
    answer = ask(hub, f"/?q={term}")
    assert answer.status_code == 422
    assert "Search for 2 to 100 characters" in text_of(answer)


def test_an_empty_search_is_the_start_page(hub: Hub) -> None:
    assert "What it holds" in text_of(ask(hub, "/?q=+"))


def test_an_entitys_page_shows_what_it_is_related_to(filled: Hub) -> None:
    person = text_of(ask(filled, "/entity?type=category&id=Person"))
    assert "Properties Has name Has_nothing missing" in person
    assert "The core" in person
    name = text_of(ask(filled, "/entity?type=property&id=Has_name"))
    assert "What it is called by" in name
    assert "Used by Person" in name


def test_a_modules_page_shows_its_categories_and_what_it_needs(filled: Hub) -> None:
    filled.category("Loan", label="A loan")
    filled.module("Loans", "Loan", "Fine", label="Lending", needs=("Core", "Nothing"))
    text = text_of(ask(filled, "/module?id=Loans"))
    assert "Lending module Loans" in text
    assert "Categories A loan Fine missing Needs Nothing missing The core" in text


def test_a_parent_that_is_missing_is_drawn_as_missing(filled: Hub) -> None:
    answer = ask(filled, "/entity?type=category&id=Person")
    assert "Gone (missing)" in answer.text
    assert "id=Gone" not in answer.text
    assert "Dashed boxes" in text_of(answer)


def test_circles_of_parents_are_drawn(hub: Hub) -> None:
    hub.category("A", "B")
    hub.category("B", "C", "B")
    hub.category("C", "A", "Nowhere")
    for one in "ABC":
        text = text_of(ask(hub, f"/entity?type=category&id={one}"))
        assert "go round in a circle" in text


@pytest.mark.parametrize("value", [None, 5, "A", {"a": 1}, [[]], [1, None, {"b": 2}, ""]])
def test_a_definition_of_another_shape_has_a_page(hub: Hub, value: object) -> None:
    fields = dict.fromkeys(("parents", "parent", "properties", "subobjects"), value)
    hub.entity("category", "Odd", fields, raw=True)
    assert ask(hub, "/entity?type=category&id=Odd").status_code == 200


@pytest.mark.parametrize("entity_id", ["Über/Boot 50%", "a&b=c#d?e", "../x", "+ +", HOSTILE])
def test_any_id_has_a_page_that_the_search_leads_to(hub: Hub, entity_id: str) -> None:
    hub.category(entity_id, label="Ship of state")
    found = re.search(r'href="(/entity[^"]*)"', ask(hub, "/?q=ship").text)
    assert found
    answer = ask(hub, unescape(found[1]))
    assert answer.status_code == 200
    assert " ".join(entity_id.split()) in text_of(answer)


def test_no_text_of_the_ontology_or_of_the_reader_becomes_markup(hub: Hub) -> None:
    hub.category(HOSTILE, HOSTILE + "2", label=HOSTILE, properties=[HOSTILE])
    hub.category("Child" + HOSTILE, HOSTILE, label=HOSTILE)
    hub.entity("property", HOSTILE, label=HOSTILE, description=HOSTILE)
    hub.module(HOSTILE, HOSTILE, label=HOSTILE)
    query = httpx.QueryParams({"q": HOSTILE})
    paths = ["/", f"/?{query}", "/?q=%3Cscript%3E%22"]
    for kind in ("category", "property"):
        paths.append("/entity?" + str(httpx.QueryParams({"type": kind, "id": HOSTILE})))
    paths.insert(0, "/module?" + str(httpx.QueryParams({"id": HOSTILE})))
    for path in paths:
        answer = ask(hub, path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "49" not in text_of(answer)
        tags = re.findall(r"<(/?[a-zA-Z!][^\s>/]*)", answer.text)
        assert not {tag.lower() for tag in tags} & {"script", "/script", "img", "iframe"}
    assert HOSTILE in text_of(ask(hub, paths[-1]))


def test_no_page_grows_with_what_is_imported(hub: Hub) -> None:
    long = "W<&" * 3000
    hub.category("Top", label=long)
    hub.category("Middle", "Top", *(f"Gone {n}" for n in range(200)), label=long)
    hub.sql(
        "INSERT INTO entities (entity_type, entity_id, label, description, schema_definition)"
        " SELECT 'category', repeat('<', 190) || n, $1, $1, $2::text::jsonb"
        " FROM generate_series(1, 500) n",
        *(long, json.dumps({"parents": ["Middle"], "properties": ["Long"]})),
    )
    hub.entity("property", "Long", label=long, description=long)
    hub.sql(
        "INSERT INTO modules (module_id, label, category_ids)"
        " SELECT $1 || n, $2, '[\"Middle\"]' FROM generate_series(1, 200) n",
        *("<" * 190, long),
    )
    for path in (
        *("/", "/?q=W%3C%26", "/entity?type=property&id=Long"),
        *("/entity?type=category&id=Middle", "/entity?type=category&id=Top"),
    ):
        answer = ask(hub, path)
        assert answer.status_code == 200
        assert len(answer.content) < 100_000, path
    middle = ask(hub, "/entity?type=category&id=Middle")
    assert middle.text.count("<rect") == MAX_BOXES
    assert f"{702 - MAX_BOXES} more are not drawn" in text_of(middle)


def test_a_page_loads_nothing_and_runs_nothing(filled: Hub) -> None:
    for path in ("/", "/?q=agent", "/entity?type=category&id=Person", "/?q=x"):
        answer = ask(filled, path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "http" not in re.sub(r'xmlns="[^"]*"', "", answer.text)
        assert not re.search(r"\s(src|style|on\w+)=", answer.text)


def test_head_and_what_the_reader_holds_already_have_no_body(filled: Hub) -> None:
    for path in ("/", "/entity?type=category&id=Person"):
        whole = ask(filled, path)
        head = ask(filled, path, "HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == whole.headers["etag"]
        again = ask(filled, path, **{"If-None-Match": whole.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["vary"] == "accept"
        assert "content-security-policy" in again.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/entity?type=category&id=Nobody", 404),
        ("/entity?type=category&id=%00", 404),
        ("/entity?type=nothing&id=x", 422),
        ("/entity", 422),
        ("/module?id=Old", 404),
        ("/module", 422),
        ("/nothing/here", 404),
    ],
)
def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(
    hub: Hub, path: str, status: int
) -> None:
    shown = ask(hub, path)
    assert shown.status_code == status
    assert "content-security-policy" in shown.headers
    problem = ask(hub, path, Accept="*/*")
    assert problem.status_code == status
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["detail"] in text_of(shown)


def test_a_page_that_refuses_says_what_is_wrong(hub: Hub) -> None:
    text = text_of(ask(hub, "/entity?type=nothing"))
    assert "type : Input should be 'category', 'property' or 'subobject'" in text
    assert "id : Field required" in text


def test_the_api_answers_problems_to_browsers_too(hub: Hub) -> None:
    answer = ask(hub, "/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_other_methods_are_refused(hub: Hub) -> None:
    answer = ask(hub, "/", "POST")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_the_docs_show_the_index_and_not_the_pages(hub: Hub) -> None:
    paths = hub.openapi()["paths"]
    assert "/entity" not in paths
    operation = paths["/"]["get"]
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/html"}
    assert [one["name"] for one in operation["parameters"]] == ["If-None-Match"]
