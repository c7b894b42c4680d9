#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <stardust/memory.h>
#include <xenlib/trap.h>

#include "copy.h"
#include "file.h"
#include "sys.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef O_PATH
#define O_PATH 010000000
#endif

unsigned sd_umask = 022;

/* Most services need one path, and do not wait. */
static char first_buffer[SD_PATH_MAX];
static bool first_taken;

static char *take_buffer(void)
{
    if (first_taken)
        return sd_page_alloc(0);
    first_taken = true;
    return first_buffer;
}

static void put_buffer(char *buffer)
{
    if (buffer == first_buffer)
        first_taken = false;
    else
        sd_page_free(buffer, 0);
}

struct string {
    char *to;
    const char *from;
    size_t length;
};

static void copy_string(void *arg)
{
    struct string *string = arg;

    for (; string->length < SD_PATH_MAX; string->length++) {
        string->to[string->length] = string->from[string->length];
        if (!string->to[string->length])
            return;
    }
}

static int take_text(const char *path, char **text)
{
    struct string string = {.to = take_buffer(), .from = path};
    struct xen_trap_caught caught;
    int error = 0;

    if (!string.to)
        return -ENOMEM;
    if (!xen_trap_try(copy_string, &string, &caught))
        error = -EFAULT;
    else if (string.length == SD_PATH_MAX)
        error = -ENAMETOOLONG;
    if (error)
        put_buffer(string.to);
    *text = string.to;
    return error;
}

static int find_directory(int fd, struct sd_path *taken)
{
    if (fd == AT_FDCWD) {
        taken->from = sd_fs_current();
        if (!taken->from)
            return -ENOMEM;
        sd_node_get(taken->from);
        return 0;
    }
    taken->file = sd_fd_get(fd);
    if (!taken->file)
        return -EBADF;
    taken->from = taken->file->node;
    if (!taken->from)
        return 0;
    sd_node_get(taken->from);
    return 0;
}

/* With an empty text, which is not looked at. */
static int take(int directory, const char *path, struct sd_path *taken)
{
    int error;

    taken->from = NULL;
    taken->file = NULL;
    error = take_text(path, &taken->text);
    if (error)
        return error;
    if (taken->text[0] != '/')
        error = find_directory(directory, taken);
    if (error)
        sd_path_put(taken);
    return error;
}

int sd_path_take(int directory, const char *path, struct sd_path *taken)
{
    int error = take(directory, path, taken);

    if (error)
        return error;
    if (!taken->text[0])
        error = -ENOENT;
    else if (taken->text[0] != '/' && (!taken->from || !sd_node_is(taken->from, S_IFDIR)))
        error = -ENOTDIR;
    if (error)
        sd_path_put(taken);
    return error;
}

void sd_path_put(struct sd_path *path)
{
    put_buffer(path->text);
    sd_node_put(path->from);
    if (path->file)
        sd_file_put(path->file);
}

/* The descriptor itself; what `taken` holds goes over to the place. */
static int take_itself(struct sd_path *taken, struct sd_place *place)
{
    *place = (struct sd_place){.last = SD_LAST_DOT, .node = taken->from};
    if (!taken->from)
        place->file = taken->file;
    else if (taken->file)
        sd_file_put(taken->file);
    put_buffer(taken->text);
    return 0;
}

int sd_path_find(int directory, const char *path, int flags, struct sd_place *place)
{
    struct sd_path taken;
    int error = take(directory, path, &taken);

    if (error)
        return error;
    if (!taken.text[0] && flags & AT_EMPTY_PATH)
        return take_itself(&taken, place);
    if (!taken.text[0])
        error = -ENOENT;
    else if (taken.text[0] != '/' && (!taken.from || !sd_node_is(taken.from, S_IFDIR)))
        error = -ENOTDIR;
    else
        error = sd_walk_to(taken.from, taken.text, flags & AT_SYMLINK_NOFOLLOW ? 0 : SD_WALK_FOLLOW, place);
    sd_path_put(&taken);
    return error;
}

int sd_path_of_file(int fd, bool allow_path, struct sd_place *place)
{
    struct sd_file *file = sd_fd_get(fd);

    if (!file)
        return -EBADF;
    if (!allow_path && file->flags & O_PATH) {
        sd_file_put(file);
        return -EBADF;
    }
    *place = (struct sd_place){.last = SD_LAST_DOT};
    if (!file->node) {
        place->file = file;
        return 0;
    }
    place->node = sd_node_get(file->node);
    sd_file_put(file);
    return 0;
}
