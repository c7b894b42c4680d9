/* links: tty.c */
#include <posix/tty.h>

#include <signal.h>
#include <string.h>
#include <termios.h>

#include "tap.h"

static struct sd_tty tty;
static char echoed[20000];
static size_t echoed_bytes;
static int signalled;

static void on_echo(const char *text, size_t bytes)
{
    memcpy(echoed + echoed_bytes, text, bytes);
    echoed_bytes += bytes;
    echoed[echoed_bytes] = '\0';
}

static void on_signal(int number)
{
    signalled = number;
}

static void begin(void)
{
    sd_tty_init(&tty, on_echo, on_signal);
    echoed_bytes = 0;
    echoed[0] = '\0';
    signalled = 0;
}

static void type(const char *keys)
{
    for (; *keys; keys++)
        sd_tty_input(&tty, *keys);
}

/* One read; what it gave, terminated. "(wait)" when it would wait. */
static const char *read_some(size_t size)
{
    static char text[SD_TTY_BYTES + 1];
    size_t count;
    bool more;

    if (sd_tty_must_wait(&tty))
        return "(wait)";
    count = sd_tty_read(&tty, text, size, &more);
    text[count] = '\0';
    return text;
}

TEST(line_is_edited_and_echoed_as_linux_does)
{
    /* What Linux's n_tty gave for the same keys, but for tabs, which it leaves to the terminal. */
    static const struct {
        const char *keys, *line, *echo;
    } rows[] = {
        {"abc\r", "abc\n", "abc\n"},
        {"abc\n", "abc\n", "abc\n"},
        {"abc", "(wait)", "abc"},
        {"ab\x7f"
         "c\r",
         "ac\n", "ab\b \bc\n"},
        {"ab\b\b\b\bc\r", "c\n", "ab\b \b\b \bc\n"},
        {"\x01\x7fz\r", "z\n", "^A\b \b\b \bz\n"},
        {"one two_3  \x17"
         "x\r",
         "one x\n", "one two_3  \b \b\b \b\b \b\b \b\b \b\b \b\b \bx\n"},
        {"abc\x15z\r", "z\n", "abc\b \b\b \b\b \bz\n"},
        {"\xc3\xa4\x7fz\r", "z\n", "\xc3\xa4\b \bz\n"},
        {"a\tb\x7f\x7fz\r", "az\n", "a       b\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \bz\n"},
        {"a\x16\x03z\r", "a\003z\n", "a^\b^Cz\n"},
        {"ab\x12"
         "c\r",
         "abc\n", "ab^R\nabc\n"},
        {"\r", "\n", "\n"},
        {"ab\x04", "ab", "ab"},
        {"\x04", "", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *line;

        begin();
        type(rows[i].keys);
        line = read_some(100);
        TEST_CHECK(!strcmp(line, rows[i].line), "%zu: %s", i, line);
        TEST_CHECK(!strcmp(echoed, rows[i].echo), "%zu: %s", i, echoed);
        TEST_CHECK(sd_tty_must_wait(&tty), "%zu", i);
    }
}

TEST(read_gives_one_line_in_parts_if_need_be)
{
    begin();
    type("first\rsecond\r");
    TEST_CHECK(sd_tty_available(&tty) == 13);
    TEST_CHECK(!strcmp(read_some(3), "fir"));
    TEST_CHECK(!strcmp(read_some(100), "st\n"));
    TEST_CHECK(!strcmp(read_some(100), "second\n"));
    TEST_CHECK(!strcmp(read_some(100), "(wait)"));
}

TEST(end_of_file_behind_what_was_wanted_is_no_second_one)
{
    begin();
    type("abc\x04");
    TEST_CHECK(sd_tty_available(&tty) == 3);
    TEST_CHECK(!strcmp(read_some(3), "abc"));
    TEST_CHECK(!strcmp(read_some(3), "(wait)"));
    type("\x04x\r");
    TEST_CHECK(!strcmp(read_some(3), ""));
    TEST_CHECK(!strcmp(read_some(3), "x\n"));
}

TEST(signals_come_from_their_keys_and_flush)
{
    static const struct {
        char key;
        int number;
        const char *echo;
    } rows[] = {{3, SIGINT, "ab^C"}, {28, SIGQUIT, "ab^\\"}, {26, SIGTSTP, "ab^Z"}};

    for (size_t i = 0; i < 3; i++) {
        begin();
        type("ab");
        sd_tty_input(&tty, rows[i].key);
        TEST_CHECK(signalled == rows[i].number && !strcmp(echoed, rows[i].echo), "%zu: %s", i, echoed);
        type("c\r");
        TEST_CHECK(!strcmp(read_some(100), "c\n"), "%zu", i);
    }
}

static void set_lflag(uint32_t off)
{
    struct sd_termios wanted = tty.settings;

    wanted.lflag &= ~off;
    sd_tty_set(&tty, &wanted);
}

TEST(without_lines_bytes_come_as_they_are)
{
    begin();
    set_lflag(ICANON | ECHO | ISIG);
    type("\x03\x04\x7f\x15");
    TEST_CHECK(sd_tty_available(&tty) == 4 && !strcmp(read_some(100), "\x03\x04\x7f\x15"));
    TEST_CHECK(!echoed_bytes && !signalled && !strcmp(read_some(1), "(wait)"));
}

TEST(modes_change_without_losing_what_was_typed)
{
    begin();
    type("typed");
    TEST_CHECK(!strcmp(read_some(100), "(wait)"));
    set_lflag(ICANON);
    TEST_CHECK(!strcmp(read_some(2), "ty"));
    tty.settings.lflag &= ~(uint32_t)ICANON;
    sd_tty_set(&tty, &(struct sd_termios){.lflag = ICANON});
    TEST_CHECK(!strcmp(read_some(100), "ped"));
    TEST_CHECK(!strcmp(read_some(100), "(wait)"));
}

TEST(too_long_a_line_loses_bytes_and_keeps_its_end)
{
    begin();
    for (int i = 0; i < 10000; i++) {
        TEST_REQUIRE(sd_tty_room(&tty) > 0);
        sd_tty_input(&tty, 'x');
    }
    type("\r");
    TEST_CHECK(sd_tty_available(&tty) == SD_TTY_BYTES);
    TEST_CHECK(strlen(read_some(SD_TTY_BYTES)) == SD_TTY_BYTES);
    TEST_CHECK(sd_tty_must_wait(&tty));
}

TEST(full_lines_wait_outside_until_they_are_read)
{
    begin();
    for (int i = 0; i < 1000 && sd_tty_room(&tty) >= 8; i++)
        type("1234567\r");
    TEST_CHECK(sd_tty_room(&tty) < 8 && sd_tty_available(&tty) <= SD_TTY_BYTES);
    TEST_CHECK(!strcmp(read_some(100), "1234567\n"));
    TEST_CHECK(sd_tty_room(&tty) >= 8);
}

TEST(stream_ends_at_its_mark_and_nowhere_else)
{
    static const struct {
        const char *bytes, *given;
        bool ended;
    } rows[] = {
        {"abc\n\x04", "abc\n", true},
        {"\x04", "", true},
        {"abc\x04\x04", "abc", true},
        {"a\x04"
         "b\r\n",
         "a\x04"
         "b\r\n",
         false},
        {"abc\r\x04xyz", "abc\r", true},
        {"a\x04", "a", false},
        {"a\x7f\x03\x15\n", "a\x7f\x03\x15\n", false},
        {"a\x04\x04"
         "b",
         "a", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        tty.settings.lflag = 0;
        for (const char *c = rows[i].bytes; *c; c++)
            sd_tty_stream(&tty, *c);
        if (*rows[i].given)
            TEST_CHECK(!strcmp(read_some(100), rows[i].given), "%zu", i);
        TEST_CHECK(tty.ended == rows[i].ended, "%zu", i);
        TEST_CHECK(!strcmp(read_some(100), rows[i].ended ? "" : "(wait)"), "%zu", i);
        TEST_CHECK(!strcmp(read_some(100), rows[i].ended ? "" : "(wait)"), "%zu: again", i);
    }
}

int main(void)
{
    return tap_run();
}
