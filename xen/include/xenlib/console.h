/*
 * The console: two byte rings in a page shared with xenconsoled (xen/io/console.h). What the other end writes
 * into the indices is never trusted; a ring that claims more than it holds counts as full or empty.
 */
#ifndef XENLIB_CONSOLE_H
#define XENLIB_CONSOLE_H

#include <xenlib/platform.h>
#include <xenlib/types.h>

struct xencons_interface;

/* Makes output possible: called by the entry code as its first act, and again when the page's address
 * changes. */
void xen_console_attach(struct xencons_interface *page, xen_port_t port);

/* Brings up events, hence input and waiting. 0 or a negative errno. */
int xen_console_init(void) xen_must_check;

/*
 * Writes as much as fits now and notifies the reader; returns how many bytes that were. Any context. A
 * newline is sent as is, unless xen_console_returns() was told otherwise: xenconsoled adds nothing.
 */
size_t xen_console_put(const char *text, size_t bytes);

/*
 * Writes all, waiting for room up to `patience` nanoseconds without progress; what does not fit then is
 * dropped, and counted. Returns how many bytes were taken. So a console that nobody reads slows the guest and
 * never stops it. Thread context.
 */
size_t xen_console_write(const char *text, size_t bytes, uint64_t patience);

/*
 * For a panic and for the time before events work: writes all, spinning on a full ring for about a second at
 * most; takes no lock. Any context, also with everything broken.
 */
void xen_console_emergency(const char *text, size_t bytes);

/* Waits, up to `deadline`, until the other end has taken everything. Thread context. */
void xen_console_flush(uint64_t deadline);

/* Whether a carriage return goes before each newline from here on, for a raw terminal at the other end. Any
 * context. */
void xen_console_returns(bool wanted);

/* Bytes that were dropped because nobody read. */
uint64_t xen_console_dropped(void);

/*
 * Input. read gives what is there, at least one byte. read_line gives a line without its end (\r, \n or
 * \r\n), terminated; of a line longer than `size` - 1 (or than the ring, 1,024) that much, and the rest with
 * the next call. A line that is not complete stays where it is. Both return the number of bytes, or
 * -ETIMEDOUT at `deadline`; read_line -EINVAL for a `size` below 2. Thread context.
 */
long xen_console_read(char *buffer, size_t size, uint64_t deadline) xen_must_check;
long xen_console_read_line(char *line, size_t size, uint64_t deadline) xen_must_check;

/* What is there now, at most `size` bytes; 0 when nothing is. Any context. */
size_t xen_console_get(char *buffer, size_t size);

/* From here on `happened` is called in upcall context whenever the other end has written or read. NULL for
 * nobody. Any context. */
void xen_console_on_event(void (*happened)(void));

#endif
