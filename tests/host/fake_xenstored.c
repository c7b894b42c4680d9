#include "fake_xenstored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define PATH_BYTES 4200

struct request {
    struct xsd_sockmsg header;
    const char *payload;
    struct xs_tree *tree;
    bool changed; /* the tree */
};

/* ---- bytes ---- */

static void append(struct xs_bytes *to, const void *bytes, size_t length)
{
    if (to->length + length > to->size) {
        to->size = (to->length + length) * 2;
        to->bytes = realloc(to->bytes, to->size);
        if (!to->bytes)
            abort();
    }
    if (length)
        memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void drop_front(struct xs_bytes *from, size_t length)
{
    memmove(from->bytes, from->bytes + length, from->length - length);
    from->length -= length;
}

static void prepend(struct xs_bytes *to, const void *bytes, size_t length)
{
    append(to, bytes, length);
    memmove(to->bytes + length, to->bytes, to->length - length);
    memcpy(to->bytes, bytes, length);
}

static char *copy_of(const void *bytes, size_t length)
{
    char *copy = malloc(length + 1);

    if (!copy)
        abort();
    if (length)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

size_t xs_message(char *to, uint32_t type, uint32_t id, uint32_t length, const void *payload, size_t bytes)
{
    struct xsd_sockmsg header = {.type = type, .req_id = id, .len = length};

    memcpy(to, &header, sizeof header);
    if (bytes)
        memcpy(to + sizeof header, payload, bytes);
    return sizeof header + bytes;
}

/* ---- the tree ---- */

static struct xs_node *find_node(const struct xs_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++)
        if (!strcmp(tree->nodes[i].path, path))
            return &tree->nodes[i];
    return NULL;
}

static bool is_below(const char *path, const char *above)
{
    size_t length = strlen(above);

    if (!strcmp(above, "/"))
        return path[0] == '/' && path[1];
    return !strncmp(path, above, length) && path[length] == '/';
}

static struct xs_node *nearest(const struct xs_tree *tree, const char *path)
{
    char above[PATH_BYTES];
    struct xs_node *node = find_node(tree, path);

    snprintf(above, sizeof above, "%s", path);
    while (!node) {
        char *slash = strrchr(above, '/');

        if (slash == above)
            return find_node(tree, "/");
        *slash = '\0';
        node = find_node(tree, above);
    }
    return node;
}

static struct xs_node *add_node(struct xs_tree *tree, const char *path, const char *permissions)
{
    struct xs_node *node;

    tree->nodes = realloc(tree->nodes, (tree->count + 1) * sizeof *tree->nodes);
    if (!tree->nodes)
        abort();
    node = &tree->nodes[tree->count++];
    *node = (struct xs_node){.path = copy_of(path, strlen(path)), .value = copy_of("", 0)};
    snprintf(node->permissions, sizeof node->permissions, "%s", permissions);
    return node;
}

/* The node, made with all that is missing above it. The parents of what is new change, too. */
static struct xs_node *make_node(struct fake_xenstored *xs, struct xs_tree *tree, const char *path)
{
    struct xs_node *node = find_node(tree, path);
    char permissions[64], above[PATH_BYTES];

    if (node)
        return node;
    snprintf(permissions, sizeof permissions, "%s", nearest(tree, path)->permissions);
    snprintf(above, sizeof above, "%s", path);
    *strrchr(above, '/') = '\0';
    node = make_node(xs, tree, *above ? above : "/");
    node->generation = ++xs->generation;
    return add_node(tree, path, permissions);
}

static void free_node(struct xs_node *node)
{
    free(node->path);
    free(node->value);
}

static void remove_below(struct xs_tree *tree, const char *path)
{
    size_t kept = 0;
    char *name = copy_of(path, strlen(path));

    for (size_t i = 0; i < tree->count; i++) {
        if (!strcmp(tree->nodes[i].path, name) || is_below(tree->nodes[i].path, name))
            free_node(&tree->nodes[i]);
        else
            tree->nodes[kept++] = tree->nodes[i];
    }
    tree->count = kept;
    free(name);
}

static void free_tree(struct xs_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        free_node(&tree->nodes[i]);
    free(tree->nodes);
    *tree = (struct xs_tree){NULL, 0};
}

static struct xs_tree copy_tree(const struct xs_tree *from)
{
    struct xs_tree to = {calloc(from->count, sizeof *to.nodes), from->count};

    for (size_t i = 0; i < from->count; i++) {
        to.nodes[i] = from->nodes[i];
        to.nodes[i].path = copy_of(from->nodes[i].path, strlen(from->nodes[i].path));
        to.nodes[i].value = copy_of(from->nodes[i].value, from->nodes[i].length);
    }
    return to;
}

static void set_value(struct fake_xenstored *xs, struct xs_node *node, const void *value, size_t length)
{
    free(node->value);
    node->value = copy_of(value, length);
    node->length = length;
    node->generation = ++xs->generation;
}

static void home(const struct fake_xenstored *xs, const char *path, char *absolute)
{
    if (*path == '/' || *path == '@')
        snprintf(absolute, PATH_BYTES, "%s", path);
    else
        snprintf(absolute, PATH_BYTES, "/local/domain/%u/%s", xs->domain, path);
}

/* ---- watches ---- */

static void send_event(struct fake_xenstored *xs, const char *path, const char *token)
{
    struct xsd_sockmsg header = {.type = XS_WATCH_EVENT};

    header.len = (uint32_t)(strlen(path) + strlen(token) + 2);
    append(&xs->out, &header, sizeof header);
    append(&xs->out, path, strlen(path) + 1);
    append(&xs->out, token, strlen(token) + 1);
}

static void changed(struct fake_xenstored *xs, const char *path, bool removed)
{
    char *copy = copy_of(path, strlen(path));

    for (size_t i = 0; i < XS_WATCHES; i++) {
        char watched[PATH_BYTES];

        if (!xs->watches[i].used)
            continue;
        home(xs, xs->watches[i].path, watched);
        if (!strcmp(watched, copy) || is_below(copy, watched) || (removed && is_below(watched, copy)))
            send_event(xs, copy, xs->watches[i].token);
    }
    if (xs->on_change)
        xs->on_change(xs, copy, xs->arg);
    free(copy);
}

/* ---- answers ---- */

static void answer(struct fake_xenstored *xs, const struct request *request, uint32_t type,
                   const void *payload, size_t length)
{
    struct xs_fault fault = xs->fault;
    struct xsd_sockmsg header = request->header;
    struct xs_bytes *to = xs->newest_first ? &xs->held : &xs->out;
    unsigned turn = ++xs->fault_count, times = 1;

    if (fault.at && fault.at != turn)
        fault.kind = XS_FAULT_NONE;
    header.type = type;
    xs->answers++;
    switch (fault.kind) {
    case XS_FAULT_ERROR:
        header.type = XS_ERROR;
        payload = fault.bytes;
        length = fault.length;
        break;
    case XS_FAULT_PAYLOAD:
        header.type = request->header.type;
        payload = fault.bytes;
        length = fault.length;
        break;
    case XS_FAULT_ID:
        header.req_id += fault.number;
        break;
    case XS_FAULT_TYPE:
        header.type = fault.number;
        break;
    case XS_FAULT_TWICE:
        times = 2;
        break;
    case XS_FAULT_RAW:
    case XS_FAULT_BEFORE:
        append(to, fault.bytes, fault.length);
        times = fault.kind == XS_FAULT_BEFORE;
        break;
    case XS_FAULT_RSP_INDEX:
        xs->ring->rsp_prod += fault.number;
        break;
    case XS_FAULT_REQ_INDEX:
        xs->ring->req_cons += fault.number;
        break;
    case XS_FAULT_GIVE_UP:
        xs->ring->error = fault.number;
        xs->dead = true;
        break;
    case XS_FAULT_PORT:
        fake_port(xs->port)->bound = false;
        fake_port(xs->port)->handler(xs->port, fake_port(xs->port)->arg);
        break;
    case XS_FAULT_DROP:
        times = 0;
        break;
    case XS_FAULT_LENGTH:
    case XS_FAULT_NONE:
        break;
    }
    header.len = fault.kind == XS_FAULT_LENGTH ? fault.number : (uint32_t)length;
    if (xs->event_first)
        send_event(xs, "/nowhere", "4000000000");
    while (times--) {
        if (xs->newest_first) {
            prepend(to, payload, length);
            prepend(to, &header, sizeof header);
        } else {
            append(to, &header, sizeof header);
            append(to, payload, length);
        }
    }
}

static void fail(struct fake_xenstored *xs, const struct request *request, const char *error)
{
    answer(xs, request, XS_ERROR, error, strlen(error) + 1);
}

static void ok(struct fake_xenstored *xs, const struct request *request)
{
    answer(xs, request, request->header.type, "OK", 3);
}

/* ---- operations ---- */

static char access_of(const struct fake_xenstored *xs, const struct xs_node *node)
{
    char text[64], access = 'n', *rest = text;
    bool first = true;

    snprintf(text, sizeof text, "%s", node->permissions);
    for (char *entry = strtok_r(text, "|", &rest); entry; entry = strtok_r(NULL, "|", &rest)) {
        bool ours = (unsigned)atoi(entry + 1) == xs->domain;

        if (first && ours)
            return 'b';
        if (first || ours)
            access = entry[0];
        first = false;
    }
    return access;
}

static bool may(const struct fake_xenstored *xs, const struct xs_node *node, char what)
{
    char access = access_of(xs, node);

    return access == 'b' || access == what;
}

static void directory(struct fake_xenstored *xs, struct request *request, const struct xs_node *node)
{
    struct xs_bytes names = {0};
    size_t prefix = strcmp(node->path, "/") ? strlen(node->path) + 1 : 1;

    for (size_t i = 0; i < request->tree->count; i++) {
        const char *path = request->tree->nodes[i].path;

        if (is_below(path, node->path) && !strchr(path + prefix, '/'))
            append(&names, path + prefix, strlen(path + prefix) + 1);
    }
    if (request->header.type == XS_DIRECTORY) {
        if (names.length > xs->directory_max)
            fail(xs, request, "E2BIG");
        else
            answer(xs, request, XS_DIRECTORY, names.bytes, names.length);
    } else {
        struct xs_bytes part = {0};
        char generation[24];
        size_t offset = (size_t)atol(request->payload + strlen(request->payload) + 1), taken = 0;

        snprintf(generation, sizeof generation, "%llu", (unsigned long long)node->generation);
        append(&part, generation, strlen(generation) + 1);
        while (offset + taken < names.length && taken < xs->directory_max) {
            size_t name = strlen(names.bytes + offset + taken) + 1;

            if (part.length + name + 1 > XENSTORE_PAYLOAD_MAX)
                break;
            append(&part, names.bytes + offset + taken, name);
            taken += name;
        }
        if (offset + taken >= names.length)
            append(&part, "", 1);
        answer(xs, request, XS_DIRECTORY_PART, part.bytes, part.length);
        free(part.bytes);
    }
    free(names.bytes);
}

static void get_permissions(struct fake_xenstored *xs, const struct request *request,
                            const struct xs_node *node)
{
    char text[64];
    size_t length = strlen(node->permissions);

    memcpy(text, node->permissions, length + 1);
    for (size_t i = 0; i < length; i++)
        if (text[i] == '|')
            text[i] = '\0';
    answer(xs, request, XS_GET_PERMS, text, length + 1);
}

static void set_permissions(struct request *request, struct xs_node *node)
{
    size_t path = strlen(request->payload) + 1, length = request->header.len - path;

    if (length > sizeof node->permissions)
        abort();
    memcpy(node->permissions, request->payload + path, length);
    for (size_t i = 0; i + 1 < length; i++)
        if (!node->permissions[i])
            node->permissions[i] = '|';
}

static void read_only(struct fake_xenstored *xs, struct request *request, const char *path)
{
    struct xs_node *node = find_node(request->tree, path);

    if (!node)
        fail(xs, request, "ENOENT");
    else if (!may(xs, node, 'r'))
        fail(xs, request, "EACCES");
    else if (request->header.type == XS_READ)
        answer(xs, request, XS_READ, node->value, node->length);
    else if (request->header.type == XS_GET_PERMS)
        get_permissions(xs, request, node);
    else
        directory(xs, request, node);
}

static void modify(struct fake_xenstored *xs, struct request *request, const char *path)
{
    struct xs_node *node = find_node(request->tree, path);
    size_t skip = strlen(request->payload) + 1;
    uint32_t type = request->header.type;

    if (!node && (type == XS_RM || type == XS_SET_PERMS)) {
        fail(xs, request, "ENOENT");
        return;
    }
    if (!may(xs, nearest(request->tree, path), 'w')) {
        fail(xs, request, "EACCES");
        return;
    }
    if (type == XS_RM) {
        remove_below(request->tree, path);
        nearest(request->tree, path)->generation = ++xs->generation;
    } else if (type == XS_SET_PERMS) {
        set_permissions(request, node);
    } else if (type == XS_WRITE || !node) {
        node = make_node(xs, request->tree, path);
        set_value(xs, node, request->payload + skip, type == XS_WRITE ? request->header.len - skip : 0);
    }
    request->changed = true;
    ok(xs, request);
    if (!request->header.tx_id)
        changed(xs, path, type == XS_RM);
}

static void watch(struct fake_xenstored *xs, const struct request *request)
{
    const char *path = request->payload, *token = path + strlen(path) + 1;
    bool adding = request->header.type == XS_WATCH;
    size_t place = XS_WATCHES;

    for (size_t i = 0; i < XS_WATCHES; i++) {
        bool same =
            xs->watches[i].used && !strcmp(xs->watches[i].path, path) && !strcmp(xs->watches[i].token, token);

        if (same && adding) {
            fail(xs, request, "EEXIST");
            return;
        }
        if (same || (adding && !xs->watches[i].used && place == XS_WATCHES))
            place = i;
    }
    if (place == XS_WATCHES) {
        fail(xs, request, adding ? "ENOSPC" : "ENOENT");
        return;
    }
    xs->watches[place].used = adding;
    if (adding) {
        xs->watches[place].path = copy_of(path, strlen(path));
        xs->watches[place].token = copy_of(token, strlen(token));
    } else {
        free(xs->watches[place].path);
        free(xs->watches[place].token);
    }
    ok(xs, request);
    if (adding)
        send_event(xs, xs->watches[place].path, xs->watches[place].token);
}

static void start_transaction(struct fake_xenstored *xs, const struct request *request)
{
    char text[16];

    for (size_t i = 0; i < XS_TRANSACTIONS; i++) {
        if (xs->transactions[i].id)
            continue;
        xs->transactions[i].id = ++xs->last_transaction;
        xs->transactions[i].base = xs->generation;
        xs->transactions[i].tree = copy_tree(&xs->tree);
        snprintf(text, sizeof text, "%u", xs->last_transaction);
        answer(xs, request, XS_TRANSACTION_START, text, strlen(text) + 1);
        return;
    }
    fail(xs, request, "ENOSPC");
}

/*
 * What a transaction changed is told as a change of each node that differs; all are found before any is told,
 * as the one who hears of it may change the tree.
 */
static void commit(struct fake_xenstored *xs, struct xs_tree *tree)
{
    struct xs_tree old = xs->tree;
    struct xs_bytes paths = {0};

    xs->tree = *tree;
    *tree = (struct xs_tree){NULL, 0};
    for (size_t i = 0; i < xs->tree.count; i++) {
        const char *path = xs->tree.nodes[i].path;
        struct xs_node *before = find_node(&old, path);

        if (!before || before->generation != xs->tree.nodes[i].generation)
            append(&paths, path, strlen(path) + 1);
    }
    for (size_t i = 0; i < old.count; i++)
        if (!find_node(&xs->tree, old.nodes[i].path))
            append(&paths, old.nodes[i].path, strlen(old.nodes[i].path) + 1);
    free_tree(&old);
    for (size_t at = 0; at < paths.length; at += strlen(paths.bytes + at) + 1)
        changed(xs, paths.bytes + at, !find_node(&xs->tree, paths.bytes + at));
    free(paths.bytes);
}

static void end_transaction(struct fake_xenstored *xs, const struct request *request, size_t i)
{
    bool wanted = request->payload[0] == 'T';
    bool conflict = xs->transactions[i].base < xs->generation && wanted;
    struct xs_tree *tree = &xs->transactions[i].tree;

    /* Only changes made outside count, and those inside raised the generation as well. */
    if (conflict) {
        uint64_t newest = 0;

        for (size_t n = 0; n < xs->tree.count; n++)
            if (xs->tree.nodes[n].generation > newest)
                newest = xs->tree.nodes[n].generation;
        conflict = newest > xs->transactions[i].base;
    }
    if (wanted && xs->conflicts) {
        xs->conflicts--;
        conflict = true;
    }
    xs->transactions[i].id = 0;
    if (conflict) {
        fail(xs, request, "EAGAIN");
    } else {
        ok(xs, request);
        if (wanted)
            commit(xs, tree);
    }
    free_tree(tree);
}

static void handle(struct fake_xenstored *xs, struct request *request)
{
    char path[PATH_BYTES];
    size_t transaction = XS_TRANSACTIONS;
    uint32_t type = request->header.type;

    xs->requests++;
    if (type < XS_TYPE_COUNT)
        xs->asked[type]++;
    if (!memchr(request->payload, '\0', request->header.len)) {
        fail(xs, request, "EINVAL");
        return;
    }
    if (xs->on_request)
        xs->on_request(xs, type, request->payload, xs->arg);
    for (size_t i = 0; request->header.tx_id && i < XS_TRANSACTIONS; i++)
        if (xs->transactions[i].id == request->header.tx_id)
            transaction = i;
    if (request->header.tx_id && transaction == XS_TRANSACTIONS) {
        fail(xs, request, "ENOENT");
        return;
    }
    request->tree = request->header.tx_id ? &xs->transactions[transaction].tree : &xs->tree;
    home(xs, request->payload, path);
    switch (type) {
    case XS_READ:
    case XS_DIRECTORY:
    case XS_DIRECTORY_PART:
    case XS_GET_PERMS:
        read_only(xs, request, path);
        break;
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_SET_PERMS:
        modify(xs, request, path);
        break;
    case XS_WATCH:
    case XS_UNWATCH:
        watch(xs, request);
        break;
    case XS_TRANSACTION_START:
        start_transaction(xs, request);
        break;
    case XS_TRANSACTION_END:
        end_transaction(xs, request, transaction);
        break;
    default:
        fail(xs, request, "ENOSYS");
    }
}

/* ---- the ring ---- */

static void forget_client(struct fake_xenstored *xs)
{
    for (size_t i = 0; i < XS_WATCHES; i++) {
        if (xs->watches[i].used) {
            free(xs->watches[i].path);
            free(xs->watches[i].token);
        }
        xs->watches[i].used = false;
    }
    for (size_t i = 0; i < XS_TRANSACTIONS; i++) {
        free_tree(&xs->transactions[i].tree);
        xs->transactions[i].id = 0;
    }
    xs->in.length = xs->out.length = 0;
}

static bool reconnect(struct fake_xenstored *xs)
{
    struct xenstore_domain_interface *ring = xs->ring;

    if (xs->no_reconnection)
        return false;
    forget_client(xs);
    ring->req_cons = ring->req_prod = ring->rsp_cons = ring->rsp_prod = xs->reconnect_index;
    ring->error = XENSTORE_ERROR_NONE;
    ring->connection = XENSTORE_CONNECTED;
    xs->dead = false;
    xs->connections++;
    fake_event_raise(xs->port);
    return true;
}

static size_t limited(const struct fake_xenstored *xs, size_t bytes)
{
    return xs->chunk && bytes > xs->chunk ? xs->chunk : bytes;
}

static size_t take_requests(struct fake_xenstored *xs)
{
    struct xenstore_domain_interface *ring = xs->ring;
    uint32_t there = ring->req_prod - ring->req_cons;
    size_t count = limited(xs, there);

    if (there > XENSTORE_RING_SIZE) {
        printf("Bail out! the guest's request index is out of range\n");
        abort();
    }
    for (size_t i = 0; i < count; i++)
        append(&xs->in, &ring->req[MASK_XENSTORE_IDX(ring->req_cons++)], 1);
    return count;
}

static void handle_complete(struct fake_xenstored *xs)
{
    while (xs->in.length >= sizeof(struct xsd_sockmsg) && !xs->dead) {
        struct request request = {0};
        char *payload;
        size_t length;

        memcpy(&request.header, xs->in.bytes, sizeof request.header);
        if (request.header.len > XENSTORE_PAYLOAD_MAX) {
            printf("Bail out! the guest sent a message that is too long\n");
            abort();
        }
        length = sizeof request.header + request.header.len;
        if (xs->in.length < length)
            break;
        payload = copy_of(xs->in.bytes + sizeof request.header, request.header.len);
        request.payload = payload;
        drop_front(&xs->in, length);
        handle(xs, &request);
        free(payload);
    }
    if (xs->held.length) {
        append(&xs->out, xs->held.bytes, xs->held.length);
        xs->held.length = 0;
    }
}

static size_t put_answers(struct fake_xenstored *xs)
{
    struct xenstore_domain_interface *ring = xs->ring;
    uint32_t used = ring->rsp_prod - ring->rsp_cons;
    size_t count = used > XENSTORE_RING_SIZE ? 0 : XENSTORE_RING_SIZE - used;

    if (count > xs->out.length)
        count = xs->out.length;
    count = limited(xs, count);
    for (size_t i = 0; i < count; i++)
        ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod++)] = xs->out.bytes[i];
    if (count)
        drop_front(&xs->out, count);
    return count;
}

