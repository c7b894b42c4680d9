"""Redis 7.0 as its authors build it, asked by its own clients from the user's machine."""

import hashlib
import subprocess
from contextlib import contextmanager
from typing import Iterator

from host import claims
from host.claims import equal, timeout, true
from tests.e2e.lab import LONG, PATIENCE, Running, program, until


class Server:
    """`bin/stardust run redis`, and redis-cli at its port."""

    def __init__(self, *words: object):
        self.run = Running("run", "redis", *words)
        self.port = self.run.port()

    def client(self, *words: object, data: bytes = b"") -> str:
        """What redis-cli prints; its own status must be 0."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), *map(str, words)], input=data, capture_output=True, timeout=LONG)
        said = done.stdout.decode(errors="replace")
        equal(done.returncode, 0, f"{words}: {said}{done.stderr.decode()}{self.run.out}")
        return said.removesuffix("\n")

    def info(self, name: str) -> str:
        """A line of INFO."""
        return dict(line.split(":", 1) for line in self.client("info", "everything").splitlines() if ":" in line)[name].strip()

    def shutdown(self) -> None:
        """SHUTDOWN ends the guest as it ends the process."""
        subprocess.run(["redis-cli", "-p", str(self.port), "shutdown"], capture_output=True, timeout=PATIENCE)
        equal(self.run.end().status, 0, self.run.out)
        true("Redis is now ready to exit" in self.run.out, self.run.out)


@contextmanager
def redis(*words: object) -> Iterator[Server]:
    server = Server(*words)
    yield server
    server.shutdown()


def test_commands_scripts_and_transactions_from_redis_cli():
    with redis() as server:
        equal(server.client("set", "name", "value"), "OK")
        equal(server.client("get", "name"), "value")
        equal([server.client("incr", "count") for _ in range(3)], ["1", "2", "3"])
        equal(server.client("rpush", "list", *range(100)), "100")
        equal(server.client("lrange", "list", 0, -1).split(), [str(i) for i in range(100)])
        script = "return redis.call('incrby', KEYS[1], ARGV[1]) .. cjson.encode({1})"
        equal(server.client("eval", script, 1, "count", 39), "42[1]")
        equal(server.client(data=b"multi\nincr count\nget name\nexec\n").splitlines()[-2:], ["43", "value"])
        true(server.client("nosuchcommand").startswith("ERR unknown command"), "an error of Redis's own")


@timeout(LONG)
def test_bulk_of_a_pipeline_and_large_values_arrive_whole():
    with redis() as server:
        commands = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\nk%d\r\n$%d\r\nv%d\r\n" % (len(b"k%d" % i), i, len(b"v%d" % i), i)
                            for i in range(20000))
        true("errors: 0, replies: 20000" in server.client("--pipe", data=commands), "all are answered")
        equal((server.client("dbsize"), server.client("get", "k19999")), ("20000", "v19999"))
        value = hashlib.shake_128(b"redis").hexdigest(1 << 20)
        equal(server.client("-x", "set", "large", data=value.encode()), "OK")
        true(server.client("get", "large") == value, "2 MiB come back as they went")


def test_what_blocks_is_woken_by_another_client():
    with redis() as server:
        waiting = subprocess.Popen(["redis-cli", "-p", str(server.port), "blpop", "queue", "0"], stdout=subprocess.PIPE)
        until("it waits", lambda: server.info("blocked_clients") == "1")
        equal(server.client("rpush", "queue", "work"), "1")
        equal(waiting.communicate(timeout=PATIENCE)[0], b"queue\nwork\n")


def test_append_only_file_is_loaded_again():
    with redis("--", "/etc/redis.conf", "--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes") as server:
        for i in range(20):
            server.client("incrby", "sum", i)
        server.client("append", "text", "x" * 1000)
        before = server.client("debug", "digest")
        equal(server.client("debug", "loadaof"), "OK")
        equal((server.client("get", "sum"), server.client("strlen", "text")), ("190", "1000"))
        equal(server.client("debug", "digest"), before)
        true(int(server.info("aof_current_size")) > 1000, "the file has it")
        equal(server.client("config", "get", "appendfsync").split(), ["appendfsync", "always"])


def test_snapshot_is_written_in_the_foreground_and_loaded_again():
    with redis("--", "/etc/redis.conf", "--enable-debug-command", "yes") as server:
        server.client("debug", "populate", 5000)
        before = server.client("debug", "digest")
        equal(server.client("save"), "OK")
        equal(server.client("debug", "reload", "nosave"), "OK")
        equal((server.client("dbsize"), server.client("debug", "digest")), ("5000", before))


def test_commands_that_fork_say_so_and_the_server_goes_on():
    with redis("--", "/etc/redis.conf", "--appendonly", "yes") as server:
        server.client("set", "a", "1")
        true(server.client("bgsave").startswith("ERR"), "BGSAVE is refused")
        true(server.client("bgrewriteaof").startswith("ERR"), "BGREWRITEAOF is refused")
        server.run.expect("Can't save in background: fork: Function not implemented")
        server.run.expect("Can't rewrite append only file in background: fork: Function not implemented")
        equal((server.client("incr", "a"), server.client("save")), ("2", "OK"))


def test_background_threads_free_what_is_large():
    with redis() as server:
        server.client("eval", "for i = 1, 20000 do redis.call('hset', 'large', i, 'x') end", 0)
        equal(server.client("unlink", "large"), "1")
        until("a thread has freed it", lambda: server.info("lazyfreed_objects") == "1")


@timeout(LONG)
def test_client_that_sends_a_byte_a_second_is_served_and_others_beside_it_at_once():
    with program("redis", memory=32, arguments=["--protected-mode", "no"]) as lab:
        lab.guest.serving(PATIENCE)
        request = b"incr count\r\nquit\r\n"
        fast, slow = lab.slow_client(6379, request)
        equal(sorted([*fast, slow]), sorted(b":%d\r\n+OK\r\n" % count for count in range(1, len(request) + 1)), "each is counted once")


@timeout(LONG)
def test_benchmark_of_its_own_runs_with_fifty_and_with_two_hundred_clients():
    """In domain 0: QEMU's user network resets what it cannot take in at once."""
    with program("redis", memory=32, arguments=["--protected-mode", "no", "--save", ""]) as lab:
        lab.guest.serving(PATIENCE)
        clients = {name: f"{lab.dom0.push_program(name)} -h {lab.guest.address}" for name in ("redis-benchmark", "redis-cli")}
        for words, tests in (("-t set,get,incr,lpush,mset -n 1000", 5), ("-t set,get -n 4000 -P 16 -c 200", 2)):
            said = lab.dom0.check(f"{clients['redis-benchmark']} {words} --csv", timeout=LONG)
            equal((len(said.splitlines()) - 1, "rror" in said), (tests, False), said)
        said = lab.dom0.check(f"{clients['redis-cli']} info everything")
        numbers = dict(line.strip().split(":", 1) for line in said.splitlines() if ":" in line)
        equal(numbers["rejected_connections"], "0")
        true("errorstat_ERR" not in numbers and int(numbers["total_connections_received"]) >= 450, said)


def test_serves_in_little_memory():
    with redis("--memory", 10 if claims.guest_type == "pvh" else 24) as server:
        equal(server.client("set", "name", "x" * 10000), "OK")
        equal(server.client("strlen", "name"), "10000")
        equal(server.client("eval", "return 6 * 7", 0), "42")
