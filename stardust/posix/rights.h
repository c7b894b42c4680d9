/* Open files on their way through a socket (SCM_RIGHTS). Private to stardust/posix. Thread context. */
#ifndef STARDUST_POSIX_RIGHTS_H
#define STARDUST_POSIX_RIGHTS_H

#include <xenlib/types.h>

struct sd_file;
struct sd_message;

#define SD_RIGHTS_MAX 253 /* SCM_MAX_FD */

struct sd_rights {
    unsigned count;
    struct sd_file *files[]; /* with a reference each */
};

/*
 * The files that the message's control data name; NULL in *rights when it is none. 0; -EINVAL for control
 * data that is none, or of another kind, -EBADF, -EFAULT, -ENOMEM.
 */
int sd_rights_take(const struct sd_message *message, struct sd_rights **rights) xen_must_check;

/* Gives descriptors of those files to who receives the message, as many as its control room can hold, and
 * sets control_bytes and MSG_CTRUNC. `rights` may be NULL. */
void sd_rights_give(const struct sd_rights *rights, struct sd_message *message);

/* NULL is ignored. */
void sd_rights_drop(struct sd_rights *rights);

#endif
