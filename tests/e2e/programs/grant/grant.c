/*
 * Grants pages to another guest, and maps and copies another guest's, as the lines on its console say; one
 * line is the answer to each:
 *
 *   offer DOMAIN rw|ro TEXT    the reference of a page with that text      page     the text in it now
 *   revoke                     the result                                  end      whether the page went to
 * quarantine state                      references in use, pages in quarantine, free pages map DOMAIN REF
 * rw|ro       the result                                  unmap    the result read, write TEXT           the
 * text, or "fault"; "ok", or "fault" again N DOMAIN REF         maps, reads and unmaps N times stop     ends
 * with status 0 fetch DOMAIN REF OFFSET    the result of a copy from there, and the text store DOMAIN REF
 * OFFSET TEXT   the result of a copy to there
 */
#include <stdlib.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/memory.h>
#include <xenlib/grant.h>
#include <xenlib/trap.h>

#define WORDS 6

static struct {
    char *page; /* offered now, or NULL */
    xen_gref_t ref;
    struct xen_grant_mapping mapping; /* the page stays after unmapping, to show that it is gone */
} now;

static void answer(long result)
{
    sd_printf("grant: %ld\n", result);
}

static xen_domid_t domain_of(const char *word)
{
    return (xen_domid_t){(uint16_t)atoi(word)};
}

static xen_gref_t ref_of(const char *word)
{
    return (xen_gref_t){(uint32_t)atol(word)};
}

static bool is_readonly(const char *word)
{
    return !strcmp(word, "ro");
}

static void offer(char **words)
{
    now.page = sd_page_alloc(0);
    if (!now.page || xen_grant_alloc(&now.ref))
        sd_exit(3);
    memset(now.page, 0, XEN_PAGE_SIZE);
    strcpy(now.page, words[3]);
    xen_grant_enable(now.ref, domain_of(words[1]), now.page, is_readonly(words[2]));
    answer(now.ref.n);
}

static void page(char **words)
{
    (void)words;
    sd_printf("grant: %s\n", now.page);
}

static void revoke(char **words)
{
    int error = xen_grant_revoke(now.ref);

    (void)words;
    answer(error);
    if (!error) {
        xen_grant_free(now.ref);
        sd_page_free(now.page, 0);
        now.page = NULL;
    }
}

static void end(char **words)
{
    (void)words;
    answer(xen_grant_end_and_free(now.ref, now.page));
    now.page = NULL;
}

static void state(char **words)
{
    size_t quarantined = xen_grant_quarantined();
    struct sd_memory_stats stats;

    (void)words;
    sd_memory_stats(&stats);
    sd_printf("grant: %zu in use, %zu in quarantine, %zu pages free\n", xen_grant_in_use(), quarantined,
              stats.pages_free);
}

static void map(char **words)
{
    answer(xen_grant_map(domain_of(words[1]), ref_of(words[2]), is_readonly(words[3]), &now.mapping));
}

static void unmap(char **words)
{
    struct xen_grant_mapping mapping = now.mapping;

    (void)words;
    answer(xen_grant_unmap(&mapping));
}

static void print_mapping(void *arg)
{
    const volatile char *first = now.mapping.page;

    (void)arg;
    (void)*first;
    sd_printf("grant: %s\n", (const char *)now.mapping.page);
}

static void read_mapping(char **words)
{
    struct xen_trap_caught caught;

    (void)words;
    if (!xen_trap_try(print_mapping, NULL, &caught))
        sd_printf("grant: fault\n");
}

static void copy_into_mapping(void *text)
{
    strcpy(now.mapping.page, text);
}

static void write_mapping(char **words)
{
    struct xen_trap_caught caught;
    bool done = xen_trap_try(copy_into_mapping, words[1], &caught);

    sd_printf("grant: %s\n", done                                            ? "ok"
                             : caught.address == (uintptr_t)now.mapping.page ? "fault"
                                                                             : "fault elsewhere");
}

static void again(char **words)
{
    struct xen_grant_mapping mapping;
    long left = atol(words[1]), sum = 0;
    int error = 0;

    for (; left && !error; left--) {
        error = xen_grant_map(domain_of(words[2]), ref_of(words[3]), left % 2, &mapping);
        if (!error) {
            sum += *(const volatile char *)mapping.page != 0;
            error = xen_grant_unmap(&mapping);
        }
    }
    answer(error ? error : sum);
}

static void fetch(char **words)
{
    static char text[XEN_PAGE_SIZE] __attribute__((aligned(XEN_PAGE_SIZE)));
    struct xen_grant_end there = {
        .domain = domain_of(words[1]), .ref = ref_of(words[2]), .offset = (uint16_t)atoi(words[3])};
    struct xen_grant_end here = {.page = text};
    int error;

    memset(text, 0, sizeof(text));
    error = xen_grant_copy(&there, &here, 16);
    sd_printf("grant: %d %s\n", error, text);
}

static void store(char **words)
{
    static char text[64] __attribute__((aligned(64)));
    struct xen_grant_end there = {
        .domain = domain_of(words[1]), .ref = ref_of(words[2]), .offset = (uint16_t)atoi(words[3])};
    struct xen_grant_end here = {.page = text};

    strcpy(text, words[4]);
    answer(xen_grant_copy(&here, &there, (uint16_t)(strlen(text) + 1)));
}

static void stop(char **words)
{
    (void)words;
    sd_exit(0);
}

static const struct {
    const char *name;
    unsigned words;
    void (*run)(char **words);
} commands[] = {
    {"offer", 4, offer},         {"page", 1, page},   {"revoke", 1, revoke}, {"end", 1, end},
    {"state", 1, state},         {"map", 4, map},     {"unmap", 1, unmap},   {"read", 1, read_mapping},
    {"write", 2, write_mapping}, {"again", 4, again}, {"fetch", 4, fetch},   {"store", 5, store},
    {"stop", 1, stop},
};

/* False when there is no such command. */
static bool run(char *line)
{
    char *words[WORDS], *rest = line;
    unsigned count = 0;

    while (count < WORDS && (words[count] = strsep(&rest, " ")))
        count++;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words[0], commands[i].name) || count != commands[i].words)
            continue;
        commands[i].run(words);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    char line[60];

    (void)argc, (void)argv;
    if (xen_grant_init())
        return 1;
    sd_printf("grant: ready\n");
    while (sd_read_line(line, sizeof(line), XEN_FOREVER) >= 0)
        if (!run(line))
            sd_printf("grant: what?\n");
    return 2;
}
