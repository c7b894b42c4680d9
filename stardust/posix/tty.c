#include "tty.h"

#include <signal.h>
#include <string.h>
#include <termios.h>

#define MASK      (SD_TTY_BYTES - 1)
#define TAB_WIDTH 8
#define DELETE    0x7f

static uint32_t has(const struct sd_tty *tty, uint32_t flag)
{
    return tty->settings.lflag & flag;
}

static bool is_end(const struct sd_tty *tty, uint32_t at)
{
    return tty->ends[(at & MASK) / 8] >> (at % 8) & 1;
}

static void append(struct sd_tty *tty, char c, bool end)
{
    uint32_t at = tty->head++;

    tty->bytes[at & MASK] = c;
    tty->ends[(at & MASK) / 8] &= (uint8_t) ~(1u << (at % 8));
    tty->ends[(at & MASK) / 8] |= (uint8_t)((unsigned)end << (at % 8));
    if (end)
        tty->complete = tty->head;
}

void sd_tty_init(struct sd_tty *tty, void (*echo)(const char *text, size_t bytes), void (*signal)(int number))
{
    static const struct sd_termios initial = {
        .iflag = ICRNL | IUTF8,
        .oflag = OPOST | ONLCR,
        .cflag = CS8 | CREAD | HUPCL | CLOCAL | B38400,
        .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .cc =
            {
                [VINTR] = 3,
                [VQUIT] = 28,
                [VERASE] = DELETE,
                [VKILL] = 21,
                [VEOF] = 4,
                [VMIN] = 1,
                [VSTART] = 17,
                [VSTOP] = 19,
                [VSUSP] = 26,
                [VREPRINT] = 18,
                [VDISCARD] = 15,
                [VWERASE] = 23,
                [VLNEXT] = 22,
            },
    };

    memset(tty, 0, sizeof(*tty));
    tty->settings = initial;
    tty->fresh = true;
    tty->echo = echo;
    tty->signal = signal;
}

void sd_tty_set(struct sd_tty *tty, const struct sd_termios *settings)
{
    bool lines = settings->lflag & ICANON, changes = lines != !!has(tty, ICANON);

    tty->settings = *settings;
    tty->literal = false;
    if (!changes || !lines)
        return;
    /* What came before there were lines is one. */
    tty->complete = tty->head;
    if (tty->head != tty->tail)
        tty->ends[((tty->head - 1) & MASK) / 8] |= (uint8_t)(1u << ((tty->head - 1) % 8));
}

void sd_tty_flush(struct sd_tty *tty)
{
    tty->tail = tty->complete = tty->head;
    tty->literal = false;
}

size_t sd_tty_room(const struct sd_tty *tty)
{
    uint32_t used = tty->head - tty->tail;

    /* A line that is too long loses bytes; it must not keep its own end away. */
    if (has(tty, ICANON) && tty->complete == tty->tail)
        return SD_TTY_BYTES;
    return used < SD_TTY_BYTES - 1 ? SD_TTY_BYTES - 1 - used : 0;
}

/* ---- echo ---- */

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == DELETE;
}

static bool continues_character(const struct sd_tty *tty, char c)
{
    return tty->settings.iflag & IUTF8 && ((unsigned char)c & 0xc0) == 0x80;
}

/* Columns that a byte of the line takes when it starts in `column`. */
static unsigned width(const struct sd_tty *tty, char c, unsigned column)
{
    if (c == '\t')
        return TAB_WIDTH - column % TAB_WIDTH;
    if (is_control(c))
        return has(tty, ECHOCTL) ? 2 : 0;
    return !continues_character(tty, c);
}

/* Columns of the line that is being typed, up to `end`. */
static unsigned columns(const struct sd_tty *tty, uint32_t end)
{
    unsigned column = 0;

    for (uint32_t at = tty->complete; at != end; at++)
        column += width(tty, tty->bytes[at & MASK], column);
    return column;
}

/* Before it is appended. Tabs are written as blanks, so that erasing one knows how many. */
static void echo(struct sd_tty *tty, char c)
{
    static const char blanks[] = "        ";
    char text[] = {'^', (char)(c ^ 0x40)};

    if (!has(tty, ECHO))
        return;
    if (c == '\t' && has(tty, ICANON))
        tty->echo(blanks, width(tty, c, columns(tty, tty->head)));
    else if (is_control(c) && c != '\n' && has(tty, ECHOCTL))
        tty->echo(text, 2);
    else
        tty->echo(&c, 1);
}

/* ---- editing the line ---- */

static void rub_out(struct sd_tty *tty, unsigned count)
{
    while (count--)
        tty->echo("\b \b", 3);
}

/* Takes the last character away. */
static void erase(struct sd_tty *tty)
{
    unsigned before = columns(tty, tty->head);

    if (tty->head == tty->complete)
        return;
    while (--tty->head != tty->complete && continues_character(tty, tty->bytes[tty->head & MASK]))
        ;
    if (!has(tty, ECHO))
        return;
    if (has(tty, ECHOE))
        rub_out(tty, before - columns(tty, tty->head));
    else
        echo(tty, (char)tty->settings.cc[VERASE]);
}

