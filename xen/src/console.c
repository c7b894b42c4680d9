/*
 * The console's two rings. Free-running 32-bit indices; each end writes two of the four, and believes nothing
 * of the others.
 */
#include <xenlib/console.h>

#include <errno.h>

#include <xenlib/event.h>
#include <xenlib/sched.h>
#include <xenlib/time.h>
#include <xensys/abi.h>

/* Ticks of the time-stamp counter, about a second, that emergency output waits for a byte of room. */
#define EMERGENCY_PATIENCE (1ull << 31)

static struct xencons_interface *ring;
static xen_port_t port;
static bool has_events;
static uint64_t dropped;
static bool with_returns;
static void (*event_happened)(void);

static struct xen_lock lock; /* guards out_prod, in_cons, and the wait below */
static struct xen_waitq changed = {{&changed.waiters, &changed.waiters}};

/* The last line ended in \r: a \n that comes next belongs to it. Guarded by `lock`. */
static bool skip_newline;

void xen_console_attach(struct xencons_interface *page, xen_port_t console_port)
{
    ring = page;
    port = console_port;
}

static void on_event(xen_port_t which, void *arg)
{
    (void)which;
    (void)arg;
    xen_platform_wake(&changed);
    if (event_happened)
        event_happened();
}

void xen_console_on_event(void (*happened)(void))
{
    event_happened = happened;
}

void xen_console_returns(bool wanted)
{
    with_returns = wanted;
}

int xen_console_init(void)
{
    int error = xen_event_adopt(port, XEN_EVENT_PLAIN, on_event, NULL);

    has_events = !error;
    return error;
}

/* Copies what fits. A consumer that claims to be ahead of us, or further behind than the ring is long, has a
 * full ring. */
static size_t put(const char *text, size_t bytes)
{
    uint32_t producer = ring->out_prod;
    uint32_t used = producer - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
    size_t room = used <= sizeof(ring->out) ? sizeof(ring->out) - used : 0, done = 0;

    while (done < bytes) {
        bool returns = with_returns && text[done] == '\n';

        if (room < 1u + returns)
            break;
        room -= 1u + returns;
        if (returns)
            ring->out[MASK_XENCONS_IDX(producer++, ring->out)] = '\r';
        ring->out[MASK_XENCONS_IDX(producer++, ring->out)] = text[done++];
    }
    /* Read by xenconsoled: the bytes before the index. */
    __atomic_store_n(&ring->out_prod, producer, __ATOMIC_RELEASE);
    return done;
}

static void notify(void)
{
    if (xen_event_send(port)) {
        /* A console without a reader behind it: nothing that could be done about it here. */
    }
}

size_t xen_console_put(const char *text, size_t bytes)
{
    size_t count;

    xen_platform_lock(&lock);
    count = put(text, bytes);
    xen_platform_unlock(&lock);
    if (count)
        notify();
    return count;
}

size_t xen_console_write(const char *text, size_t bytes, uint64_t patience)
{
    uint64_t deadline = 0; /* while there is no progress; events alone are none */
    size_t done = 0;

    xen_platform_lock(&lock);
    while (done < bytes) {
        size_t count = put(text + done, bytes - done);

        done += count;
        if (count) {
            notify();
            deadline = 0;
            continue;
        }
        if (!deadline)
            deadline = xen_time_now() + patience;
        if (!has_events || xen_platform_wait(&changed, &lock, deadline))
            break;
    }
    dropped += bytes - done;
    xen_platform_unlock(&lock);
    return done;
}

void xen_console_emergency(const char *text, size_t bytes)
{
    uint64_t since = __builtin_ia32_rdtsc();

    while (ring && bytes) {
        size_t count = put(text, bytes);

        text += count;
        bytes -= count;
        notify();
        if (count)
            since = __builtin_ia32_rdtsc();
        else if (__builtin_ia32_rdtsc() - since > EMERGENCY_PATIENCE)
            break;
        else
            xen_sched_yield();
    }
}

void xen_console_flush(uint64_t deadline)
{
    xen_platform_lock(&lock);
    while (has_events && __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) != ring->out_prod)
        if (xen_platform_wait(&changed, &lock, deadline))
            break;
    xen_platform_unlock(&lock);
}

uint64_t xen_console_dropped(void)
{
    return dropped;
}

/* Bytes that wait. More than the ring holds was never written. */
static size_t available(void)
{
    uint32_t count = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE) - ring->in_cons;

    return count <= sizeof(ring->in) ? count : 0;
}

static char peek(size_t offset)
{
    return READ_ONCE(ring->in[MASK_XENCONS_IDX(ring->in_cons + offset, ring->in)]);
}

/* Takes `count` bytes out; `buffer` receives the first `keep` of them. */
static void take(char *buffer, size_t keep, size_t count)
{
    for (size_t i = 0; i < keep; i++)
        buffer[i] = peek(i);
    /* Read by xenconsoled: room again, after the bytes were taken. */
    __atomic_store_n(&ring->in_cons, ring->in_cons + (uint32_t)count, __ATOMIC_RELEASE);
    notify();
}

/* A \n right after a \r was half of one line's end. */
static void drop_newline(void)
{
    if (!skip_newline || !available())
        return;
    if (peek(0) == '\n')
        take(NULL, 0, 1);
    skip_newline = false;
}

long xen_console_read(char *buffer, size_t size, uint64_t deadline)
{
    size_t count;
    int error = 0;

    xen_platform_lock(&lock);
    for (;;) {
        drop_newline();
        count = available();
        if (count || error)
            break;
        error = xen_platform_wait(&changed, &lock, deadline);
    }
    if (count > size)
        count = size;
    if (count)
        take(buffer, count, count);
    xen_platform_unlock(&lock);
    return count ? (long)count : error;
}

size_t xen_console_get(char *buffer, size_t size)
{
    size_t count;

    xen_platform_lock(&lock);
    drop_newline();
    count = available();
    if (count > size)
        count = size;
    if (count)
        take(buffer, count, count);
    xen_platform_unlock(&lock);
    return count;
}

/*
 * A line, if one is complete, or as much of it as `size` and the ring can hold. It stays in the ring until
 * then, so that a deadline loses nothing. Returns whether there was one.
 */
static bool take_line(char *line, size_t size, size_t *length)
{
    size_t waiting, limit;

    drop_newline();
    waiting = available();
    limit = size - 1 < sizeof(ring->in) ? size - 1 : sizeof(ring->in);
    for (size_t i = 0; i < waiting && i <= limit; i++) {
        char c = peek(i);

        if (c != '\r' && c != '\n')
            continue;
        skip_newline = c == '\r';
        take(line, i, i + 1);
        *length = i;
        return true;
    }
    /* A line of just this length: its end is still to come, if it has room. */
    if (waiting <= limit && waiting < sizeof(ring->in))
        return false;
    take(line, limit, limit);
    *length = limit;
    return true;
}

long xen_console_read_line(char *line, size_t size, uint64_t deadline)
{
    size_t length = 0;
    bool complete;
    int error = 0;

    if (size < 2)
        return -EINVAL;
    xen_platform_lock(&lock);
    /* Looked at once more after the deadline: what came with it must not be taken and then forgotten. */
    while (!(complete = take_line(line, size, &length)) && !error)
        error = xen_platform_wait(&changed, &lock, deadline);
    xen_platform_unlock(&lock);
    if (!complete)
        return error;
    line[length] = '\0';
    return (long)length;
}
