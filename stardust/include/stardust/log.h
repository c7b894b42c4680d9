/*
 * The log: one line a call, to the console, prefixed with its level unless that is info.
 */
#ifndef STARDUST_LOG_H
#define STARDUST_LOG_H

#include <stdarg.h>
#include <xenlib/platform.h>

/* Logs one line of at most 255 characters, without a newline. Any context; upcalls queue it like everybody
 * else. */
void sd_log(enum xen_log_level level, const char *format, ...) xen_printf(2, 3);
void sd_vlog(enum xen_log_level level, const char *format, va_list args) xen_printf(2, 0);

#define sd_error(...) sd_log(XEN_LOG_ERROR, __VA_ARGS__)
#define sd_warn(...)  sd_log(XEN_LOG_WARN, __VA_ARGS__)
#define sd_info(...)  sd_log(XEN_LOG_INFO, __VA_ARGS__)
#define sd_debug(...) sd_log(XEN_LOG_DEBUG, __VA_ARGS__)

/* Lines above this level are not printed. Info at first. */
void sd_log_set_level(enum xen_log_level level);
enum xen_log_level sd_log_level(void);

/*
 * For messages that the outside can cause any number of: true at most 8 times in 5 seconds for each limiter
 * (zero-initialised); says how many were left out when it opens again.
 */
struct sd_log_limit {
    uint64_t since;
    uint32_t allowed, suppressed;
};
bool sd_log_allowed(struct sd_log_limit *limit, const char *what);

#endif
