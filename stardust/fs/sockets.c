/* The files that name sockets. */
#include "fs.h"

#include <errno.h>
#include <sys/stat.h>

#include "../posix/path.h"

static int make(const char *path, struct sd_node **node)
{
    const struct sd_new wanted = {.mode = S_IFSOCK | (0777 & ~sd_umask)};

    return sd_fs_make(sd_fs_current(), path, &wanted, node);
}

static int find(const char *path, struct sd_node **node)
{
    struct sd_place place;
    int error = sd_walk_to(sd_fs_current(), path, SD_WALK_FOLLOW, &place);

    if (error)
        return error;
    if (!place.node || !sd_node_is(place.node, S_IFSOCK))
        error = -ECONNREFUSED;
    else
        *node = sd_node_get(place.node);
    sd_place_put(&place);
    return error;
}

const struct sd_fs_sockets sd_fs_sockets_by_path = {make, find, sd_node_put};
