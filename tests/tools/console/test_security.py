"""What is refused: who has no token, other hosts and sites, changes that are not allowed."""

import re
from urllib.parse import quote

import pytest

from pystamps_hpc.tools.console.pagefiles import page_files

from .conftest import BEARER, PORT, TOKEN

HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"

TRICKS = ("..", "../../outside", "..%2f..%2foutside", "%2e%2e%2foutside", "%252e%252e%252foutside",
          "/etc/passwd", "%2fetc%2fpasswd", "PATCH_1%2f..%2f..", "..\\outside",
          "%00", "PATCH_1%00", "~", "-1", "1e9", "99999999999999999999", "<script>")  # fmt: skip

GOOD = {"number": "0", "run_id": "", "name": "unwrap_grid_size", "target": "PATCH_1",
        "patch": "PATCH_1", "start": "1", "end": "8", "stage": "all"}  # fmt: skip


def test_without_the_token_nothing_but_the_sign_of_life_is_answered(console, tree):
    client = console(tree, headers={})
    assert client.get("/healthz").text == "ok\n"
    assert client.head("/healthz").status_code == 200
    for path in ("/", "/console.js", "/api/v1/datasets", "/api/v1/openapi.json", "/nonsense"):
        assert client.get(path).status_code == 401, path
    wrong = {"Authorization": "Bearer wrong", "Cookie": f"pystamps-hpc-{PORT}=wrong"}
    assert client.get("/api/v1/datasets", headers=wrong).status_code == 401
    assert client.get("/?token=wrong").status_code == 401


def test_the_token_opens_the_page_and_its_cookie_then_reads(console, tree):
    client = console(tree, headers={})
    opened = client.get(f"/?token={TOKEN}")
    assert opened.status_code == 200
    assert "HttpOnly; SameSite=Strict" in opened.headers["set-cookie"]
    assert TOKEN not in opened.headers["set-cookie"]  # browsers send it to every port of the host
    assert client.document("/datasets")["datasets"][0]["name"] == tree.name
    assert client.get("/console.js").status_code == 200


def test_the_token_is_taken_from_the_first_page_alone(console, tree):
    client = console(tree, headers={})
    assert client.get(f"/api/v1/datasets?token={TOKEN}").status_code == 401
    assert client.get(f"/console.js?token={TOKEN}").status_code == 401


def test_only_loopback_names_with_the_right_port_are_answered(console, tree):
    client = console(tree)
    for host in ("localhost", "evil.example", f"evil.example:{PORT}", "127.0.0.1:1", "localhost:",
                 f"localhost.evil.example:{PORT}", ""):  # fmt: skip
        for path in ("/healthz", "/", "/api/v1/datasets"):
            assert client.get(path, headers={"Host": host}).status_code == 403, (host, path)
    for host in (f"localhost:{PORT}", HOST, f"[::1]:{PORT}"):
        assert client.get("/api/v1/datasets", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_requests_of_other_sites_are_refused(console, tree, headers):
    client = console(tree, allow_run=True)
    assert client.get("/api/v1/datasets", headers=headers).status_code == 403
    assert client.post("/api/v1/datasets/0/runs", json={}, headers=headers).status_code == 403


def test_nothing_is_changed_without_being_allowed(console, ran):
    client = console(ran)
    for path in ("runs", "stop", "parameters/unwrap_grid_size"):
        refused = client.post(f"/api/v1/datasets/0/{path}", json={})
        assert refused.status_code == 403
        assert "--allow-run" in refused.json()["error"]
    assert client.document("/datasets/0/runs")["job"] is None


def test_a_cookie_alone_changes_nothing(console, ran):
    client = console(ran, allow_run=True, headers={})
    client.get(f"/?token={TOKEN}")
    assert client.document("/datasets/0/runs")["runs"]
    for headers in ({}, {"Origin": ORIGIN}, {"Authorization": "Bearer wrong"}):
        refused = client.post("/api/v1/datasets/0/runs", json={}, headers=headers)
        assert refused.status_code == 401
    cookie = client.cookies[f"pystamps-hpc-{PORT}"]
    stolen = {"Authorization": f"Bearer {cookie}"}
    assert client.post("/api/v1/datasets/0/runs", json={}, headers=stolen).status_code == 401
    assert client.document("/datasets/0/runs")["job"] is None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(console, tree, method):
    client = console(tree, allow_run=True)
    assert client.request(method, "/api/v1/datasets").status_code == 405


def test_long_or_endless_requests_are_refused(console, tree):
    client = console(tree, allow_run=True)
    assert client.post("/api/v1/datasets/0/runs", content=b" " * 100_000).status_code == 413
    assert client.post("/api/v1/datasets/0/runs", content=iter([b"{}"])).status_code == 411


def test_no_socket_is_opened_beside_the_requests(console, tree):
    from starlette.websockets import WebSocketDisconnect

    with (
        pytest.raises(WebSocketDisconnect),
        console(tree).websocket_connect("/api/v1/datasets", headers=BEARER),
    ):
        pass


def test_no_name_of_a_client_reaches_the_file_system(console, ran):
    (ran.parent / "outside").mkdir()
    (ran.parent / "outside" / "report.json").write_text('{"secret": "treasure"}')
    client = console(ran)
    good = {**GOOD, "run_id": client.document("/datasets/0/runs")["runs"][0]["run_id"]}
    tried = 0
    for path, actions in client.document("/openapi.json")["paths"].items():
        parameters = actions.get("get", {}).get("parameters", [])
        for each in parameters:
            for trick in TRICKS:
                answer = client.get(_address(path, parameters, {**good, each["name"]: trick}))
                number = each["name"] in ("after", "value") and trick[:1].isdecimal()
                refused = answer.status_code in (401, 404, 405, 409, 422)
                assert refused or number, (path, each["name"], trick)
                assert "treasure" not in answer.text
                assert "root:" not in answer.text
                tried += 1
    assert tried > 200


def _address(path, parameters, values):
    """Return a path with its parameters put in, each trick as it stands."""
    asked = []
    for each in parameters:
        value = values.get(each["name"], "")
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", value)
        elif value:
            asked.append(f"{each['name']}={value if '%' in value else quote(value, safe='')}")
    return path + ("?" + "&".join(asked) if asked else "")


def test_a_link_out_of_the_dataset_is_not_followed(console, ran, tmp_path):
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (ran / "_native_gate_reports").symlink_to(outside)
    (outside / "gate.json").write_text('{"secret": "treasure"}')
    answer = console(ran).get("/api/v1/datasets/0/gate")
    assert answer.status_code == 409
    assert "treasure" not in answer.text


def test_every_answer_tells_the_browser_to_run_nothing_foreign(console, tree):
    client = console(tree)
    for path in ("/", "/console.js", "/api/v1/datasets", "/nonsense", "/api/v1/datasets/9/status"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_a_notebook_may_frame_the_pages_and_still_needs_the_token(console, tree):
    client = console(tree, framed=True, headers={})
    page = client.get("/console.js")
    assert page.status_code == 200
    assert "http://localhost:*" in page.headers["content-security-policy"]
    assert client.get("/api/v1/datasets").status_code == 401


def test_the_pages_never_read_text_as_html():
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    for name, (content, *_) in page_files().items():
        text = content.decode()
        assert not re.search(forbidden, text), name
        assert name.endswith("html") or not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_a_script_in_a_name_goes_out_as_json(console, ran):
    named = ran.rename(ran.parent / "<script>alert(1)<")
    answer = console(named).get("/api/v1/datasets")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["datasets"][0]["name"] == "<script>alert(1)<"
