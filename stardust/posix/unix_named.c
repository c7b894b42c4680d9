/*
 * AF_UNIX sockets that others find: by a path, whose file leads to the socket as long as that lives, or an
 * abstract name. A path that is bound before the program has used any file is a name and no file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <stardust/memory.h>

#include "../fs/fs.h"
#include "anonymous.h"
#include "sys.h"
#include "unix.h"

#define HEAD       offsetof(struct sockaddr_un, sun_path)
#define PATH_BYTES (sizeof(struct sockaddr_un) - HEAD)
#define AUTO_MASK  0xfffffu

/* All that a socket has. */
static struct xen_list names = {&names, &names};

/* An address into one that ends with a zero: 0 or -EINVAL. *bytes become those that count. */
static int take_address(const void *given, unsigned *bytes, struct sockaddr_un *address)
{
    if (*bytes <= HEAD || *bytes > sizeof(*address))
        return -EINVAL;
    memset(address, 0, sizeof(*address));
    memcpy(address, given, *bytes);
    if (address->sun_family != AF_UNIX)
        return -EINVAL;
    if (address->sun_path[0])
        *bytes = (unsigned)(HEAD + strnlen(address->sun_path, PATH_BYTES) + 1);
    return 0;
}

/* Who has a name that is no file; each type has its own. */
static struct sd_unix *find_name(const struct sockaddr_un *address, unsigned bytes, int type)
{
    xen_list_each(at, &names)
    {
        struct sd_unix_name *name = xen_container_of(at, struct sd_unix_name, link);

        if (!name->node && name->socket->socket.type == type && name->bytes == bytes &&
            !memcmp(&name->address, address, bytes))
            return name->socket;
    }
    return NULL;
}

static struct sd_unix *find_node(const struct sd_node *node)
{
    xen_list_each(at, &names)
    {
        struct sd_unix_name *name = xen_container_of(at, struct sd_unix_name, link);

        if (name->node == node)
            return name->socket;
    }
    return NULL;
}

/* A path with an end; Linux's may have 108 bytes without one. */
static void copy_path(char path[PATH_BYTES + 1], const struct sockaddr_un *address)
{
    memcpy(path, address->sun_path, PATH_BYTES);
    path[PATH_BYTES] = 0;
}

int sd_unix_find(const void *given, unsigned bytes, int type, struct sd_unix **found)
{
    struct sockaddr_un address;
    char path[PATH_BYTES + 1];
    struct sd_node *node;
    int error = take_address(given, &bytes, &address);

    if (error)
        return error;
    *found = find_name(&address, bytes, type);
    if (*found)
        return 0;
    if (!address.sun_path[0] || !sd_fs_sockets)
        return -ECONNREFUSED;
    copy_path(path, &address);
    error = sd_fs_sockets->find(path, &node);
    if (error)
        return error;
    *found = find_node(node);
    sd_fs_sockets->put(node);
    if (!*found)
        return -ECONNREFUSED;
    return (*found)->socket.type == type ? 0 : -EPROTOTYPE;
}

static int make_node(struct sd_unix_name *name)
{
    char path[PATH_BYTES + 1];
    int error;

    copy_path(path, &name->address);
    error = sd_fs_sockets->make(path, &name->node);
    name->put_node = sd_fs_sockets->put;
    return error == -EEXIST ? -EADDRINUSE : error;
}

/* An abstract name of five digits that nobody has. */
static unsigned choose_name(struct sockaddr_un *address, int type)
{
    static const char digits[] = "0123456789abcdef";
    static unsigned next;
    unsigned bytes = HEAD + 6;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    do {
        unsigned number = next++ & AUTO_MASK;

        for (int i = 5; i; i--, number >>= 4)
            address->sun_path[i] = digits[number & 15];
    } while (find_name(address, bytes, type));
    return bytes;
}

static int give_name(struct sd_unix *end, struct sd_unix_name *name)
{
    int error = 0;

    if (name->bytes == HEAD)
        name->bytes = choose_name(&name->address, end->socket.type);
    else if (name->address.sun_path[0] && sd_fs_sockets)
        error = make_node(name);
    else if (find_name(&name->address, name->bytes, end->socket.type))
        error = -EADDRINUSE;
    if (error)
        return error;
    xen_list_insert(&names, &name->link);
    end->name = name;
    return 0;
}

long sd_unix_bind(struct sd_socket *socket, const void *address, unsigned bytes)
{
    struct sd_unix *end = sd_unix_of(socket);
    struct sd_unix_name *name;
    sa_family_t family;
    int error;

    if (bytes < HEAD)
        return -EINVAL;
    memcpy(&family, address, sizeof(family));
    if (family != AF_UNIX)
        return -EINVAL;
    name = sd_calloc(1, sizeof(*name));
    if (!name)
        return -ENOMEM;
    *name = (struct sd_unix_name){.socket = end, .references = 1, .bytes = bytes};
    error = bytes == HEAD ? 0 : take_address(address, &name->bytes, &name->address);
    if (!error) {
        xen_platform_lock(&sd_unix_lock);
        error = end->name ? -EINVAL : give_name(end, name);
        xen_platform_unlock(&sd_unix_lock);
    }
    if (error)
        sd_free(name);
    return error;
}

static const struct sd_socket_ops ops = {
    .connect = sd_unix_connect,
    .bind = sd_unix_bind,
    .listen = sd_unix_listen,
    .accept = sd_unix_accept,
    .sendmsg = sd_unix_sendmsg,
    .recvmsg = sd_unix_recvmsg,
    .shutdown = sd_unix_shutdown,
    .getsockopt = sd_unix_getsockopt,
    .setsockopt = sd_unix_setsockopt,
    .name = sd_unix_name,
};

long sd_unix_open(int type, int protocol)
{
    int error = sd_unix_check(type, protocol);
    struct sd_unix *end;

    if (error)
        return error;
    end = sd_unix_new(type, &ops);
    return end ? sd_file_offer(&end->socket.file, type) : -ENOMEM;
}
