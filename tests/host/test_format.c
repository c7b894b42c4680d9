/* links: format.c */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <xenlib/format.h>

#include "tap.h"

/* The judge is the host's C library. Each call is written once and given to both, at sizes around every
 * length that occurs, 0 included; the byte after the buffer must stay. */
#define BUFFER 96
static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 21, 22, 24, 64, BUFFER - 1};

static bool same(size_t size, const char *expected, int expected_length, const char *actual, size_t length)
{
    return (size_t)expected_length == length && memcmp(expected, actual, size + 1) == 0;
}

#define BOTH(...)                                                                                            \
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {                                          \
        char theirs[BUFFER], ours[BUFFER];                                                                   \
        size_t our_length;                                                                                   \
        int their_length;                                                                                    \
                                                                                                             \
        memset(theirs, '~', BUFFER);                                                                         \
        memset(ours, '~', BUFFER);                                                                           \
        their_length = snprintf(theirs, sizes[i], __VA_ARGS__);                                              \
        our_length = xen_format(ours, sizes[i], __VA_ARGS__);                                                \
        blank_rest(theirs, sizes[i], their_length);                                                          \
        blank_rest(ours, sizes[i], their_length);                                                            \
        TEST_CHECK(same(sizes[i], theirs, their_length, ours, our_length),                                   \
                   "%s, size %zu: theirs \"%.*s\" (%d), got \"%.*s\" (%zu)", #__VA_ARGS__, sizes[i],         \
                   (int)sizes[i], theirs, their_length, (int)sizes[i], ours, our_length);                    \
    }

/* Between the terminator and `size` either may have written what it liked. */
static void blank_rest(char *buffer, size_t size, int length)
{
    size_t end = (size_t)length + 1;

    if (end < size)
        memset(buffer + end, '~', size - end);
}

TEST(format_plain_text_and_percent)
{
    static const char empty[] = "";

    BOTH("%s", empty);
    BOTH("plain");
    BOTH("%%");
    BOTH("100%% of %%s");
    BOTH("ends with %d", 7);
}

TEST(format_strings_with_width_and_precision)
{
    static const char unterminated[4] = {'w', 'x', 'y', 'z'};

    BOTH("%s", "text");
    BOTH("<%10s>", "text");
    BOTH("<%-10s>", "text");
    BOTH("<%2s>", "text");
    BOTH("<%.2s>", "text");
    BOTH("<%.0s>", "text");
    BOTH("<%.s>", "text");
    BOTH("<%8.3s>", "text");
    BOTH("<%-8.3s>", "text");
    BOTH("<%.4s>", unterminated);
    BOTH("<%*s>", 9, "text");
    BOTH("<%*s>", -9, "text");
    BOTH("<%-*s>", -9, "text");
    BOTH("<%.*s>", 3, "text");
    BOTH("<%.*s>", -1, "text");
    BOTH("<%*.*s>", 7, 1, "text");
    BOTH("%s/%s/%u/%s", "device", "vif", 0u, "state");
}

TEST(format_characters)
{
    BOTH("<%c>", 'x');
    BOTH("<%5c>", 'x');
    BOTH("<%-5c>", 'x');
    BOTH("<%c>", 0);
    BOTH("<%c>", 0x141);
}

TEST(format_signed_numbers)
{
    static const int values[] = {0, 1, -1, 9, 10, -10, 12345, INT_MAX, INT_MIN};

    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        BOTH("%d", values[v]);
        BOTH("%i", values[v]);
        BOTH("<%8d>", values[v]);
        BOTH("<%-8d>", values[v]);
        BOTH("<%08d>", values[v]);
        BOTH("<%.5d>", values[v]);
        BOTH("<%9.5d>", values[v]);
        BOTH("<%-9.5d>", values[v]);
        BOTH("<%.0d>", values[v]);
        BOTH("<%4.0d>", values[v]);
        BOTH("<%.*d>", -1, values[v]);
        BOTH("<%0*d>", 12, values[v]);
        BOTH("<%0*d>", -12, values[v]);
    }
}

TEST(format_unsigned_and_hexadecimal_numbers)
{
    static const unsigned values[] = {0, 1, 9, 10, 15, 16, 255, 0xdeadbeef, UINT_MAX};

    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        BOTH("%u", values[v]);
        BOTH("<%12u>", values[v]);
        BOTH("<%012u>", values[v]);
        BOTH("<%.0u>", values[v]);
        BOTH("%x", values[v]);
        BOTH("%X", values[v]);
        BOTH("%#x", values[v]);
        BOTH("%#X", values[v]);
        BOTH("<%08x>", values[v]);
        BOTH("<%#012x>", values[v]);
        BOTH("<%#12x>", values[v]);
        BOTH("<%-#12x>", values[v]);
        BOTH("<%#.10x>", values[v]);
        BOTH("<%#.0x>", values[v]);
    }
}

