/* links: log.c format.c */
#include <stdarg.h>
#include <string.h>

#include <stardust/log.h>
#include <xenlib/console.h>
#include <xenlib/time.h>

#include "tap.h"

#define SECOND 1000000000ull

static char console[8192];
static size_t console_length, puts_seen;
static uint64_t now = 1000 * SECOND;

size_t xen_console_put(const char *text, size_t bytes)
{
    if (console_length + bytes < sizeof(console)) {
        memcpy(console + console_length, text, bytes);
        console_length += bytes;
        console[console_length] = '\0';
    }
    puts_seen++;
    return bytes;
}

uint64_t xen_time_now(void)
{
    return now;
}

static void begin(void)
{
    console_length = puts_seen = 0;
    console[0] = '\0';
    sd_log_set_level(XEN_LOG_INFO);
}

TEST(log_prints_what_is_at_or_above_the_level)
{
    static const struct {
        enum xen_log_level level;
        const char *want;
    } rows[] = {
        {XEN_LOG_ERROR, "error: e 1\n"},
        {XEN_LOG_WARN, "error: e 1\nwarning: w 2\n"},
        {XEN_LOG_INFO, "error: e 1\nwarning: w 2\ni 3\n"},
        {XEN_LOG_DEBUG, "error: e 1\nwarning: w 2\ni 3\ndebug: d 4\n"},
    };

    TEST_CHECK(sd_log_level() == XEN_LOG_INFO, "info at first");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        sd_log_set_level(rows[i].level);
        TEST_CHECK(sd_log_level() == rows[i].level);
        sd_error("e %d", 1);
        sd_warn("w %d", 2);
        sd_info("i %d", 3);
        sd_debug("d %d", 4);
        TEST_CHECK(strcmp(console, rows[i].want) == 0, "level %d: %s", rows[i].level, console);
    }
}

TEST(log_a_line_is_one_put_cut_to_255_characters)
{
    static const size_t lengths[] = {0, 1, 254, 255, 256, 300, 1000};
    static char text[1001];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int level = XEN_LOG_ERROR; level <= XEN_LOG_DEBUG; level++) {
            size_t length;

            begin();
            sd_log_set_level(XEN_LOG_DEBUG);
            memset(text, 'x', lengths[i]);
            text[lengths[i]] = '\0';
            sd_log((enum xen_log_level)level, "%s", text);
            length = strlen(console);
            TEST_CHECK(puts_seen == 1);
            TEST_CHECK(length > 0 && length <= 256 && strchr(console, '\n') == console + length - 1,
                       "%zu characters: %zu", lengths[i], length);
            TEST_CHECK(length - 1 >= (lengths[i] < 255 ? lengths[i] : 255), "%zu characters: %zu", lengths[i],
                       length);
        }
    }
}

static unsigned allowed_of(struct sd_log_limit *limit, unsigned tries)
{
    unsigned allowed = 0;

    for (unsigned i = 0; i < tries; i++)
        allowed += sd_log_allowed(limit, "the peer");
    return allowed;
}

TEST(log_limit_lets_8_through_in_5_seconds_and_counts_the_rest)
{
    struct sd_log_limit limit = {0}, other = {0};

    begin();
    TEST_CHECK(allowed_of(&limit, 100) == 8);
    TEST_CHECK(allowed_of(&other, 3) == 3, "each limiter counts for itself");
    now += 5 * SECOND - 1;
    TEST_CHECK(allowed_of(&limit, 10) == 0 && console_length == 0);
    now += 1;
    TEST_CHECK(allowed_of(&limit, 100) == 8);
    TEST_CHECK(strstr(console, "the peer") && strstr(console, "102"), "%s", console);
    TEST_CHECK(puts_seen == 1, "said once");
}

TEST(log_limit_says_nothing_when_nothing_was_left_out)
{
    struct sd_log_limit limit = {0};

    begin();
    for (unsigned i = 0; i < 20; i++) {
        TEST_CHECK(allowed_of(&limit, 8) == 8);
        now += 5 * SECOND;
    }
    TEST_CHECK(console_length == 0, "%s", console);
}

TEST(log_limit_holds_for_a_long_flood)
{
    struct sd_log_limit limit = {0};
    unsigned allowed = 0;

    begin();
    for (unsigned ms = 0; ms < 60000; ms++) {
        allowed += allowed_of(&limit, 10);
        now += SECOND / 1000;
    }
    TEST_CHECK(allowed <= 12 * 8, "%u lines in a minute", allowed);
    TEST_CHECK(allowed >= 11 * 8, "%u lines in a minute", allowed);
}

int main(void)
{
    return tap_run();
}
