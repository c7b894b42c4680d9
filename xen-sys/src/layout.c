#include <xensys/layout.h>

#include <xensys/abi.h>

#define WIDTH(type, member) sizeof(((type *)0)->member)

/* At compile time: whoever builds against headers that disagree gets the name in the error. */
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "sizeof(" #type ") is not " #bytes);
#define FIELD(type, member, offset, width)                                                                   \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " is not at " #offset);             \
    _Static_assert(WIDTH(type, member) == (width), #type "." #member " has not " #width " bytes");
#define CONSTANT(name, value) _Static_assert((int64_t)(name) == (int64_t)(value), #name " is not " #value);
#include "layout.def"
#undef SIZE
#undef FIELD
#undef CONSTANT

/* And as data, for the tests. */
#define SIZE(type, bytes) {"sizeof(" #type ")", (bytes), (int64_t)sizeof(type)},
#define FIELD(type, member, offset, width)                                                                   \
    {"offsetof(" #type ", " #member ")", (offset), (int64_t)offsetof(type, member)},                         \
        {"sizeof(" #type "." #member ")", (width), (int64_t)WIDTH(type, member)},
#define CONSTANT(name, value) {#name, (int64_t)(value), (int64_t)(name)},
const struct xensys_layout xensys_layout[] = {
#include "layout.def"
};
const size_t xensys_layout_count = sizeof(xensys_layout) / sizeof(xensys_layout[0]);
