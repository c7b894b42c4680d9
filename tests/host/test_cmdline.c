/* links: cmdline.c */
#include <string.h>

#include <stardust/kernel.h>

#include <boot/boot.h>

#include "tap.h"

static char name[] = "program";

/* The arguments as one text, each in brackets. */
static const char *arguments(void)
{
    static char text[8192];
    int argc;
    char **argv = sd_cmdline_args(name, &argc);

    text[0] = '\0';
    TEST_CHECK(argc >= 1 && argv[0] == name && argv[argc] == NULL);
    for (int i = 1; i < argc; i++)
        strcat(strcat(strcat(text, "["), argv[i]), "]");
    return text;
}

TEST(cmdline_arguments_are_the_words_behind_two_dashes)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"", ""},
        {"   ", ""},
        {"ip=none", ""},
        {"--", ""},
        {"-- ", ""},
        {"-- a", "[a]"},
        {"-- a b  c\t d\n", "[a][b][c][d]"},
        {"  loglevel=debug   --   a", "[a]"},
        {"ip=none -- a -- b", "[a][--][b]"},
        {"--a b", ""},
        {"a--b -- c", "[c]"},
        {"-- \"a b\"", "[a b]"},
        {"-- \"\"", "[]"},
        {"-- \"\" \"\"", "[][]"},
        {"-- \"a\\\"b\"", "[a\"b]"},
        {"-- \"a\\\\b\"", "[a\\b]"},
        {"-- \"\\\\\" x", "[\\][x]"},
        {"-- \"--\"", "[--]"},
        {"-- a=\"b c\" d", "[a=b c][d]"},
        {"-- \"a b", "[a b]"}, /* never closed */
        {"-- \"", "[]"},
        {"-- \"a\\", "[a\\]"}, /* ends in an escape */
        {"-- \xff\x01 b", "[\xff\x01][b]"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sd_cmdline_init(rows[i].line);
        TEST_CHECK(strcmp(arguments(), rows[i].want) == 0, "<%s>: %s, expected %s", rows[i].line, arguments(),
                   rows[i].want);
    }
}

TEST(cmdline_options_of_one_name_are_counted_in_order)
{
    static const char *const wanted[] = {"A=1", "", "B=two words"};

    sd_cmdline_init("env=A=1 loglevel=info env= envy=no \"env=B=two words\" -- env=C=3");
    for (size_t i = 0; i < 3; i++) {
        const char *value = sd_cmdline_option("env", i);

        TEST_CHECK(value && !strcmp(value, wanted[i]), "%zu: %s", i, value ? value : "none");
    }
    TEST_CHECK(!sd_cmdline_option("env", 3) && !sd_cmdline_option("env", SIZE_MAX));
}

TEST(cmdline_options_are_found_by_their_whole_name)
{
    static const struct {
        const char *line, *name, *want; /* NULL: not there */
    } rows[] = {
        {"ip=dhcp", "ip", "dhcp"},
        {"loglevel=debug ip=10.0.0.1/8,10.0.0.2", "ip", "10.0.0.1/8,10.0.0.2"},
        {"ip=", "ip", ""},
        {"ip", "ip", NULL},
        {"ip1=none", "ip", NULL},
        {"ip1=none ip=dhcp", "ip", "dhcp"},
        {"xip=none", "ip", NULL},
        {"IP=none", "ip", NULL},
        {"ip=none ip=dhcp", "ip", "dhcp"}, /* the last one counts */
        {"ip=a=b", "ip", "a=b"},
        {"test=\"two words\"", "test", "two words"},
        {"test.skip=3", "test", NULL},
        {"-- ip=dhcp", "ip", NULL},
        {"", "ip", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char value[64] = "untouched";
        bool found;

        sd_cmdline_init(rows[i].line);
        found = sd_option(rows[i].name, value, sizeof(value));
        TEST_CHECK(found == (rows[i].want != NULL), "<%s>", rows[i].line);
        TEST_CHECK(strcmp(value, rows[i].want ? rows[i].want : "untouched") == 0, "<%s>: %s", rows[i].line,
                   value);
    }
}

TEST(cmdline_a_long_value_is_cut_to_the_buffer)
{
    char value[5] = "";

    sd_cmdline_init("test=1234567");
    TEST_CHECK(sd_option("test", value, sizeof(value)) && strcmp(value, "1234") == 0);
    TEST_CHECK(sd_option("test", value, 1) && value[0] == '\0');
}

static char unknown[1024];

static void note_unknown(const char *option)
{
    strcat(strcat(strcat(unknown, "["), option), "]");
}

TEST(cmdline_unknown_options_are_named_known_ones_not)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"loglevel=debug ip=dhcp ip1=none ip12=none test=x test.skip=2", ""},
        {"quiet", "[quiet]"},
        {"ip", "[ip]"},
        {"ip1", "[ip1]"},
        {"ipx=1", "[ipx=1]"},
        {"ip1x=1", "[ip1x=1]"},
        {"loglevels=1 root=/dev/xvda -- other=1", "[loglevels=1][root=/dev/xvda]"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unknown[0] = '\0';
        sd_cmdline_init(rows[i].line);
        sd_cmdline_unknown(note_unknown);
        TEST_CHECK(strcmp(unknown, rows[i].want) == 0, "<%s>: %s", rows[i].line, unknown);
    }
}

/* At the limit of 1,023 characters and far above: the sanitizer watches the module's buffer. */
TEST(cmdline_of_any_length_stays_within_its_buffer)
{
    static const char *const units[] = {"a", "a ", "\"\" ", "\"a", "\\", "ip=1 ", "-- ", "\"\\\\\" "};
    static char line[5000];

    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        for (size_t length = 1000; length < sizeof(line); length = length < 1050 ? length + 1 : length * 2) {
            size_t unit = strlen(units[u]);
            int argc;
            char value[2000];

            for (size_t i = 0; i < length; i++)
                line[i] = units[u][i % unit];
            line[length] = '\0';
            sd_cmdline_init(line);
            sd_cmdline_args(name, &argc);
            sd_option("ip", value, sizeof(value));
            TEST_CHECK(argc >= 1 && argc <= 1024, "%zu of unit %zu", length, u);
        }
    }
}

TEST(cmdline_as_many_arguments_as_fit_arrive)
{
    static char line[1024];
    int argc;

    for (size_t i = 0; i < 1023; i++)
        line[i] = i % 2 ? ' ' : 'x';
    memcpy(line, "-- ", 3);
    line[3] = ' ';
    sd_cmdline_init(line);
    sd_cmdline_args(name, &argc);
    TEST_CHECK(argc == 1 + (1023 - 3) / 2, "%d", argc);
}

TEST(cmdline_the_longest_argument_arrives_whole)
{
    static char line[1024], want[1024];

    memset(line, 'x', 1023);
    memcpy(line, "-- ", 3);
    sd_cmdline_init(line);
    snprintf(want, sizeof(want), "[%s]", line + 3);
    TEST_CHECK(strcmp(arguments(), want) == 0);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
