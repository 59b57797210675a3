"""Servers as departments have them, each a file in `cases/`; one move that all others of `following/` share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.casebook import act_out, read_case
from tests.real.deaths import DEATHS, Death, outlive
from tests.real.ends import ENDS, Refusal
from tests.real.mariadb.laboratory import Laboratory, Moving
from tests.sampling import sampled

pytestmark = [pytest.mark.real]

AT = {"source": "10.11.0.10", "target": "10.11.0.21"}
HERE = Path(__file__).parent
REFUSED = sorted((HERE / "cases").glob("*.yaml"))
FOLLOWING = sorted((HERE / "following").glob("*.yaml"))


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Two servers, for all cases."""
    laboratory = Laboratory(tmp_path_factory.mktemp("laboratory"))
    yield laboratory
    laboratory.close()


@pytest.fixture(scope="module")
def following(laboratory: Laboratory) -> Moving:
    """A server with a little of everything, copied and followed."""
    moving = Moving(laboratory, may_restart=True)
    laboratory.sql("source", (HERE / "district.sql").read_text())
    for name in ("prepare", "replicate"):
        answers = moving.step(name)
        assert {answer["state"] for answer in answers.values()} == {"done"}, answers
    return moving


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_what_forbids_a_move_is_said_at_once_and_nothing_is_changed(laboratory: Laboratory, file: Path) -> None:
    case, moving = read_case(file), Moving(laboratory)
    before = laboratory.left("source")
    for number, act in enumerate(case.acts, 1):
        act_out(moving, act, f"{case.title}: act {number}")
    assert laboratory.left("source") == before


@pytest.mark.parametrize("file", FOLLOWING, ids=lambda file: file.stem)
def test_a_server_moves_or_is_refused_as_it_should(following: Moving, file: Path) -> None:
    case = read_case(file)
    for number, act in enumerate(case.acts, 1):
        act_out(following, act, f"{case.title}: act {number}")


def test_no_password_is_left_in_a_log_and_the_account_of_the_move_may_change_nothing(following: Moving) -> None:
    for end in ENDS:
        password = following.laboratory.run(end, "cat /var/lib/zhenghe/mariadb/*/password").stdout
        assert len(password) > 30
        for other in ENDS:
            seen = following.laboratory.run(other, "cat /run/mysqld/log; cat /proc/*/cmdline | tr '\\0' ' '").stdout
            assert password not in seen
        rights = following.laboratory.sql(end, "SELECT Priv FROM mysql.global_priv WHERE User LIKE 'zhenghe%'")
        assert '"plugin":"mysql_native_password"' in rights
        login = f"mysql -h {'10.11.0.21' if end == 'source' else '10.11.0.10'} --ssl -u zhenghe_fees_db"
        statement = "CREATE TABLE fee.x (i INT); DELETE FROM fee.big; DROP USER app@'%'"
        command = f"MYSQL_PWD=$(cat /var/lib/zhenghe/mariadb/*/password) {login} --force"
        said = following.laboratory.run(end, command, statement).stderr
        # The one that waits takes no writes of anybody's, moreover.
        assert said.count("denied") + said.count("--read-only") == 3, said


def test_both_ends_speak_tls_alone_and_believe_one_certificate_each(following: Moving) -> None:
    laboratory = following.laboratory
    asked = "SELECT JSON_VALUE(Priv, '$.ssl_type') FROM mysql.global_priv WHERE User LIKE 'zhenghe%'"
    for end, peer in (("source", "10.11.0.21"), ("target", "10.11.0.10")):
        assert laboratory.sql(end, asked) == "1"
        login = f"MYSQL_PWD=$(cat /var/lib/zhenghe/mariadb/*/password) mysql -h {peer} -u zhenghe_fees_db -e 'SELECT 1'"
        assert "Access denied" in laboratory.run(end, f"{login} --skip-ssl").stderr
        believed = "--ssl-verify-server-cert --ssl-ca=/var/lib/zhenghe/mariadb-tls/"
        assert laboratory.run(end, f"{login} {believed}zhenghe_fees_db.crt").returncode == 0
        # Its own certificate is not the other one's: whoever stands in under that address is refused.
        assert "certificate" in laboratory.run(end, f"{login} {believed}server/server.crt").stderr
    said = laboratory.run("target", "mysql -e 'SHOW ALL SLAVES STATUS\\G'").stdout
    for word in ("Master_SSL_Allowed: Yes", "Master_SSL_Verify_Server_Cert: Yes", "Slave_IO_Running: Yes"):
        assert word in said
    stands_in = "cp /var/lib/zhenghe/mariadb/zhenghe_fees_db/peer.crt /tmp/kept; cp {} {}"
    own = "/var/lib/zhenghe/mariadb-tls/server/server.crt"
    laboratory.run("target", stands_in.format(own, "/var/lib/zhenghe/mariadb/zhenghe_fees_db/peer.crt"))
    try:
        answer = following.verb("target", "replicate", "probe")["answer"]
    finally:
        laboratory.run("target", "mv /tmp/kept /var/lib/zhenghe/mariadb/zhenghe_fees_db/peer.crt")
    assert answer["state"] == "not-done"
    assert "certificate verify failed" in answer["facts"]["reason"]


def test_a_long_transaction_prevents_the_switch_and_is_left_alone(following: Moving) -> None:
    laboratory = following.laboratory
    with laboratory.start("source", "MYSQL_PWD=app mysql -BNn -h 10.11.0.10 -u app fee") as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write("BEGIN; INSERT INTO l1 VALUES (50, 'x'); SELECT 'open';\n")
        client.stdin.flush()
        assert client.stdout.readline() == "open\n"
        with pytest.raises(Refusal, match=r"transactions have not ended in time: app@10\.11\.0\.10 since"):
            following.move("forward", downtime=1)
        assert client.communicate("COMMIT; SELECT 'kept';\n")[0] == "kept\n"
    # Clients go on as before, and whoever comes is let in.
    again = "SELECT @@read_only, COUNT(*) FROM fee.l1 WHERE id = 50"
    assert laboratory.sql("source", again, user="app -papp -h 10.11.0.10") == "0\t1"
    following.step("switch")
    following.step("verify")
    following.step("return")


@pytest.mark.parametrize("death, direction, then", sampled(DEATHS, 1 / 32))
def test_a_move_that_dies_at_any_boundary_is_finished_or_taken_back(
    following: Moving, death: Death, direction: str, then: str
) -> None:
    laboratory = following.laboratory

    def write(end: str, what: str) -> None:
        laboratory.sql(end, f"INSERT INTO fee.audit (what) VALUES ('{what}')", user=f"app -papp -h {AT[end]}")

    written = outlive(following, death, direction, then, write)
    kept = "SELECT COUNT(*) FROM fee.audit WHERE what LIKE '%a death'; DELETE FROM fee.audit WHERE what LIKE '%a death'"
    assert laboratory.sql("source", kept) == str(written)
    assert laboratory.sql("source", "SELECT @@event_scheduler") == "ON"


def test_undone_it_leaves_nothing_of_ours_at_either_end(following: Moving) -> None:
    laboratory = following.laboratory
    following.step("replicate", "undo")
    following.step("prepare", "undo")
    assert [laboratory.left(end) for end in ENDS] == ["", ""]
    assert laboratory.sql("source", "SELECT @@log_bin, @@read_only, @@event_scheduler") == "0\t0\tON"
    assert "fee" not in laboratory.sql("target", "SHOW DATABASES")
    with pytest.raises(Refusal, match="no binary log"):
        Moving(laboratory).step("prepare")