bool xs_act(struct fake_xenstored *xs)
{
    struct fake_port *port = fake_port(xs->port);
    size_t moved;

    if (xs->acting)
        return false;
    if (port->sends == xs->notifications_seen && !xs->busy)
        return false;
    xs->notifications_seen = port->sends;
    xs->busy = false;
    if ((xs->ring->server_features & XENSTORE_SERVER_FEATURE_RECONNECTION) &&
        xs->ring->connection == XENSTORE_RECONNECT)
        return reconnect(xs);
    if (xs->dead)
        return false;
    xs->acting = true;
    moved = take_requests(xs);
    handle_complete(xs);
    moved += put_answers(xs);
    xs->acting = false;
    if (moved || xs->dead) {
        /* With a limit there may be more to do without being told. */
        xs->busy = moved && xs->chunk;
        fake_event_raise(xs->port);
    }
    return moved;
}

bool xs_wait_hook(void *arg)
{
    struct fake_xenstored *xs = arg;
    unsigned wakes = fake_wakes();

    while (fake_wakes() == wakes && xs_act(xs)) {
    }
    return false;
}

/* ---- domain 0 ---- */

void xs_arm(struct fake_xenstored *xs, struct xs_fault fault)
{
    xs->fault = fault;
    xs->fault_count = 0;
}

