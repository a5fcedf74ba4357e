"""What all reading routes have in common."""

from tests.app.hub import Hub


def test_head_answers_as_get_without_the_body(hub: Hub) -> None:
    hub.category("A")
    for path in ("/entities/category/A", "/entities/category/Gone", "/entities", "/modules?search"):
        head, get = hub.request("HEAD", path), hub.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        for name in ("content-length", "content-type", "etag", "cache-control"):
            assert head.headers.get(name) == get.headers.get(name), (path, name)
    tag = hub.get("/entities").headers["etag"]
    assert hub.request("HEAD", "/entities", {"If-None-Match": tag}).status_code == 304


def test_the_docs_say_how_what_is_held_is_not_sent_again(hub: Hub) -> None:
    reading = ("/api/v1/entities", "/api/v1/modules", "/api/v1/profiles", "/api/v1/versions")
    paths = hub.openapi()["paths"]
    reads = {path: shown for path, shown in paths.items() if path.startswith(reading)}
    assert set(reads) >= {*reading, "/api/v1/versions/diff", "/api/v1/entities/search"}
    for path, shown in reads.items():
        assert set(shown) == {"get"}, path
        assert "content" not in shown["get"]["responses"]["304"], path
        (header,) = [one for one in shown["get"]["parameters"] if one["in"] == "header"]
        assert (header["name"], header["required"]) == ("If-None-Match", False), path
