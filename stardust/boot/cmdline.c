/*
 * The command line (docs/guest-contract.md): words with double quotes, kernel options up to the first `--`.
 */
#include "boot.h"

#include <string.h>

#include <stardust/kernel.h>

/* MAX_GUEST_CMDLINE of xen/xen.h, and as many words as that can hold: a character and a blank each. */
#define TEXT_MAX  1024
#define WORDS_MAX (TEXT_MAX / 2)

static char text[TEXT_MAX];
static char *words[WORDS_MAX + 2]; /* options, then one place for argv[0], arguments, NULL */
static int options, arguments;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Takes the next word from *from to *to, unquoted; both move on. A quote that is never closed ends with the
 * text. */
static void take_word(const char **from, const char *end, char **to)
{
    bool quoted = false;

    while (*from < end && (quoted || !is_blank(**from))) {
        char c = *(*from)++;

        if (c == '"') {
            quoted = !quoted;
            continue;
        }
        if (c == '\\' && quoted && *from < end)
            c = *(*from)++;
        *(*to)++ = c;
    }
    *(*to)++ = '\0';
}

void sd_cmdline_init(const char *line)
{
    const char *end = line + strnlen(line, TEXT_MAX - 1);
    bool seen_dashes = false;
    char *to = text;

    options = arguments = 0;
    /* An unquoted word is never longer than what it came from, so that `text` is large enough; see strnlen.
     */
    while (line < end && options + arguments < WORDS_MAX) {
        char *word = to;

        if (is_blank(*line)) {
            line++;
            continue;
        }
        take_word(&line, end, &to);
        if (seen_dashes) {
            words[options + 1 + arguments++] = word;
        } else if (!strcmp(word, "--")) {
            seen_dashes = true;
        } else {
            words[options++] = word;
        }
    }
    words[options + 1 + arguments] = NULL;
}

static bool has_name(const char *option, const char *name)
{
    size_t length = strlen(name);

    return !strncmp(option, name, length) && option[length] == '=';
}

bool sd_option(const char *name, char *value, size_t size)
{
    for (int i = options; i-- > 0;) {
        const char *found;
        size_t length;

        if (!has_name(words[i], name))
            continue;
        found = words[i] + strlen(name) + 1;
        length = strnlen(found, size - 1);
        memcpy(value, found, length);
        value[length] = '\0';
        return true;
    }
    return false;
}

char *sd_cmdline_option(const char *name, size_t index)
{
    for (int i = 0; i < options; i++)
        if (has_name(words[i], name) && !index--)
            return words[i] + strlen(name) + 1;
    return NULL;
}

static bool is_known(const char *option)
{
    static const char *const names[] = {"loglevel", "argv0", "ip",   "dns",      "env",
                                        "tty",      "stack", "test", "test.skip"};
    const char *p = option;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (has_name(option, names[i]))
            return true;
    /* ip1=, ip2=, … of further interfaces */
    if (strncmp(p, "ip", 2) != 0)
        return false;
    for (p += 2; *p >= '0' && *p <= '9'; p++)
        ;
    return *p == '=';
}

void sd_cmdline_unknown(void (*each)(const char *option))
{
    for (int i = 0; i < options; i++)
        if (!is_known(words[i]))
            each(words[i]);
}

char **sd_cmdline_args(char *name, int *argc)
{
    char *given = sd_cmdline_option("argv0", 0);

    words[options] = given ? given : name;
    *argc = arguments + 1;
    return &words[options];
}
