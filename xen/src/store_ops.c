#include "store_internal.h"

#include <errno.h>
#include <string.h>

#include <xenlib/format.h>

#define TRANSACTION_TRIES 32
#define LIST_RESTARTS     32
#define PRINTF_MAX        256
#define DECIMAL_MAX       24 /* holds any 64-bit number, with its NUL */
#define PERMISSION_MAX    8  /* "b65535" with its NUL, and more */

int xen_store_check_path(const char *path)
{
    size_t length = strlen(path);
    size_t limit = path[0] == '/' ? XENSTORE_ABS_PATH_MAX : XENSTORE_REL_PATH_MAX;

    return length && length < limit ? 0 : -EINVAL;
}

static struct store_part text_part(const char *text)
{
    return (struct store_part){text, strlen(text) + 1};
}

int xen_store_call_for_ok(struct store_request *request)
{
    char ok[3] = "";
    int error;

    request->reply = ok;
    request->reply_size = sizeof ok;
    error = xen_store_call(request);
    if (error)
        return error;
    return request->length == sizeof ok && !memcmp(ok, "OK", sizeof ok) ? 0 : -EPROTO;
}

/* An operation on a path, which becomes parts[0]. */
static int prepare(struct store_request *request, const char *path, struct store_part *parts, size_t count)
{
    parts[0] = text_part(path);
    request->parts = parts;
    request->part_count = count;
    return xen_store_check_path(path);
}

/* The answer goes to request->reply. */
static int call_path(struct store_request *request, const char *path, struct store_part *parts, size_t count)
{
    int error = prepare(request, path, parts, count);

    return error ? error : xen_store_call(request);
}

static int change(uint32_t type, xen_store_tx tx, const char *path, struct store_part *parts, size_t count)
{
    struct store_request request = {.type = type, .tx = tx};
    int error = prepare(&request, path, parts, count);

    return error ? error : xen_store_call_for_ok(&request);
}

/* ---- values ---- */

/* As xen_store_read, without the NUL. */
static int read_bytes(xen_store_tx tx, const char *path, char *buffer, size_t size, size_t *length)
{
    struct store_request request = {.type = XS_READ, .tx = tx, .reply = buffer, .reply_size = size};
    struct store_part path_part;
    int error = call_path(&request, path, &path_part, 1);

    if (error)
        return error;
    *length = request.length;
    return request.length > size ? -ERANGE : 0;
}

int xen_store_read(xen_store_tx tx, const char *path, char *buffer, size_t size, size_t *length)
{
    size_t got = 0;
    int error = read_bytes(tx, path, buffer, size ? size - 1 : 0, &got);

    if (!error && !size)
        error = -ERANGE;
    if (!error)
        buffer[got] = '\0';
    if (length && (!error || error == -ERANGE))
        *length = got;
    return error;
}

int xen_store_read_uint(xen_store_tx tx, const char *path, uint64_t max, uint64_t *value)
{
    char text[DECIMAL_MAX];
    size_t length = 0;
    uint64_t number;
    int error = read_bytes(tx, path, text, sizeof text, &length);

    if (error == -ERANGE)
        return xen_store_parse_uint(text, sizeof text, 0, &number) == -EINVAL ? -EINVAL : -ERANGE;
    return error ? error : xen_store_parse_uint(text, length, max, value);
}

int xen_store_write(xen_store_tx tx, const char *path, const void *value, size_t length)
{
    struct store_part parts[2] = {[1] = {value, length}};

    return change(XS_WRITE, tx, path, parts, 2);
}

int xen_store_printf(xen_store_tx tx, const char *path, const char *format, ...)
{
    char text[PRINTF_MAX];
    size_t length;
    va_list args;

    va_start(args, format);
    length = xen_vformat(text, sizeof text, format, args);
    va_end(args);
    return length < sizeof text ? xen_store_write(tx, path, text, length) : -E2BIG;
}

