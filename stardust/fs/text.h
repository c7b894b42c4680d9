/*
 * Text that grows: what generated files say. Private to stardust/fs.
 */
#ifndef STARDUST_FS_TEXT_H
#define STARDUST_FS_TEXT_H

#include <xenlib/types.h>

/* Zeros are empty. */
struct sd_text {
    char *bytes; /* from sd_alloc */
    size_t length, room;
    bool failed; /* memory ran out: what is there is not all */
};

void sd_text_add(struct sd_text *text, const char *format, ...) xen_printf(2, 3);
void sd_text_add_bytes(struct sd_text *text, const char *bytes, size_t length);

#endif
