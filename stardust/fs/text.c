#include "text.h"

#include <string.h>

#include <stardust/memory.h>
#include <xenlib/format.h>

#define FIRST_ROOM 496

static bool reserve(struct sd_text *text, size_t length)
{
    size_t room = text->room ? text->room : FIRST_ROOM;
    char *larger;

    while (room - text->length <= length)
        room *= 2;
    if (room == text->room || text->failed)
        return !text->failed;
    larger = sd_realloc(text->bytes, room);
    if (!larger) {
        text->failed = true;
        return false;
    }
    text->bytes = larger;
    text->room = room;
    return true;
}

void sd_text_add_bytes(struct sd_text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

void sd_text_add(struct sd_text *text, const char *format, ...)
{
    size_t length;
    va_list args;

    va_start(args, format);
    length = xen_vformat(NULL, 0, format, args);
    va_end(args);
    if (!reserve(text, length))
        return;
    va_start(args, format);
    (void)xen_vformat(text->bytes + text->length, length + 1, format, args);
    va_end(args);
    text->length += length;
}
