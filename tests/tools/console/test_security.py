"""What the console refuses: who has no token, other hosts and sites, changes that are not allowed."""

from .conftest import BEARER, PORT, TOKEN


def test_without_the_token_nothing_but_the_sign_of_life_is_answered(console, tree):
    client = console(tree, headers={})
    assert client.get("/healthz").text == "ok\n"
    for path in ("/", "/console.js", "/api/v1/datasets", "/api/v1/openapi.json", "/nonsense"):
        assert client.get(path).status_code == 401, path


def test_the_token_opens_the_page_and_its_cookie_then_reads(console, tree):
    client = console(tree, headers={})
    opened = client.get(f"/?token={TOKEN}")
    assert opened.status_code == 200
    assert "HttpOnly; SameSite=Strict" in opened.headers["set-cookie"]
    assert TOKEN not in opened.headers["set-cookie"]
    assert client.get("/api/v1/datasets").json()["datasets"][0]["name"] == tree.name


def test_only_loopback_names_with_the_right_port_are_answered(console, tree):
    client = console(tree)
    for host in ("localhost", "evil.example", f"evil.example:{PORT}", "127.0.0.1:1", "localhost:"):
        assert client.get("/api/v1/datasets", headers={"Host": host}).status_code == 403, host
    for host in (f"localhost:{PORT}", f"127.0.0.1:{PORT}", f"[::1]:{PORT}"):
        assert client.get("/api/v1/datasets", headers={"Host": host}).status_code == 200, host
    assert BEARER