void xs_set_bytes(struct fake_xenstored *xs, const char *path, const void *value, size_t length)
{
    char absolute[PATH_BYTES];

    home(xs, path, absolute);
    set_value(xs, make_node(xs, &xs->tree, absolute), value, length);
    changed(xs, absolute, false);
    xs->busy = true;
}

void xs_set(struct fake_xenstored *xs, const char *path, const char *value)
{
    xs_set_bytes(xs, path, value, strlen(value));
}

void xs_set_owner(struct fake_xenstored *xs, const char *path, const char *permissions)
{
    char absolute[PATH_BYTES];
    struct xs_node *node;

    home(xs, path, absolute);
    node = make_node(xs, &xs->tree, absolute);
    snprintf(node->permissions, sizeof node->permissions, "%s", permissions);
}

const char *xs_get(struct fake_xenstored *xs, const char *path)
{
    char absolute[PATH_BYTES];
    struct xs_node *node;

    home(xs, path, absolute);
    node = find_node(&xs->tree, absolute);
    return node ? node->value : NULL;
}

void xs_delete(struct fake_xenstored *xs, const char *path)
{
    char absolute[PATH_BYTES];

    home(xs, path, absolute);
    remove_below(&xs->tree, absolute);
    nearest(&xs->tree, absolute)->generation = ++xs->generation;
    changed(xs, absolute, true);
    xs->busy = true;
}

unsigned xs_watch_count(const struct fake_xenstored *xs)
{
    unsigned count = 0;

    for (size_t i = 0; i < XS_WATCHES; i++)
        count += xs->watches[i].used;
    return count;
}

void xs_start(struct fake_xenstored *xs, struct xenstore_domain_interface *ring, xen_port_t port,
              unsigned domain, uint32_t index)
{
    char path[64];

    memset(xs, 0, sizeof *xs);
    memset(ring, 0xa5, sizeof *ring);
    ring->req_cons = ring->req_prod = ring->rsp_cons = ring->rsp_prod = index;
    ring->server_features = ring->connection = ring->error = 0;
    xs->ring = ring;
    xs->port = port;
    xs->domain = domain;
    xs->directory_max = XENSTORE_PAYLOAD_MAX;
    add_node(&xs->tree, "/", "n0|r0");
    snprintf(path, sizeof path, "/local/domain/%u", domain);
    snprintf(make_node(xs, &xs->tree, path)->permissions, 64, "n%u", domain);
}

void xs_stop(struct fake_xenstored *xs)
{
    forget_client(xs);
    free_tree(&xs->tree);
    free(xs->in.bytes);
    free(xs->out.bytes);
    free(xs->held.bytes);
}
