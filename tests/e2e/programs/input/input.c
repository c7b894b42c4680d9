/*
 * Reads standard input as its argument says: `lines` gives each line back in angle brackets until the end,
 * and says how often the end comes; `sum` says how many bytes there were and what they add up to; `terminal`
 * says what isatty and the modes are, and then does as `lines`; `raw` gives each byte's number until a q.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int lines(void)
{
    char line[5000];
    ssize_t again;

    while (fgets(line, sizeof(line), stdin)) {
        size_t length = strcspn(line, "\n");

        printf("<%.*s>%s", (int)length, line, line[length] ? "\n" : "|");
        fflush(stdout);
    }
    again = read(0, line, sizeof(line));
    printf("end %d %d\n", feof(stdin) != 0, (int)again);
    return 0;
}

static int sum(void)
{
    unsigned char piece[3000];
    unsigned long count = 0, total = 0;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    ssize_t got;

    while (poll(&input, 1, -1) == 1 && (got = read(0, piece, sizeof(piece))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            total = total * 31 + piece[i];
        count += (unsigned long)got;
    }
    printf("%lu bytes, %lx\n", count, total);
    return 0;
}

static int terminal(void)
{
    struct winsize size = {0};
    struct termios modes;
    int got = tcgetattr(0, &modes);

    ioctl(1, TIOCGWINSZ, &size);
    printf("terminal %d%d, %dx%d, canonical %d\n", isatty(0), isatty(1), size.ws_col, size.ws_row,
           !got && modes.c_lflag & ICANON);
    return lines();
}

static int raw(void)
{
    struct termios modes;
    unsigned char c = 0;

    if (tcgetattr(0, &modes))
        return 1;
    cfmakeraw(&modes);
    modes.c_cc[VMIN] = 1;
    if (tcsetattr(0, TCSAFLUSH, &modes))
        return 1;
    printf("ready\r\n");
    while (c != 'q' && read(0, &c, 1) == 1)
        printf("%d\r\n", c);
    modes.c_cc[VMIN] = 0;
    modes.c_cc[VTIME] = 1;
    return tcsetattr(0, TCSADRAIN, &modes) || read(0, &c, 1) != 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "lines"))
        return lines();
    if (!strcmp(what, "sum"))
        return sum();
    if (!strcmp(what, "terminal"))
        return terminal();
    if (!strcmp(what, "raw"))
        return raw();
    return 2;
}
