"""Which tests run as which type of guest, what they are called, and what a filter chooses of them."""

import tempfile
from pathlib import Path

from host import claims, testing
from host.claims import equal, once, only, true
from host.errors import Problem
from host.tap import Case

MODULE = '''
from host import claims
from host.claims import equal, only, skip, timeout

@timeout(7)
def test_both():
    equal(claims.guest_type, "pvh")

@only("pv")
def test_one():
    skip("no reason")
'''


def made(function: str, type: str) -> Case:
    """A test of MODULE, made in a process of its own."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "test.py"
        file.write_text(MODULE)
        return testing.Claim(file, function, f"{type}.x", type).make()


def test_the_type_reaches_the_claim() -> None:
    equal(made("test_both", "pvh"), Case("pvh.x", "ok"))
    case = made("test_both", "pv")
    equal((case.name, case.outcome), ("pv.x", "FAILED"))
    true("got 'pv', wanted 'pvh'" in case.details[-1], f"why, in {case.details}")


def test_a_claim_is_made_again_when_domain_0_crashed_under_it_and_only_then() -> None:
    with tempfile.TemporaryDirectory() as directory:
        file, marks = Path(directory) / "test.py", Path(directory) / "marks"
        for failure, outcome, times in (("ChannelLost(LOST)", "FAILED", 2), ("AssertionError('no')", "FAILED", 1)):
            file.write_text(f"from host.remote import LOST, ChannelLost\n\ndef test_it():\n    open({str(marks)!r}, 'a').write('x')\n"
                            f"    raise {failure}\n")
            marks.write_text("")
            equal((testing.Claim(file, "test_it", "pv.x", "pv").make().outcome, len(marks.read_text())), (outcome, times), failure)
        file.write_text(f"from host.remote import LOST, ChannelLost\nimport os\n\ndef test_it():\n    if os.path.exists({str(marks)!r}):\n"
                        f"        os.unlink({str(marks)!r})\n        raise ChannelLost(LOST)\n")
        equal(testing.Claim(file, "test_it", "pv.x", "pv").make().outcome, "ok")


def test_a_skip_is_a_skip() -> None:
    equal(made("test_one", "pv"), Case("pv.x", "skipped", ["no reason"]))


def test_types_are_both_one_or_none() -> None:
    equal(claims.types_of(lambda: None), ("pv", "pvh"))
    equal(claims.types_of(only("pvh")(lambda: None)), ("pvh",))
    equal(claims.types_of(once(lambda: None)), ("",))


def test_claims_are_named_for_their_type_and_stand_together_by_it() -> None:
    names = [claim.printed for claim in testing.e2e_claims(testing.CLAIMS["e2e"])]
    equal(len(names), len(set(names)), "each has a name of its own")
    for type in claims.TYPES:
        true(f"{type}.program.hello_boots_in_2_mb" in names, f"{type} in {names}")
    true("run.bad_input_gives_one_sentence_and_status_125" in names, f"one that runs once, in {names}")
    of_run = [name.partition(".")[0] for name in names if "run" in name.split(".")[:-1]]
    equal(of_run, sorted(of_run, key=["run", *claims.TYPES].index))


def test_programs_that_a_claim_starts_are_known_before_it_is_made() -> None:
    needed = {claim.printed: claim.needs for claim in testing.e2e_claims(testing.CLAIMS["e2e"])}
    equal(needed["pvh.hostile.pipeline_of_redis_is_answered_in_order_over_a_poor_link"], ("redis",))
    equal(needed["pvh.program.hello_boots_in_2_mb"], ())


def test_soak_is_by_itself_and_takes_a_number_of_minutes() -> None:
    true(testing.SOAK not in testing.TIERS, "a plain `test` does not soak")
    for words in (["x"], ["0"], ["-1"], ["nan"], ["1", "2"]):
        try:
            testing.main([testing.SOAK, *words])
        except Problem as problem:
            true("minutes" in str(problem), str(problem))
        else:
            raise AssertionError(f"{words} are no number of minutes")


def test_a_filter_of_printed_names_becomes_the_test_image_s() -> None:
    cases = {
        # filter: (for pv, for pvh)
        "": ("", ""),
        "pv": ("", ""),             # in "pvh." as well
        "pv.": ("", None),
        "pvh": ("pvh", ""),
        "pvh.": (None, ""),
        "pvh.heap": (None, "heap"),
        "pv.heap": ("heap", None),
        "heap": ("heap", "heap"),
        "h.heap": ("h.heap", "heap"),
        ".heap": ("heap", "heap"),
        "heap_pvh": ("heap_pvh", "heap_pvh"),
    }
    for pattern, wanted in cases.items():
        equal(tuple(testing.guest_pattern(pattern, type) for type in claims.TYPES), wanted, repr(pattern))