int xen_store_mkdir(xen_store_tx tx, const char *path)
{
    struct store_part path_part;

    return change(XS_MKDIR, tx, path, &path_part, 1);
}

int xen_store_remove(xen_store_tx tx, const char *path)
{
    struct store_part path_part;

    return change(XS_RM, tx, path, &path_part, 1);
}

/* ---- directories ---- */

/* Counts names, each of which must have a character and a NUL. */
static int count_names(const char *names, size_t length, size_t *count)
{
    size_t found = 0;

    while (length) {
        size_t name = strnlen(names, length);

        if (!name || name == length)
            return -EPROTO;
        names += name + 1;
        length -= name + 1;
        found++;
    }
    *count = found;
    return 0;
}

/*
 * What one part of a directory brought: `bytes` of names, and whether they are the last. The end is marked by
 * an empty name, which alone may be missing in a buffer that the names just fill.
 */
static int judge_part(const struct store_request *part, size_t *bytes, bool *end)
{
    size_t length = part->length;
    const char *names = part->reply;

    if (length > part->reply_size) {
        if (length > part->reply_size + 1 || part->last_cut || (length > 1 && names[length - 2]))
            return -ERANGE;
        *end = true;
    } else {
        if (!length)
            return -EPROTO;
        *end = !names[length - 1] && (length == 1 || !names[length - 2]);
    }
    *bytes = length - *end;
    return 0;
}

static int ask_part(struct store_request *request, xen_store_tx tx, const char *path, size_t offset)
{
    char text[DECIMAL_MAX];
    struct store_part parts[2] = {[1] = {text, xen_format(text, sizeof text, "%zu", offset) + 1}};
    int error;

    request->type = XS_DIRECTORY_PART;
    request->tx = tx;
    error = call_path(request, path, parts, 2);
    request->parts = NULL;
    if (error)
        return error;
    return request->head_done && request->head_length <= request->head_size ? 0 : -EPROTO;
}

/*
 * A directory beyond one payload: each answer is the directory's generation and the names from an offset on.
 * A generation other than the first one's means that it changed meanwhile, and the reading starts again.
 */
static int list_parts(xen_store_tx tx, const char *path, char *buffer, size_t size, size_t *length)
{
    char first[DECIMAL_MAX] = "", generation[DECIMAL_MAX] = "";
    size_t have = 0, bytes = 0, names;
    unsigned restarts = 0;
    bool end = false;

    while (!end) {
        struct store_request part = {
            .head = have ? generation : first,
            .head_size = DECIMAL_MAX,
            .reply = buffer + have,
            .reply_size = size - have,
        };
        int error = ask_part(&part, tx, path, have);

        if (error)
            return error;
        if (have && strcmp(first, generation)) {
            if (++restarts > LIST_RESTARTS)
                return -EAGAIN;
            have = 0;
            continue;
        }
        error = judge_part(&part, &bytes, &end);
        if (error)
            return error;
        error = count_names(part.reply, bytes, &names);
        if (error)
            return error;
        have += bytes;
    }
    *length = have;
    return 0;
}

int xen_store_list(xen_store_tx tx, const char *path, char *buffer, size_t size, size_t *count,
                   size_t *length)
{
    struct store_request request = {.type = XS_DIRECTORY, .tx = tx, .reply = buffer, .reply_size = size};
    struct store_part path_part;
    size_t bytes, names;
    int error = call_path(&request, path, &path_part, 1);

    bytes = request.length;
    if (error == -E2BIG)
        error = list_parts(tx, path, buffer, size, &bytes);
    else if (!error && bytes > size)
        error = -ERANGE;
    if (!error)
        error = count_names(buffer, bytes, &names);
    if (error)
        return error;
    *count = names;
    *length = bytes;
    return 0;
}

/* ---- permissions ---- */

static bool is_access(char c)
{
    return c == 'n' || c == 'r' || c == 'w' || c == 'b';
}

