"""mbed TLS 2.28 as its authors build it: its self-test and all its suites.

Three suites do nothing but arithmetic for minutes of the emulator's time: TLS's is run on PV alone, those of public keys and of
keys as older releases stored them on PVH alone. The rest is done by both."""

import re

from host import paths
from host.claims import equal, only, timeout, true
from tests.e2e.lab import LONG, stardust

# The names of those that take half a minute and more of the emulator's time.
LONGEST = ("test_suite_bignum.misc", "test_suite_pk", "test_suite_psa_crypto", "test_suite_psa_crypto_storage_format.v0",
           "test_suite_rsa", "test_suite_ssl")


def suites(*words: str) -> list[str]:
    """The names of the suites that a guest has run and that hold; it ends well."""
    run = stardust("run", "mbedtls-suites", "--memory", 128, "--", *words, seconds=LONG)
    equal(run.status, 0, run.out[-5000:] + run.err)
    held = re.findall(r"(?m)^ok \d+ - (\S+): PASSED \((\d+) / \2 tests", run.out)
    true(f"\n1..{len(held)}\n" in run.out and "not ok" not in run.out, run.out[-5000:])
    return [name for name, _ in held]


def test_self_test_says_that_all_is_well():
    # Not how exact its timers are, which is the load of this machine.
    run = stardust("run", "mbedtls", "--memory", 32, "--", "-x", "timing", seconds=LONG)
    equal(run.status, 0, run.out + run.err)
    true("  [ All tests PASS ]\n" in run.out, run.out)


@timeout(LONG)
def test_all_suites_but_the_longest_hold():
    held = suites("!", *LONGEST)
    built = {file.name.removesuffix(".datax") for file in (paths.BUILD / "mbedtls-suites.root").glob("*.datax")}
    equal(sorted(held), sorted(built - set(LONGEST)))


@timeout(LONG)
def test_suites_of_psa_s_keys_and_of_large_numbers_hold():
    equal(suites("test_suite_psa_crypto", "test_suite_rsa", "test_suite_bignum.misc"),
          ["test_suite_bignum.misc", "test_suite_psa_crypto", "test_suite_rsa"])


@timeout(LONG)
@only("pv")
def test_suite_of_tls_itself_holds():
    equal(suites("test_suite_ssl"), ["test_suite_ssl"])


@timeout(LONG)
@only("pvh")
def test_suites_of_public_keys_and_of_stored_ones_hold():
    equal(suites("test_suite_pk", "test_suite_psa_crypto_storage_format.v0"),
          ["test_suite_pk", "test_suite_psa_crypto_storage_format.v0"])
