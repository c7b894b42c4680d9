/*
 * The log goes to the console ring. A full ring loses lines rather than time: the log never waits.
 */
#include <stardust/log.h>

#include <xenlib/console.h>
#include <xenlib/format.h>
#include <xenlib/time.h>

#define LINE_MAX 256

#define LIMIT_PERIOD (5ull * 1000 * 1000 * 1000)
#define LIMIT_LINES  8

static enum xen_log_level threshold = XEN_LOG_INFO;

void sd_log_set_level(enum xen_log_level level)
{
    threshold = level;
}

enum xen_log_level sd_log_level(void)
{
    return threshold;
}

void sd_vlog(enum xen_log_level level, const char *format, va_list args)
{
    static const char *const prefixes[] = {"error: ", "warning: ", "", "debug: "};
    char line[LINE_MAX];
    size_t length;

    if (level > threshold)
        return;
    length = xen_format(line, sizeof(line), "%s", prefixes[level]);
    length += xen_vformat(line + length, sizeof(line) - length, format, args);
    if (length > sizeof(line) - 1)
        length = sizeof(line) - 1;
    line[length] = '\n';
    xen_console_put(line, length + 1);
}

void sd_log(enum xen_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    sd_vlog(level, format, args);
    va_end(args);
}

void xen_platform_log(enum xen_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    sd_vlog(level, format, args);
    va_end(args);
}

bool sd_log_allowed(struct sd_log_limit *limit, const char *what)
{
    uint64_t now = xen_time_now();

    if (!limit->since || now - limit->since >= LIMIT_PERIOD) {
        if (limit->suppressed)
            sd_warn("%s: %u more like these were not printed", what, limit->suppressed);
        *limit = (struct sd_log_limit){.since = now};
    }
    if (limit->allowed < LIMIT_LINES) {
        limit->allowed++;
        return true;
    }
    limit->suppressed++;
    return false;
}
