/*
 * The console's input. Its bytes are taken from the ring as they arrive, in upcall context, so that echo and
 * ^C do not wait for a read; what there is no room for stays in the ring and, behind it, with xenconsoled.
 *
 * As a terminal it has a line discipline (tty.h). From its first use on the other end is asked to give up its
 * own: a runner with a person's terminal then makes that raw (docs/guest-contract.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/timer.h>
#include <xenlib/console.h>
#include <xenlib/store.h>
#include <xenlib/time.h>

#include "console.h"
#include "copy.h"
#include "file.h"
#include "readiness.h"
#include "tty.h"
#include "wait.h"

#define PIECE 128

/* How long output may take to be read where a program waits for that. */
#define PATIENCE SD_SECOND

/* signals.h; not there in an image without signals. */
struct sd_task;
int sd_signal_send(struct sd_task *task, const siginfo_t *info) __attribute__((weak));

static struct xen_lock lock; /* guards the rest */
static struct xen_waitq queue = {{&queue.waiters, &queue.waiters}};
static struct sd_readiness readiness = SD_READINESS(readiness);
static struct sd_tty tty;
static struct winsize size;
static bool is_open, is_terminal, is_told;
static struct sd_timer signal_timer;
static unsigned signals; /* that wait to be sent: bit number */

/* Takes from the ring what there is room for. The lock is held. Returns whether anything came. */
static bool pump(void)
{
    char piece[PIECE];
    bool came = false;

    for (;;) {
        size_t room = sd_tty_room(&tty), count;

        count = room ? xen_console_get(piece, room < PIECE ? room : PIECE) : 0;
        if (!count)
            return came;
        came = true;
        for (size_t i = 0; i < count; i++) {
            if (is_terminal)
                sd_tty_input(&tty, piece[i]);
            else
                sd_tty_stream(&tty, piece[i]);
        }
    }
}

/* The lock is held. */
static void tell(void)
{
    xen_platform_wake(&queue);
    sd_readiness_events(&readiness, POLLIN);
}

static void on_event(void)
{
    xen_platform_lock(&lock);
    if (pump())
        tell();
    xen_platform_unlock(&lock);
}

/* What does not fit on the ring is not echoed. */
static void echo(const char *text, size_t bytes)
{
    xen_console_put(text, bytes);
}

/* In upcall context, where signals cannot be sent. */
static void note_signal(int number)
{
    signals |= 1u << number;
    sd_timer_start(&signal_timer, 0);
}

static void send_signals(struct sd_timer *timer)
{
    unsigned wanted;

    (void)timer;
    xen_platform_lock(&lock);
    wanted = sd_signal_send ? signals : 0;
    signals &= ~wanted;
    tell(); /* without signals in the image the reader ends the program */
    xen_platform_unlock(&lock);
    for (int number = 1; wanted >> number; number++) {
        siginfo_t info = {.si_signo = number, .si_code = SI_KERNEL};

        if (wanted >> number & 1 && sd_signal_send(NULL, &info)) {
            /* It waits already. */
        }
    }
}

/* Carriage returns as the output modes say. */
static void apply_output(void)
{
    xen_console_returns((tty.settings.oflag & (OPOST | ONLCR)) == (OPOST | ONLCR));
}

/* Before anything else here. Must not wait. */
static void open_input(void)
{
    if (is_open)
        return;
    is_open = true;
    is_terminal = sd_console_terminal(&size);
    sd_tty_init(&tty, echo, note_signal);
    sd_timer_init(&signal_timer, send_signals);
    if (is_terminal)
        apply_output();
    else
        tty.settings.lflag = 0;
    xen_console_on_event(on_event);
    on_event();
}

/* Asks the other end for a raw terminal. */
static void ask_for_raw(void)
{
    if (!is_terminal || is_told)
        return;
    is_told = true;
    if (xen_store_printf(XEN_STORE_NONE, "data/stardust/terminal", "raw"))
        sd_warn("the terminal could not be asked to be raw");
}

/* How many bytes a read of `bytes` waits for, and up to when: the first time, and once some are there. */
struct patience {
    size_t least;
    uint64_t first, between;
};

static struct patience patience(size_t bytes)
{
    const uint8_t *cc = tty.settings.cc;
    struct patience result = {1, XEN_FOREVER, XEN_FOREVER};
    uint64_t time = cc[VTIME] * (SD_SECOND / 10);

    if (!is_terminal || tty.settings.lflag & ICANON)
        return result;
    result.least = cc[VMIN] < bytes ? cc[VMIN] : bytes;
    if (time && cc[VMIN])
        result.between = time;
    else if (!cc[VMIN])
        result.first = time ? xen_time_now() + time : 0;
    return result;
}

static void end_if_interrupted(void)
{
    if (sd_signal_send || !(signals & (1u << SIGINT | 1u << SIGQUIT)))
        return;
    xen_platform_unlock(&lock);
    sd_exit(128 + SIGINT);
}

