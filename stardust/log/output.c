/* A program's text, to and from the console. */
#include <stardust/kernel.h>

#include <stdarg.h>

#include <stardust/timer.h>
#include <xenlib/console.h>
#include <xenlib/format.h>
#include <xenlib/time.h>

/* Without a reader for this long, output is dropped. */
#define PATIENCE SD_SECOND

void sd_write(const char *text, size_t bytes)
{
    xen_console_write(text, bytes, PATIENCE);
}

void sd_printf(const char *format, ...)
{
    char text[512];
    va_list args;
    size_t length;

    va_start(args, format);
    length = xen_vformat(text, sizeof(text), format, args);
    va_end(args);
    sd_write(text, length < sizeof(text) ? length : sizeof(text) - 1);
}

long sd_read_line(char *line, size_t size, uint64_t deadline)
{
    return xen_console_read_line(line, size, deadline);
}

uint64_t sd_now(void)
{
    return xen_time_now();
}
