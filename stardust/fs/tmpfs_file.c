/*
 * Regular files of the in-memory file system.
 */
#define _GNU_SOURCE
#include "tmpfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stardust/memory.h>

#include "../posix/copy.h"

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2
#endif
#define FALLOC_ZERO_RANGE 16

#define SIZE_MAX_FILE ((uint64_t)INT64_MAX)
#define MASK          (XEN_PAGE_SIZE - 1)

/* ---- pages ---- */

static uint64_t pages_below(const struct tmp_file *file)
{
    return (file->below_bytes + MASK) >> XEN_PAGE_SHIFT;
}

/* What stands at the beginning of a page that has no memory of its own: so many bytes of `below`, then zeros.
 */
static size_t part_below(const struct tmp_file *file, uint64_t number)
{
    uint64_t first = number << XEN_PAGE_SHIFT;

    if (first >= file->below_bytes)
        return 0;
    return file->below_bytes - first < XEN_PAGE_SIZE ? (size_t)(file->below_bytes - first) : XEN_PAGE_SIZE;
}

/* A page of its own, with what was there, unless all of it will be written. */
static char *own_page(struct tmp_file *file, uint64_t number, bool whole)
{
    char *page = sd_pages_find(&file->pages, number);
    size_t below = part_below(file, number);

    if (page || !sd_fs_has_room(1))
        return page;
    page = sd_page_alloc(0);
    if (!page)
        return NULL;
    if (sd_pages_put(&file->pages, number, page)) {
        sd_page_free(page, 0);
        return NULL;
    }
    if (below && !whole)
        memcpy(page, file->below + (number << XEN_PAGE_SHIFT), below);
    if (!whole)
        memset(page + below, 0, XEN_PAGE_SIZE - below);
    return page;
}

/* Pages go that somebody may have mapped. */
static void drop_pages(struct tmp_file *file, uint64_t from, uint64_t end)
{
    if (sd_vm_file_cut)
        sd_vm_file_cut(&file->node, from, end);
    sd_pages_drop(&file->pages, from, end);
}

static const char zeros[XEN_PAGE_SIZE];

/* Bytes out of one page. */
static int read_part(const struct tmp_file *file, uint64_t offset, char *to, size_t bytes)
{
    uint64_t number = offset >> XEN_PAGE_SHIFT;
    size_t first = offset & MASK, below = part_below(file, number), now;
    const char *page = sd_pages_find(&file->pages, number);

    if (page)
        return sd_copy_out(to, page + first, bytes);
    now = below <= first ? 0 : below - first < bytes ? below - first : bytes;
    if (now && sd_copy_out(to, file->below + offset, now))
        return -EFAULT;
    return now < bytes ? sd_copy_out(to + now, zeros, bytes - now) : 0;
}

static long read_at(struct tmp_file *file, char *to, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    if (offset >= file->node.size)
        return 0;
    if (bytes > file->node.size - offset)
        bytes = file->node.size - offset;
    while (done < bytes) {
        size_t now = XEN_PAGE_SIZE - (offset & MASK);

        if (now > bytes - done)
            now = bytes - done;
        if (read_part(file, offset, to + done, now))
            return done ? (long)done : -EFAULT;
        done += now;
        offset += now;
    }
    sd_node_accessed(&file->node);
    return (long)done;
}

/* Bytes into one page. A new one that is filled is not cleared before. */
static int write_part(struct tmp_file *file, uint64_t offset, const char *from, size_t bytes)
{
    uint64_t number = offset >> XEN_PAGE_SHIFT;
    char *page = sd_pages_find(&file->pages, number);
    bool whole = !page && bytes == XEN_PAGE_SIZE && !part_below(file, number);

    if (!page)
        page = own_page(file, number, whole);
    if (!page)
        return -ENOSPC;
    if (!sd_copy_in(page + (offset & MASK), from, bytes))
        return 0;
    if (whole)
        memset(page, 0, XEN_PAGE_SIZE);
    return -EFAULT;
}

static long write_at(struct tmp_file *file, const char *from, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    long error = 0;

    if (offset >= SIZE_MAX_FILE)
        return -EFBIG;
    if (bytes > SIZE_MAX_FILE - offset)
        bytes = SIZE_MAX_FILE - offset;
    while (done < bytes && !error) {
        size_t now = XEN_PAGE_SIZE - (offset & MASK);

        if (now > bytes - done)
            now = bytes - done;
        error = write_part(file, offset, from + done, now);
        if (error)
            break;
        done += now;
        offset += now;
    }
    if (!done)
        return error;
    if (offset > file->node.size)
        file->node.size = offset;
    sd_node_modified(&file->node);
    return (long)done;
}

/* ---- the node ---- */

static void file_free(struct sd_node *node)
{
    sd_pages_drop(&tmp_file(node)->pages, 0, SD_PAGES_NONE);
    sd_free(node);
}

