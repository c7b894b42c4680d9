/* What the claims of this program stand on. */
#ifndef CHECK_H
#define CHECK_H

#include "../../claims.h"

#define PAGE 4096ul
#define MIB  (1ul << 20)
#define GIB  (1ul << 30)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define LAZY (ANON | MAP_NORESERVE)
#define RW   (PROT_READ | PROT_WRITE)

void a_thread_has_a_stack_of_64_mib(void);
void a_file_of_the_ramdisk_is_copied_at_the_first_touch(void);

/* Each ends with an entry without a name. */
extern const struct claim demand_claims[], mapping_claims[], address_claims[], limit_claims[],
    shared_claims[];

#endif