/* Whether there are so many bytes; a line or an end of file is enough. The lock is held. */
static bool is_readable(size_t least)
{
    return !sd_tty_must_wait(&tty) &&
           (sd_tty_available(&tty) >= least || tty.ended || tty.settings.lflag & ICANON);
}

/* Until a read can have something. 0 also when its time is over; -EAGAIN, -SD_RESTART. The lock is held. */
static int wait_for_input(const struct sd_file *file, size_t bytes)
{
    struct patience wanted = patience(bytes);
    uint64_t deadline = wanted.first;
    size_t seen = 0;
    int error = 0;

    for (;;) {
        size_t there;

        pump();
        there = sd_tty_available(&tty);
        if (is_readable(wanted.least))
            return 0;
        if (error)
            return error == -ETIMEDOUT || there ? 0 : error;
        if (!deadline)
            return 0;
        if (file->flags & O_NONBLOCK)
            return there ? 0 : -EAGAIN;
        if (there != seen && wanted.between != XEN_FOREVER)
            deadline = xen_time_now() + wanted.between;
        seen = there;
        error = sd_wait(&queue, &lock, deadline);
        end_if_interrupted();
    }
}

long sd_console_read(struct sd_file *file, void *buffer, size_t bytes)
{
    char piece[PIECE], *to = buffer;
    size_t done = 0;
    bool more = true;
    int error;

    open_input();
    ask_for_raw();
    xen_platform_lock(&lock);
    error = wait_for_input(file, bytes);
    while (!error && more && done < bytes) {
        size_t count = sd_tty_read(&tty, piece, bytes - done < PIECE ? bytes - done : PIECE, &more);

        if (sd_copy_out(to + done, piece, count))
            error = -EFAULT;
        else
            done += count;
    }
    /* There is room again. */
    pump();
    xen_platform_unlock(&lock);
    return done ? (long)done : error;
}

unsigned sd_console_ready(struct sd_file *file)
{
    const uint8_t *cc = tty.settings.cc;
    unsigned ready = POLLOUT;
    size_t least;

    (void)file;
    open_input();
    xen_platform_lock(&lock);
    pump();
    /* As on Linux: more than one byte only where a read would wait for them without a time. */
    least = is_terminal && !(tty.settings.lflag & ICANON) && !cc[VTIME] && cc[VMIN] ? cc[VMIN] : 1;
    if (is_readable(least))
        ready |= POLLIN;
    xen_platform_unlock(&lock);
    return ready;
}

struct sd_readiness *sd_console_readiness(struct sd_file *file)
{
    (void)file;
    return &readiness;
}

/* ---- ioctl ---- */

static long set_termios(const void *arg, bool flush)
{
    struct sd_termios wanted;

    if (sd_copy_in(&wanted, arg, sizeof(wanted)))
        return -EFAULT;
    xen_platform_lock(&lock);
    if (flush)
        sd_tty_flush(&tty);
    sd_tty_set(&tty, &wanted);
    apply_output();
    tell();
    xen_platform_unlock(&lock);
    return 0;
}

static long flush(uintptr_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH) {
        xen_platform_lock(&lock);
        pump();
        sd_tty_flush(&tty);
        xen_platform_unlock(&lock);
    }
    return 0;
}

static long give_number(void *arg, int number)
{
    return sd_copy_out(arg, &number, sizeof(number));
}

static long terminal_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case TIOCGWINSZ:
        return sd_copy_out(arg, &size, sizeof(size));
    case TIOCSWINSZ:
        return sd_copy_in(&size, arg, sizeof(size));
    case TCGETS:
        ask_for_raw();
        return sd_copy_out(arg, &tty.settings, sizeof(tty.settings));
    case TCSETSW:
    case TCSETSF:
        xen_console_flush(xen_time_now() + PATIENCE);
        return set_termios(arg, request == TCSETSF);
    case TCSETS:
        return set_termios(arg, false);
    case TCSBRK:
    case TCSBRKP:
        xen_console_flush(xen_time_now() + PATIENCE);
        return 0;
    case TCFLSH:
        return flush((uintptr_t)arg);
    case TIOCGPGRP:
    case TIOCGSID:
        return give_number(arg, 1);
    case TIOCOUTQ:
        return give_number(arg, 0);
    case TCXONC:
    case TIOCSPGRP:
    case TIOCSCTTY:
    case TIOCNOTTY:
        return 0;
    default:
        return -EINVAL;
    }
}

long sd_console_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    (void)file;
    open_input();
    if (request == FIONREAD) {
        int count;

        xen_platform_lock(&lock);
        pump();
        count = (int)sd_tty_available(&tty);
        xen_platform_unlock(&lock);
        return give_number(arg, count);
    }
    return is_terminal ? terminal_ioctl(request, arg) : -ENOTTY;
}
