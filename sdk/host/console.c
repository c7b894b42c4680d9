/*
 * The console is standard input and output. Input is taken when the kernel asks, and told of when nothing
 * else is to do or the timer comes; its end is ^D, as docs/guest-contract.md has it.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <xenlib/console.h>
#include <xenlib/time.h>

#define END_OF_INPUT 4

static void (*on_event)(void);
static bool ended, returns;
static bool was_empty; /* when it was asked last; what waits for room in the kernel must not wake it */
static size_t ends_to_come;
static struct termios before;
static bool is_raw;

int xen_console_init(void)
{
    return 0;
}

static void write_all(int fd, const char *text, size_t bytes)
{
    while (bytes) {
        long written = HOST_CALL(SYS_write, fd, text, bytes, 0);
        struct pollfd room = {.fd = fd, .events = POLLOUT};

        if (written == -EAGAIN)
            HOST_CALL(SYS_poll, &room, 1, -1, 0);
        else if (written < 0 && written != -EINTR)
            return;
        if (written > 0) {
            text += written;
            bytes -= (size_t)written;
        }
    }
}

size_t xen_console_put(const char *text, size_t bytes)
{
    size_t done = 0;

    while (returns && done < bytes) {
        const char *newline = memchr(text + done, '\n', bytes - done);

        if (!newline)
            break;
        write_all(1, text + done, (size_t)(newline - text) - done);
        write_all(1, "\r\n", 2);
        done = (size_t)(newline - text) + 1;
    }
    write_all(1, text + done, bytes - done);
    return bytes;
}

size_t xen_console_write(const char *text, size_t bytes, uint64_t patience)
{
    (void)patience;
    return xen_console_put(text, bytes);
}

void xen_console_emergency(const char *text, size_t bytes)
{
    write_all(2, text, bytes);
}

void xen_console_flush(uint64_t deadline)
{
    (void)deadline;
}

void xen_console_returns(bool wanted)
{
    returns = wanted;
}

static bool is_ready(int milliseconds)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};

    return HOST_CALL(SYS_poll, &input, 1, milliseconds, 0) == 1;
}

static size_t take(char *buffer, size_t size)
{
    size_t count = 0;
    long got;

    if (!ended) {
        got = is_ready(0) ? HOST_CALL(SYS_read, 0, buffer, size, 0) : -EAGAIN;
        if (got > 0)
            return (size_t)got;
        if (got == -EAGAIN || got == -EINTR)
            return 0;
        ended = true;
        ends_to_come = 2;
    }
    while (ends_to_come && count < size) {
        buffer[count++] = END_OF_INPUT;
        ends_to_come--;
    }
    return count;
}

size_t xen_console_get(char *buffer, size_t size)
{
    size_t count = take(buffer, size);

    was_empty = !count;
    return count;
}

long xen_console_read(char *buffer, size_t size, uint64_t deadline)
{
    size_t got;

    while (!(got = xen_console_get(buffer, size))) {
        uint64_t now = xen_time_now();

        if (now >= deadline || ended)
            return -ETIMEDOUT;
        is_ready(deadline - now < 1000000000 ? (int)((deadline - now) / 1000000) + 1 : 1000);
    }
    return (long)got;
}

long xen_console_read_line(char *line, size_t size, uint64_t deadline)
{
    size_t length = 0;
    char c = 0;

    if (size < 2)
        return -EINVAL;
    while (length < size - 1) {
        long got = xen_console_read(&c, 1, deadline);

        if (got < 0 && !length)
            return got;
        if (got < 0 || c == '\n')
            break;
        line[length++] = c;
    }
    line[length] = '\0';
    return (long)length;
}

void xen_console_on_event(void (*happened)(void))
{
    on_event = happened;
}

bool host_console_wants(void)
{
    return on_event && was_empty && !ended;
}

void host_console_arrived(void)
{
    if (is_ready(0))
        on_event();
}

void host_console_raw(void)
{
    struct termios raw;

    if (is_raw || HOST_CALL(SYS_ioctl, 0, TCGETS, &before, 0))
        return;
    raw = before;
    raw.c_iflag = 0;
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag = 0;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    is_raw = !HOST_CALL(SYS_ioctl, 0, TCSETS, &raw, 0);
}

void host_console_restore(void)
{
    if (is_raw)
        HOST_CALL(SYS_ioctl, 0, TCSETSW, &before, 0);
    is_raw = false;
}
