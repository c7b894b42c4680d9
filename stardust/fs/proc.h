/* What /proc is made of. Private to stardust/fs. */
#ifndef STARDUST_FS_PROC_H
#define STARDUST_FS_PROC_H

#include "text.h"

struct sd_mount;
struct sd_node;

#define PROC_PID 1

/* A file, or, without `generate`, a directory; `path` below /proc, directories before what is in them. */
struct proc_entry {
    const char *path;
    void (*generate)(struct sd_text *text);
};

/* Each ends with an entry without a path. */
extern const struct proc_entry sd_proc_system[], sd_proc_process[];

/* /proc/net/pnp. Weak: in the image with the network, which it starts. */
void sd_proc_nameservers(struct sd_text *text) __attribute__((weak));

/* /proc/1/fd, and links to what is open and to directories, without names yet; NULL without memory. */
struct sd_node *sd_proc_fd(struct sd_mount *mount);
struct sd_node *sd_proc_link(struct sd_mount *mount, int fd);
/* As numbers of descriptors for sd_proc_link. */
#define PROC_CURRENT (-1)
#define PROC_ROOT    (-2)

#endif
