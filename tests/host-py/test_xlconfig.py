"""What stands in an xl file and in a guest's command line is what was meant."""

from host.claims import equal, true
from host.errors import Problem
from host.xlconfig import Config, command_line, quote, quote_word


def refused(work: object, *arguments: object) -> bool:
    try:
        work(*arguments)    # type: ignore[operator]
    except Problem:
        return True
    return False


def test_words_are_quoted_only_where_they_must_be() -> None:
    cases = {"plain": "plain", "ip=10.0.2.15/24,10.0.2.2": "ip=10.0.2.15/24,10.0.2.2", "": '""', "a b": '"a b"', 'a"b': '"a\\"b"',
             "a\\b": '"a\\\\b"', "tab\there": '"tab\there"', "'single'": "'single'", "ünï": "ünï"}
    for word, wanted in cases.items():
        equal(quote_word(word), wanted)


def test_program_arguments_stand_after_two_dashes() -> None:
    equal(command_line([], []), "")
    equal(command_line(["loglevel=debug"], []), "loglevel=debug")
    equal(command_line([], ["a b", "--"]), '-- "a b" --')
    equal(command_line(["ip=none"], ["x"]), "ip=none -- x")


def test_command_line_too_long_for_xen_is_refused() -> None:
    equal(len(command_line([], ["x" * 1020])), 1023)
    true(refused(command_line, [], ["x" * 1021]), "1,024 bytes are refused")
    true(refused(command_line, [], ["ü" * 511]), "bytes count, not characters")
    true(refused(command_line, [], ["a\0b"]), "a zero byte is refused")


def test_values_are_quoted_as_xl_reads_them() -> None:
    equal(quote(16), "16")
    equal(quote('say "hi" \\ bye'), '"say \\"hi\\" \\\\ bye"')
    equal(quote(["bridge=xenbr0", "a"]), '[ "bridge=xenbr0", "a" ]')
    equal(quote([]), "[ ]")
    true(refused(quote, "two\nlines"), "a line break is refused")


def test_printed_file_is_whole_and_natural() -> None:
    text = Config("echo", "/x/build/echo", '-- "a b"').text()
    equal(text, 'name = "echo"\ntype = "pv"\nkernel = "/x/build/echo"\nextra = "-- \\"a b\\""\nmemory = 16\nvcpus = 1\n'
                'vif = [ "bridge=xenbr0" ]\non_poweroff = "destroy"\non_reboot = "restart"\non_crash = "destroy"\n')


def test_options_win_over_what_is_set_anyway() -> None:
    text = Config("x", "/x", options={"on_reboot": "destroy", "disk": ["format=raw,vdev=xvda,target=/d"]}).text()
    true('on_reboot = "destroy"\n' in text and "restart" not in text, "the option replaces the default")
    true('disk = [ "format=raw,vdev=xvda,target=/d" ]\n' in text, "further options are there")


def test_small_pvh_guests_get_little_shadow_memory() -> None:
    true("shadow_memory = 1\n" in Config("x", "/x", type="pvh", memory=16).text(), "below 32 MB")
    true("shadow_memory" not in Config("x", "/x", type="pvh", memory=32).text(), "the default from 32 MB up")