TEST(format_size_modifiers)
{
    static const uint64_t values[] = {0,         1,          127,       128,        255,
                                      256,       32767,      32768,     65535,      65536,
                                      INT32_MAX, UINT32_MAX, INT64_MAX, 1ull << 63, UINT64_MAX};

    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        BOTH("%hhd", (signed char)values[v]);
        BOTH("%hhu", (unsigned char)values[v]);
        BOTH("%hd", (short)values[v]);
        BOTH("%hu", (unsigned short)values[v]);
        BOTH("%ld", (long)values[v]);
        BOTH("%lu", (unsigned long)values[v]);
        BOTH("%lld", (long long)values[v]);
        BOTH("%llu", (unsigned long long)values[v]);
        BOTH("%zu", (size_t)values[v]);
        BOTH("%zx", (size_t)values[v]);
        BOTH("%jd", (intmax_t)values[v]);
        BOTH("%ju", (uintmax_t)values[v]);
        BOTH("%td", (ptrdiff_t)values[v]);
        BOTH("%#018lx", (unsigned long)values[v]);
    }
}

/* What the caller passes is an int; the modifier says how much of it counts. */
TEST(format_narrow_modifiers_cut_the_argument)
{
    char actual[BUFFER];

    /* Kept from the compiler's format check, which knows that this loses bits. */
    static const char *volatile narrow = "%hhd %hhu %hd %hu";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    xen_format(actual, sizeof(actual), narrow, 0x1ff, 0x1ff, 0x18000, 0x18000);
#pragma GCC diagnostic pop
    TEST_CHECK(strcmp(actual, "-1 255 -32768 32768") == 0, "got \"%s\"", actual);
}

TEST(format_pointers_as_0x_and_digits)
{
    char actual[BUFFER];

    BOTH("%p", (void *)0x1234abcdul);
    BOTH("<%16p>", (void *)0xfful);
    BOTH("<%-16p>", (void *)0xfful);
    xen_format(actual, sizeof(actual), "%p", (void *)0);
    TEST_CHECK(strcmp(actual, "0x0") == 0, "got \"%s\"", actual);
}

static size_t through_va(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = xen_vformat(buffer, size, format, args);
    va_end(args);
    return length;
}

/* Nothing here is checked by the compiler, and no argument is taken that was not passed. */
TEST(format_survives_what_it_does_not_know)
{
    static const struct {
        const char *format, *expected;
    } rows[] = {
        {"%", "%"},   {"50%", "50%"}, {"%q", "%q"},  {"a%-08.3lqb", "a%-08.3lqb"},
        {"%n", "%n"}, {"%f", "%f"},   {"%l", "%l"},  {"%hh", "%hh"},
        {"%5", "%5"}, {"%5.", "%5."}, {"%ll%", "%"}, {"%-", "%-"},
    };
    char actual[BUFFER];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = through_va(actual, sizeof(actual), rows[i].format);

        TEST_CHECK(strcmp(actual, rows[i].expected) == 0 && length == strlen(rows[i].expected),
                   "\"%s\" gave \"%s\" (%zu)", rows[i].format, actual, length);
    }
}

/* Compilers warn of these flags, so the host's library is not asked; C11 7.21.6.1, paragraph 6. */
TEST(format_zero_flag_yields_to_minus_and_to_a_precision)
{
    char actual[BUFFER];

    through_va(actual, sizeof(actual), "<%09.5d|%-05d|%0-6x|%09.5d>", 42, 42, 0x42, -42);
    TEST_CHECK(strcmp(actual, "<    00042|42   |42    |   -00042>") == 0, "got \"%s\"", actual);
}

TEST(format_null_string_is_named)
{
    char actual[BUFFER];

    through_va(actual, sizeof(actual), "<%s|%9s|%.3s>", NULL, NULL, NULL);
    TEST_CHECK(strcmp(actual, "<(null)|   (null)|(nu>") == 0, "got \"%s\"", actual);
}

TEST(format_takes_any_width_and_precision)
{
    char actual[8];

    memset(actual, '~', sizeof(actual));
    TEST_CHECK(through_va(actual, 5, "%*d", INT_MIN, 1) == (size_t)INT_MAX + 1);
    TEST_CHECK(memcmp(actual, "1   \0~~~", 8) == 0);
    TEST_CHECK(through_va(actual, 5, "%*d", INT_MAX, 1) == (size_t)INT_MAX);
    TEST_CHECK(memcmp(actual, "    \0~~~", 8) == 0);
    TEST_CHECK(through_va(actual, 5, "%.*d", INT_MAX, -1) == (size_t)INT_MAX + 1);
    TEST_CHECK(memcmp(actual, "-000\0~~~", 8) == 0);
    TEST_CHECK(through_va(actual, 5, "%99999999999999999999999d", 1) >= 99999);
    TEST_CHECK(through_va(NULL, 0, "%s %d", "measured", 10) == 11);
}

int main(void)
{
    return tap_run();
}
