/*
 * The program of a test image: runs every registered test and says how each went, as docs/guest-contract.md
 * has it.
 */
#include <stardust/test.h>

#include <stdarg.h>
#include <string.h>

#include <stardust/kernel.h>
#include <xenlib/format.h>

#include "../boot/boot.h"

extern const struct sd_test __start_sd_test[], __stop_sd_test[];

static struct {
    bool failed;
    const char *skipped; /* why */
} now;

bool sd_test_check(bool ok, const char *file, int line, const char *what)
{
    if (!ok) {
        sd_printf("# %s:%d: %s\n", file, line, what);
        now.failed = true;
    }
    return ok;
}

void sd_test_note(const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    xen_vformat(text, sizeof(text), format, args);
    va_end(args);
    sd_printf("# %s\n", text);
}

void sd_test_skip(const char *why)
{
    now.skipped = why;
}

void sd_test_error(const char *why)
{
    sd_printf("# the test itself is broken: %s\n", why);
    now.failed = true;
}

static bool run(const struct sd_test *test, unsigned number)
{
    now.failed = false;
    now.skipped = NULL;
    sd_printf("# start %s\n", test->name);
    test->run();
    if (now.failed)
        sd_printf("not ok %u - %s\n", number, test->name);
    else if (now.skipped)
        sd_printf("ok %u - %s # SKIP %s\n", number, test->name, now.skipped);
    else
        sd_printf("ok %u - %s\n", number, test->name);
    return !now.failed;
}

static unsigned option_number(const char *name)
{
    char value[12];
    unsigned number = 0;

    if (sd_option(name, value, sizeof(value)))
        for (const char *p = value; *p >= '0' && *p <= '9'; p++)
            number = number * 10 + (unsigned)(*p - '0');
    return number;
}

int sd_run_program(void)
{
    unsigned skip = option_number("test.skip"), total = 0, number = 0, failures = 0;
    char pattern[80] = "";

    sd_option("test", pattern, sizeof(pattern));
    for (const struct sd_test *test = __start_sd_test; test < __stop_sd_test; test++)
        total += strstr(test->name, pattern) != NULL;
    sd_printf("TAP version 13\n1..%u\n", total);
    for (const struct sd_test *test = __start_sd_test; test < __stop_sd_test; test++)
        if (strstr(test->name, pattern) && ++number > skip)
            failures += !run(test, number);
    return failures ? 1 : 0;
}
