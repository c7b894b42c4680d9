/*
 * Xen's half of the grant table, for tests of grant.c and of what stands on it: the table's memory, the
 * hypercalls, and what another domain does with the grants that it was given.
 *
 * Frame numbers are small here, so that they fit an entry of version 1: this file's xen_virt_to_pfn() and so
 * on replace those of fake.c.
 */
#ifndef TESTS_HOST_FAKE_GRANT_H
#define TESTS_HOST_FAKE_GRANT_H

#include <xenlib/types.h>
#include <xensys/abi.h>

#define FAKE_GRANT_FRAMES  64
#define FAKE_FOREIGN_PAGES 4
/* References of the foreign domain: FAKE_FOREIGN_REF + n grants page n, the last one read-only. */
#define FAKE_FOREIGN_REF    100
#define FAKE_FOREIGN_DOMAIN 7

/* Registers the hypercall; undoes what the functions below set. The table's contents stay, as the module
 * under test keeps its own. */
void fake_grant_reset(void);

/* What the host allows (FAKE_GRANT_FRAMES at most), and the errors of the next mapping of a frame or of the
 * window, and of the next showing of a foreign page in it. */
void fake_grant_limit(uint32_t frames);
void fake_grant_fail_map(int error);
void fake_grant_fail_show(int error);

/* The status of the next operation; GNTST_okay carries it out. The result of the next hypercall as a whole.
 */
void fake_grant_next_status(int16_t status);
void fake_grant_next_result(long result);

/*
 * What `domain` gets through `ref`, once: the address of the page, NULL when the entry does not allow it.
 * hold keeps it, as a mapping does, until release.
 */
void *fake_grant_access(uint16_t domain, uint32_t ref, bool write);
void *fake_grant_hold(uint16_t domain, uint32_t ref, bool write);
void fake_grant_release(uint32_t ref);

struct grant_entry_v1 *fake_grant_entry(uint32_t ref);

uint8_t *fake_foreign_page(unsigned n);
/* Mappings of foreign pages that stand now. */
unsigned fake_grant_mappings(void);

#endif
