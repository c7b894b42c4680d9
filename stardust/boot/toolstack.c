/*
 * What the toolstack asks of the guest: `xl shutdown` and `xl reboot` write a word to control/shutdown, which
 * the guest takes away and obeys (docs/misc/xenstore-paths.pandoc in Xen's tree).
 */
#include "boot.h"

#include <errno.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/store.h>

#define KEY "control/shutdown"

static void (*on_shutdown)(void);

void sd_on_shutdown(void (*function)(void))
{
    on_shutdown = function;
}

static const struct {
    const char *word;
    enum xen_shutdown reason;
} requests[] = {
    {"poweroff", XEN_SHUTDOWN_POWEROFF},
    {"halt", XEN_SHUTDOWN_POWEROFF},
    {"reboot", XEN_SHUTDOWN_REBOOT},
};

static void obey(const char *word)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (strcmp(word, requests[i].word) != 0)
            continue;
        sd_info("%s asked for by the toolstack", word);
        if (on_shutdown)
            on_shutdown();
        sd_end(requests[i].reason, 0);
    }
    sd_warn("%s: request '%s' is not one of poweroff, halt, reboot", KEY, word);
}

/* Reads the request and takes it away, as the acknowledgement; both in one step, or a second one could get
 * lost. */
static int take_request(xen_store_tx tx, void *arg)
{
    char *word = arg;
    int error = xen_store_read(tx, KEY, word, 32, NULL);

    if (!error && word[0])
        error = xen_store_write(tx, KEY, "", 0);
    return error;
}

static void run(void *arg)
{
    struct xen_store_watch watch;
    char word[32];
    int error = xen_store_watch(&watch, KEY);

    (void)arg;
    if (error) {
        sd_warn("requests of the toolstack are not heard: error %d", -error);
        return;
    }
    for (;;) {
        /* Xenstore is lost, and may come back. */
        if (xen_store_watch_wait(&watch, XEN_FOREVER)) {
            sd_thread_sleep_until(sd_now() + SD_SECOND);
            continue;
        }
        word[0] = '\0';
        switch (xen_store_transaction(take_request, word)) {
        case 0:
            if (word[0])
                obey(word);
            break;
        case -ENOENT:
            break;
        default:
            sd_warn("%s cannot be read", KEY);
        }
    }
}

int sd_toolstack_start(void)
{
    return sd_thread_start("toolstack", run, NULL, NULL);
}