static uint64_t file_blocks(const struct sd_node *node)
{
    const struct tmp_file *file = tmp_file(node);
    uint64_t below = pages_below(file), pages = file->pages.count + below;

    /* Those that were below, and are not any more. */
    for (uint64_t i = 0; below && (i = sd_pages_next(&file->pages, i)) < below; i++)
        pages--;
    return pages << (XEN_PAGE_SHIFT - 9);
}

/* Zeros from `offset` up to the end of its page. */
static int clear_tail(struct tmp_file *file, uint64_t offset, uint64_t end)
{
    uint64_t number = offset >> XEN_PAGE_SHIFT;
    size_t first = offset & MASK;
    size_t last = end >> XEN_PAGE_SHIFT == number ? (size_t)(end & MASK) : XEN_PAGE_SIZE;
    char *page = sd_pages_find(&file->pages, number);

    if (!page && part_below(file, number) <= first)
        return 0;
    page = own_page(file, number, false);
    if (!page)
        return -ENOSPC;
    memset(page + first, 0, last - first);
    return 0;
}

static int file_resize(struct sd_node *node, uint64_t size)
{
    struct tmp_file *file = tmp_file(node);

    if (size > SIZE_MAX_FILE)
        return -EFBIG;
    if (size < node->size) {
        char *last = size & MASK ? sd_pages_find(&file->pages, size >> XEN_PAGE_SHIFT) : NULL;

        drop_pages(file, (size + MASK) >> XEN_PAGE_SHIFT, SD_PAGES_NONE);
        if (last)
            memset(last + (size & MASK), 0, XEN_PAGE_SIZE - (size & MASK));
        if (file->below_bytes > size)
            file->below_bytes = size;
    }
    node->size = size;
    node->mode &= ~(unsigned)S_ISUID;
    sd_node_modified(node);
    return 0;
}

static int punch(struct tmp_file *file, uint64_t offset, uint64_t end)
{
    uint64_t first = (offset + MASK) >> XEN_PAGE_SHIFT, last = end >> XEN_PAGE_SHIFT,
             below = pages_below(file);
    int error = 0;

    if (offset & MASK)
        error = clear_tail(file, offset, end);
    if (!error && end & MASK && last >= first)
        error = clear_tail(file, last << XEN_PAGE_SHIFT, end);
    drop_pages(file, first, last);
    if (last >= below && file->below_bytes > first << XEN_PAGE_SHIFT)
        file->below_bytes = first << XEN_PAGE_SHIFT;
    for (uint64_t i = first; i < last && i < pages_below(file) && !error; i++) {
        char *page = own_page(file, i, true);

        if (page)
            memset(page, 0, XEN_PAGE_SIZE);
        else
            error = -ENOSPC;
    }
    return error;
}

/* Pages for all of it, or for none that was not there. */
static int fill(struct tmp_file *file, uint64_t offset, uint64_t end)
{
    uint64_t first = offset >> XEN_PAGE_SHIFT, last = (end + MASK) >> XEN_PAGE_SHIFT;

    if (!sd_fs_has_room(last - first > SIZE_MAX >> XEN_PAGE_SHIFT ? SIZE_MAX >> XEN_PAGE_SHIFT
                                                                  : last - first))
        return -ENOSPC;
    for (uint64_t i = first; i < last; i++)
        if (!part_below(file, i) && !own_page(file, i, false))
            return -ENOSPC;
    return 0;
}

static int file_allocate(struct sd_node *node, int mode, uint64_t offset, uint64_t bytes)
{
    struct tmp_file *file = tmp_file(node);
    uint64_t end = offset + bytes;
    int error;

    switch (mode) {
    case 0:
    case FALLOC_FL_KEEP_SIZE:
        error = fill(file, offset, end);
        break;
    case FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE:
    case FALLOC_ZERO_RANGE:
    case FALLOC_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
        error = punch(file, offset, end);
        break;
    default:
        return -EOPNOTSUPP;
    }
    if (error)
        return error;
    if (!(mode & FALLOC_FL_KEEP_SIZE) && end > node->size)
        node->size = end;
    sd_node_modified(node);
    return 0;
}

void sd_tmp_file_below(struct sd_node *node, const void *below, size_t bytes)
{
    struct tmp_file *file = tmp_file(node);

    sd_pages_drop(&file->pages, 0, SD_PAGES_NONE);
    file->below = below;
    file->below_bytes = node->size = bytes;
}

/* ---- open files ---- */

struct tmp_open *sd_tmp_open(struct sd_node *node, int flags, const struct sd_file_ops *ops)
{
    struct tmp_open *open = sd_calloc(1, sizeof(*open));

    if (!open)
        return NULL;
    open->file = (struct sd_file){.ops = ops, .references = 1, .flags = flags, .node = sd_node_get(node)};
    sd_mount_use(node->mount);
    return open;
}

