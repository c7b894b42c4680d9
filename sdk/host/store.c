/*
 * The toolstack, which there is none of, and its store: of what the kernel reads there is the seed, Linux's,
 * and of what it writes the exit status and the wish for a raw terminal count.
 */
#include "host.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <stardust/kernel.h>
#include <xenlib/format.h>
#include <xenlib/start.h>
#include <xenlib/store.h>

#include "../../stardust/boot/boot.h"

int host_status;

int sd_toolstack_start(void)
{
    return 0;
}

void sd_on_shutdown(void (*function)(void))
{
    (void)function;
}

void xen_store_init_late(void (*find)(struct xenstore_domain_interface **ring, xen_port_t *port))
{
    (void)find;
}

void xen_start_store(struct xenstore_domain_interface **ring, xen_port_t *port)
{
    *ring = NULL;
    *port = (xen_port_t){0};
}

static int decimal(const char *text)
{
    int value = 0;

    while (*text >= '0' && *text <= '9')
        value = value * 10 + (*text++ - '0');
    return value;
}

int xen_store_printf(xen_store_tx tx, const char *path, const char *format, ...)
{
    char text[16];
    va_list args;

    (void)tx;
    va_start(args, format);
    xen_vformat(text, sizeof(text), format, args);
    va_end(args);
    if (!strcmp(path, "data/stardust/status"))
        host_status = decimal(text);
    if (!strcmp(path, "data/stardust/terminal"))
        host_console_raw();
    return 0;
}

int xen_store_read(xen_store_tx tx, const char *path, char *buffer, size_t size, size_t *length)
{
    long got;

    (void)tx;
    if (strcmp(path, "data/stardust/seed") != 0)
        return -ENOENT;
    got = HOST_CALL(SYS_getrandom, buffer, size - 1, 0, 0);
    if (got < 0)
        return -EIO;
    buffer[got] = '\0';
    if (length)
        *length = (size_t)got;
    return 0;
}

int xen_store_remove(xen_store_tx tx, const char *path)
{
    (void)tx;
    (void)path;
    return 0;
}
