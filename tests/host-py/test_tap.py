"""What is made of TAP, whole or broken off."""

from host import tap
from host.claims import equal, true


def outcomes(text: str) -> list[tuple[str, str]]:
    return [(case.name, case.outcome) for case in tap.parse(text).cases]


def test_each_result_is_told_apart() -> None:
    text = "TAP version 13\n1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no vif\n"
    equal(outcomes(text), [("a", "ok"), ("b", "FAILED"), ("c", "skipped")])
    equal(tap.parse(text).cases[2].details, ["no vif"])
    true(tap.parse(text).complete, "all that was planned ran")


def test_details_belong_to_the_failure_below_them() -> None:
    report = tap.parse("# f.c:1: early\nok 1 - a\n# f.c:9: x == y\nsome output\nnot ok 2 - b\n1..2\n")
    equal(report.cases[0].details, [])
    equal(report.cases[1].details, ["f.c:9: x == y", "some output"])


def test_plan_may_stand_last_or_be_missing() -> None:
    true(tap.parse("ok 1 - a\n1..1\n").complete, "a plan at the end counts")
    true(not tap.parse("ok 1 - a\n").complete, "without a plan nobody knows")
    true(not tap.parse("1..2\nok 1 - a\n").complete, "one of two is not all")
    true(tap.parse("1..0\n").complete, "none of none is all")


def test_the_test_under_way_is_known_when_the_output_breaks_off() -> None:
    report = tap.parse("1..2\n# start a\nok 1 - a\nnoise\n# start b\n# f.c:3: about to\n*** stardust crash: x\n")
    equal(report.under_way, "b")
    equal(report.loose, ["f.c:3: about to", "*** stardust crash: x"])
    equal(tap.parse("1..1\n# start a\nok 1 - a\n").under_way, None)


def test_lines_that_only_look_alike_are_no_results() -> None:
    equal(outcomes("okay 1 - a\nnot okay\n ok 1 - b\n"), [])
    equal(outcomes("ok 1 - a\r\n"), [("a", "ok")])
    equal(outcomes("ok 7\n"), [("test 7", "ok")])