static int parse_permissions(const char *text, size_t length, struct xen_store_permission *list, size_t size,
                             size_t *count)
{
    size_t found = 0;

    while (length) {
        size_t entry = strnlen(text, length);
        uint64_t domain;

        if (entry < 2 || entry == length || !is_access(text[0]) ||
            xen_store_parse_uint(text + 1, entry - 1, UINT16_MAX, &domain))
            return -EPROTO;
        if (found == size)
            return -ERANGE;
        list[found++] = (struct xen_store_permission){{(uint16_t)domain}, text[0]};
        text += entry + 1;
        length -= entry + 1;
    }
    *count = found;
    return found ? 0 : -EPROTO;
}

int xen_store_get_permissions(xen_store_tx tx, const char *path, struct xen_store_permission *list,
                              size_t size, size_t *count)
{
    char *page = xen_platform_page_alloc();
    struct store_request request = {
        .type = XS_GET_PERMS, .tx = tx, .reply = page, .reply_size = XENSTORE_PAYLOAD_MAX};
    struct store_part path_part;
    size_t found;
    int error;

    if (!page)
        return -ENOMEM;
    error = call_path(&request, path, &path_part, 1);
    if (!error)
        error = parse_permissions(page, request.length, list, size, &found);
    if (!error)
        *count = found;
    xen_platform_page_free(page);
    return error;
}

static int format_permissions(char *page, const struct xen_store_permission *list, size_t count,
                              size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_access(list[i].access))
            return -EINVAL;
        if (XENSTORE_PAYLOAD_MAX - *length < PERMISSION_MAX)
            return -E2BIG;
        *length += xen_format(page + *length, PERMISSION_MAX, "%c%u", list[i].access, list[i].domain.n) + 1;
    }
    return count ? 0 : -EINVAL;
}

int xen_store_set_permissions(xen_store_tx tx, const char *path, const struct xen_store_permission *list,
                              size_t count)
{
    char *page = xen_platform_page_alloc();
    struct store_part parts[2] = {[1] = {page, 0}};
    int error;

    if (!page)
        return -ENOMEM;
    error = format_permissions(page, list, count, &parts[1].length);
    if (!error)
        error = change(XS_SET_PERMS, tx, path, parts, 2);
    xen_platform_page_free(page);
    return error;
}

/* ---- transactions ---- */

static int start_transaction(xen_store_tx *tx)
{
    char text[DECIMAL_MAX];
    struct store_part part = text_part("");
    struct store_request request = {.type = XS_TRANSACTION_START,
                                    .parts = &part,
                                    .part_count = 1,
                                    .reply = text,
                                    .reply_size = sizeof text};
    uint64_t id;
    int error = xen_store_call(&request);

    if (error)
        return error;
    if (!request.length || request.length > sizeof text || text[request.length - 1] ||
        xen_store_parse_uint(text, request.length - 1, UINT32_MAX, &id) || !id)
        return -EPROTO;
    *tx = (xen_store_tx){(uint32_t)id, request.tx.epoch};
    return 0;
}

static int end_transaction(xen_store_tx tx, bool commit)
{
    struct store_part part = text_part(commit ? "T" : "F");
    struct store_request request = {.type = XS_TRANSACTION_END, .tx = tx, .parts = &part, .part_count = 1};

    return xen_store_call_for_ok(&request);
}

int xen_store_transaction(int (*body)(xen_store_tx tx, void *arg), void *arg)
{
    for (unsigned try = 0; try < TRANSACTION_TRIES; try++) {
        xen_store_tx tx;
        int error = start_transaction(&tx), result, ended;

        if (error)
            return error;
        result = body(tx, arg);
        ended = end_transaction(tx, result >= 0);
        /* -EAGAIN: somebody else was faster, or the connection is another one now; then a failure of the body
         * may come from that alone. */
        if (ended != -EAGAIN)
            return result < 0 ? result : ended;
    }
    return -EAGAIN;
}