static bool in_word(const struct sd_tty *tty)
{
    char c = tty->bytes[(tty->head - 1) & MASK];

    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static void erase_word(struct sd_tty *tty)
{
    while (tty->head != tty->complete && !in_word(tty))
        erase(tty);
    while (tty->head != tty->complete && in_word(tty))
        erase(tty);
}

static void erase_line(struct sd_tty *tty)
{
    if (has(tty, ECHO) && has(tty, ECHOK) && has(tty, ECHOKE) && has(tty, ECHOE)) {
        rub_out(tty, columns(tty, tty->head));
    } else if (has(tty, ECHO)) {
        echo(tty, (char)tty->settings.cc[VKILL]);
        if (has(tty, ECHOK))
            tty->echo("\n", 1);
    }
    tty->head = tty->complete;
}

static void reprint(struct sd_tty *tty)
{
    uint32_t end = tty->head;

    if (!has(tty, ECHO))
        return;
    echo(tty, (char)tty->settings.cc[VREPRINT]);
    tty->echo("\n", 1);
    /* Each is echoed as if it came now. */
    for (tty->head = tty->complete; tty->head != end; tty->head++)
        echo(tty, tty->bytes[tty->head & MASK]);
}

/* ---- input ---- */

/* Whether the byte has the meaning of that place in `cc`; 0 there is nobody's. */
static bool is(const struct sd_tty *tty, char c, int place)
{
    return tty->settings.cc[place] && (uint8_t)c == tty->settings.cc[place];
}

static bool takes_signal(struct sd_tty *tty, char c)
{
    int number = is(tty, c, VINTR) ? SIGINT : is(tty, c, VQUIT) ? SIGQUIT : is(tty, c, VSUSP) ? SIGTSTP : 0;

    if (!number || !has(tty, ISIG))
        return false;
    if (!has(tty, NOFLSH))
        sd_tty_flush(tty);
    echo(tty, c);
    tty->signal(number);
    return true;
}

/* Whether it changed the line instead of becoming a part of it. */
static bool edits(struct sd_tty *tty, char c)
{
    /* Terminals differ in what their erase key sends. */
    if (is(tty, c, VERASE) || (c == '\b' && tty->settings.cc[VERASE] == DELETE))
        erase(tty);
    else if (is(tty, c, VKILL))
        erase_line(tty);
    else if (is(tty, c, VWERASE) && has(tty, IEXTEN))
        erase_word(tty);
    else if (is(tty, c, VREPRINT) && has(tty, IEXTEN))
        reprint(tty);
    else
        return false;
    return true;
}

static bool ends_line(struct sd_tty *tty, char c)
{
    if (is(tty, c, VEOF)) {
        append(tty, '\0', true);
        return true;
    }
    if (c != '\n' && !is(tty, c, VEOL) && !(is(tty, c, VEOL2) && has(tty, IEXTEN)))
        return false;
    if (has(tty, ECHO) || (c == '\n' && has(tty, ECHONL)))
        tty->echo(&c, 1);
    append(tty, c, true);
    return true;
}

static void take(struct sd_tty *tty, char c)
{
    /* One place is kept for the line's end. */
    if (tty->head - tty->tail >= SD_TTY_BYTES - 1) {
        if (tty->settings.iflag & IMAXBEL)
            tty->echo("\a", 1);
        return;
    }
    echo(tty, c);
    append(tty, c, false);
}

void sd_tty_input(struct sd_tty *tty, char c)
{
    uint32_t flags = tty->settings.iflag;

    if (flags & ISTRIP)
        c &= 0x7f;
    if (tty->literal) {
        tty->literal = false;
        take(tty, c);
        return;
    }
    if (takes_signal(tty, c))
        return;
    if (c == '\r' && flags & IGNCR)
        return;
    if (c == '\r' && flags & ICRNL)
        c = '\n';
    else if (c == '\n' && flags & INLCR)
        c = '\r';
    if (has(tty, ICANON)) {
        if (edits(tty, c))
            return;
        if (is(tty, c, VLNEXT) && has(tty, IEXTEN)) {
            tty->literal = true;
            if (has(tty, ECHO) && has(tty, ECHOCTL))
                tty->echo("^\b", 2);
            return;
        }
        if (ends_line(tty, c))
            return;
    }
    take(tty, c);
}

void sd_tty_stream(struct sd_tty *tty, char c)
{
    if (tty->ended)
        return;
    if (c == 4 && (tty->fresh || tty->held)) {
        tty->ended = true;
        return;
    }
    if (tty->held)
        append(tty, 4, false);
    tty->held = c == 4;
    tty->fresh = c == '\n' || c == '\r';
    if (!tty->held)
        append(tty, c, false);
}

/* ---- reading ---- */

size_t sd_tty_available(const struct sd_tty *tty)
{
    uint32_t end = has(tty, ICANON) ? tty->complete : tty->head;
    size_t count = end - tty->tail;

    for (uint32_t at = tty->tail; has(tty, ICANON) && at != end; at++)
        count -= is_end(tty, at) && !tty->bytes[at & MASK];
    return count;
}

bool sd_tty_must_wait(const struct sd_tty *tty)
{
    return !tty->ended && tty->tail == (has(tty, ICANON) ? tty->complete : tty->head);
}

size_t sd_tty_read(struct sd_tty *tty, char *buffer, size_t size, bool *more)
{
    uint32_t end = has(tty, ICANON) ? tty->complete : tty->head;
    size_t count = 0;
    bool ended = false;

    while (tty->tail != end && !ended) {
        char c = tty->bytes[tty->tail & MASK];

        ended = has(tty, ICANON) && is_end(tty, tty->tail);
        /* An end of file right behind what was wanted belongs to it; alone it would be taken for another. */
        if (ended && !c) {
            tty->tail++;
            break;
        }
        if (count == size) {
            ended = false;
            break;
        }
        buffer[count++] = c;
        tty->tail++;
    }
    *more = !ended && tty->tail != end;
    return count;
}