void sd_tmp_close(struct sd_file *file)
{
    sd_fs_close(file);
    sd_free(xen_container_of(file, struct tmp_open, file));
}

void sd_tmp_stat(struct sd_file *file, struct stat *status)
{
    sd_node_stat(file->node, status);
}

static long file_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    long done = read_at(tmp_file(file->node), buffer, bytes, open->offset);

    open->offset += done > 0 ? (uint64_t)done : 0;
    return done;
}

static long file_pread(struct sd_file *file, void *buffer, size_t bytes, long offset)
{
    return read_at(tmp_file(file->node), buffer, bytes, (uint64_t)offset);
}

static long file_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    long done;

    if (file->flags & O_APPEND)
        open->offset = file->node->size;
    done = write_at(tmp_file(file->node), buffer, bytes, open->offset);
    open->offset += done > 0 ? (uint64_t)done : 0;
    return done;
}

/* With O_APPEND the offset does not count: so it is on Linux. */
static long file_pwrite(struct sd_file *file, const void *buffer, size_t bytes, long offset)
{
    uint64_t at = file->flags & O_APPEND ? file->node->size : (uint64_t)offset;

    return write_at(tmp_file(file->node), buffer, bytes, at);
}

static int file_page(struct sd_file *file, uint64_t number, void **page)
{
    uint64_t pages = (file->node->size + MASK) >> XEN_PAGE_SHIFT;

    if (number >= pages)
        return -ENXIO;
    *page = own_page(tmp_file(file->node), number, false);
    return *page ? 0 : -ENOSPC;
}

static size_t file_lend(struct sd_file *open, long offset, const char **at)
{
    const struct tmp_file *file = tmp_file(open->node);
    uint64_t from = (uint64_t)offset, number = from >> XEN_PAGE_SHIFT, next,
             bytes = XEN_PAGE_SIZE - (from & MASK);
    const char *page = sd_pages_find(&file->pages, number);

    if (from >= file->node.size)
        return 0;
    if (page) {
        *at = page + (from & MASK);
    } else if (from < file->below_bytes) {
        /* All that is not overlaid. */
        next = sd_pages_next(&file->pages, number);
        *at = file->below + from;
        bytes = (next < pages_below(file) ? next << XEN_PAGE_SHIFT : file->below_bytes) - from;
    } else {
        *at = zeros;
    }
    sd_node_accessed(open->node);
    return bytes < file->node.size - from ? bytes : file->node.size - from;
}

static long file_truncate(struct sd_file *file, long bytes)
{
    return file_resize(file->node, (uint64_t)bytes);
}

long sd_tmp_place(uint64_t now, uint64_t size, long offset, int whence)
{
    long base = whence == SEEK_CUR ? (long)now : whence == SEEK_END ? (long)size : 0, to;

    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow(base, offset, &to))
        return -EOVERFLOW;
    return to < 0 ? -EINVAL : to;
}

/* The first place from `offset` on with data, or without. */
static long find_data(const struct tmp_file *file, long offset, bool data)
{
    uint64_t at = (uint64_t)offset, size = file->node.size;
    uint64_t number = at >> XEN_PAGE_SHIFT;

    if (offset < 0 || at >= size)
        return -ENXIO;
    if (data && !part_below(file, number))
        number = sd_pages_next(&file->pages, number);
    while (!data && number << XEN_PAGE_SHIFT < size &&
           (part_below(file, number) || sd_pages_find(&file->pages, number)))
        number++;
    if (number == SD_PAGES_NONE || number << XEN_PAGE_SHIFT >= size)
        return data ? -ENXIO : (long)size;
    return (long)(number << XEN_PAGE_SHIFT > at ? number << XEN_PAGE_SHIFT : at);
}

static long file_seek(struct sd_file *file, long offset, int whence)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    long to;

    if (whence == SEEK_DATA || whence == SEEK_HOLE)
        to = find_data(tmp_file(file->node), offset, whence == SEEK_DATA);
    else
        to = sd_tmp_place(open->offset, file->node->size, offset, whence);
    if (to >= 0)
        open->offset = (uint64_t)to;
    return to;
}

static const struct sd_file_ops ops = {
    .prompt = true,
    .read = file_read,
    .write = file_write,
    .pread = file_pread,
    .pwrite = file_pwrite,
    .lseek = file_seek,
    .truncate = file_truncate,
    .page = file_page,
    .lend = file_lend,
    .stat = sd_tmp_stat,
    .close = sd_tmp_close,
};

static int file_open(struct sd_node *node, int flags, struct sd_file **file)
{
    struct tmp_open *open = sd_tmp_open(node, flags, &ops);

    if (!open)
        return -ENOMEM;
    *file = &open->file;
    return 0;
}

const struct sd_node_ops sd_tmp_file_ops = {
    .free = file_free,
    .open = file_open,
    .blocks = file_blocks,
    .resize = file_resize,
    .allocate = file_allocate,
};
