/* Files without a name: pipes, sockets, eventfd and their like. Private to stardust/posix. */
#ifndef STARDUST_POSIX_ANONYMOUS_H
#define STARDUST_POSIX_ANONYMOUS_H

#include <xenlib/types.h>

struct sd_file;
struct stat;

/*
 * Each gives new files descriptors, and takes their references over, also when it fails. `flags` are O_*;
 * O_CLOEXEC counts. The descriptor, or 0 with both at the program's `fds`; -EMFILE, -ENOMEM, -EFAULT.
 */
long sd_file_offer(struct sd_file *file, int flags) xen_must_check;
long sd_file_offer_pair(struct sd_file *first, struct sd_file *second, int flags, int *fds) xen_must_check;

/* An inode number that no other such file has. */
unsigned long sd_anonymous_inode(void);

/* What fstat says of the kinds that have no type of their own. */
void sd_anonymous_stat(struct sd_file *file, struct stat *status);

#endif
