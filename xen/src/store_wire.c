#include "store_internal.h"

#include <errno.h>
#include <string.h>

/* Xen's table of error names; xs_wire.h declares it only to who knows the numbers first. */
static const struct {
    const char *name;
    int number;
} errors[] = {
    {"EINVAL", EINVAL}, {"EACCES", EACCES},       {"EEXIST", EEXIST}, {"EISDIR", EISDIR},
    {"ENOENT", ENOENT}, {"ENOMEM", ENOMEM},       {"ENOSPC", ENOSPC}, {"EIO", EIO},
    {"EROFS", EROFS},   {"ENOTEMPTY", ENOTEMPTY}, {"ENOSYS", ENOSYS}, {"EBUSY", EBUSY},
    {"EAGAIN", EAGAIN}, {"EISCONN", EISCONN},     {"E2BIG", E2BIG},   {"EPERM", EPERM},
};

const char *xen_store_next_piece(const struct store_request *request, size_t *length)
{
    size_t at = request->sent;

    if (at < sizeof request->header) {
        *length = sizeof request->header - at;
        return (const char *)&request->header + at;
    }
    at -= sizeof request->header;
    for (size_t i = 0; i < request->part_count; i++) {
        if (at < request->parts[i].length) {
            *length = request->parts[i].length - at;
            return (const char *)request->parts[i].bytes + at;
        }
        at -= request->parts[i].length;
    }
    return NULL;
}

static void keep_text(struct store_incoming *in, char c)
{
    if (in->text_length < STORE_TEXT_MAX)
        in->text[in->text_length] = c;
    in->text_length++;
}

/* An event is its path and the watch's token, each terminated. Only the token matters here. */
static void take_event(struct store_incoming *in, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char c = READ_ONCE(bytes[i]);

        if (in->strings == 1 && c)
            keep_text(in, c);
        in->strings += in->strings > 1 || !c; /* bytes after the token spoil the count */
    }
}

static size_t take_head(struct store_request *request, const char *bytes, size_t count)
{
    size_t taken = 0;

    while (!request->head_done && taken < count) {
        char c = READ_ONCE(bytes[taken]);

        if (request->head_length < request->head_size)
            request->head[request->head_length] = c;
        request->head_length++;
        request->head_done = !c;
        taken++;
    }
    return taken;
}

static void take_reply(struct store_request *request, const char *bytes, size_t count)
{
    size_t skipped = request->head ? take_head(request, bytes, count) : 0;
    size_t room = request->length < request->reply_size ? request->reply_size - request->length : 0;
    size_t fits;

    bytes += skipped;
    count -= skipped;
    fits = count < room ? count : room;
    if (fits)
        memcpy(request->reply + request->length, bytes, fits);
    if (count > fits)
        request->last_cut = READ_ONCE(bytes[count - 1]);
    request->length += count;
}

void xen_store_take_payload(struct store_incoming *in, const char *bytes, size_t count)
{
    if (in->header.type == XS_WATCH_EVENT) {
        take_event(in, bytes, count);
    } else if (in->to && in->header.type == XS_ERROR) {
        for (size_t i = 0; i < count; i++)
            keep_text(in, READ_ONCE(bytes[i]));
    } else if (in->to && in->header.type == in->to->type) {
        take_reply(in->to, bytes, count);
    }
    in->left -= count;
}

static int error_from_text(const char *text, size_t length)
{
    if (length && length <= STORE_TEXT_MAX && !text[length - 1])
        length--;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strlen(errors[i].name) == length && !memcmp(errors[i].name, text, length))
            return -errors[i].number;
    return -EIO;
}

int xen_store_verdict(const struct store_incoming *in)
{
    if (in->header.type == XS_ERROR)
        return error_from_text(in->text, in->text_length);
    return in->header.type == in->to->type ? 0 : -EPROTO;
}

bool xen_store_event_id(const struct store_incoming *in, uint32_t *id)
{
    uint64_t value;

    if (in->strings != 2 || in->text_length > STORE_TEXT_MAX ||
        xen_store_parse_uint(in->text, in->text_length, UINT32_MAX, &value))
        return false;
    *id = (uint32_t)value;
    return true;
}

int xen_store_parse_uint(const char *text, size_t length, uint64_t max, uint64_t *value)
{
    uint64_t number = 0;
    bool over = false;

    if (!length)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        over = over || __builtin_mul_overflow(number, 10u, &number) ||
               __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number);
    }
    if (over || number > max)
        return -ERANGE;
    *value = number;
    return 0;
}
