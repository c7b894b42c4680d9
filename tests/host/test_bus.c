/* links: bus.c store.c store_wire.c store_watch.c store_ops.c format.c */
/* links: fake.c fake_event.c fake_xenstored.c */
#include <xenlib/bus.h>

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "fake_xenstored.h"
#include "tap.h"

#define PORT    ((xen_port_t){3})
#define DOMAIN  7
#define SECOND  1000000000UL
#define BACKEND "/local/domain/2/backend/vif/7/0"
#define FRONT   "/local/domain/7/device/vif/0"

static struct xenstore_domain_interface *ring;
static struct fake_xenstored xs;
static struct xen_bus_device device;

/* ---- the fake backend: what it says to each state of ours ---- */

#define GONE     "gone"     /* its directory vanishes */
#define ALL_GONE "all gone" /* and ours */
#define TWICE    "twice"    /* Closing, Closed, Closing, Closed */
#define SILENT   NULL
#define STATES   9

struct behaviour {
    const char *to[STATES];   /* our state: its answer; NULL: none */
    const char *once[STATES]; /* the same for the first time only, where not NULL */
};

static const struct behaviour normal = {.to = {[1] = "2", [4] = "4", [5] = "5", [6] = "6"}};
static struct behaviour backend;
static char front_states[256]; /* every state of ours, in order */

static void say(const char *what)
{
    if (!strcmp(what, GONE) || !strcmp(what, ALL_GONE)) {
        xs_delete(&xs, BACKEND);
        if (!strcmp(what, ALL_GONE))
            xs_delete(&xs, FRONT);
    } else if (!strcmp(what, TWICE)) {
        xs_set(&xs, BACKEND "/state", "5");
        xs_set(&xs, BACKEND "/state", "6");
        xs_set(&xs, BACKEND "/state", "5");
        xs_set(&xs, BACKEND "/state", "6");
    } else if (xs_get(&xs, BACKEND)) {
        xs_set(&xs, BACKEND "/state", what);
    }
}

static void front_changed(struct fake_xenstored *server, const char *path, void *arg)
{
    const char *value = strcmp(path, FRONT "/state") ? NULL : xs_get(server, path);
    const char *what;
    unsigned state;

    (void)arg;
    if (!value)
        return;
    state = (unsigned)atoi(value);
    strncat(front_states, value, sizeof front_states - strlen(front_states) - 1);
    if (state >= STATES)
        return;
    what = backend.once[state] ? backend.once[state] : backend.to[state];
    backend.once[state] = NULL;
    if (what)
        say(what);
}

/* ---- the driver ---- */

static char calls[64], backend_at_closing[16];
static int probe_result, publish_result, connected_result;

static int probe(struct xen_bus_device *dev, void *instance)
{
    TEST_CHECK(dev == &device && instance == calls);
    strcat(calls, "p");
    return probe_result;
}

static int publish(xen_store_tx tx, struct xen_bus_device *dev, void *instance)
{
    TEST_CHECK(dev == &device && instance == calls && tx.id);
    strcat(calls, "u");
    if (publish_result)
        return publish_result;
    return xen_bus_write_front(dev, tx, "ring-ref", "%u", 8u);
}

static int connected(struct xen_bus_device *dev, void *instance)
{
    TEST_CHECK(dev == &device && instance == calls);
    strcat(calls, "c");
    return connected_result;
}

static void closing(struct xen_bus_device *dev, void *instance)
{
    const char *state = xs_get(&xs, BACKEND "/state");

    TEST_CHECK(dev == &device && instance == calls);
    strcat(calls, "x");
    snprintf(backend_at_closing, sizeof backend_at_closing, "%s", state ? state : "none");
}

static const struct xen_bus_driver driver = {"vif", probe, publish, connected, closing};

static void start_bare(void)
{
    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    xs_start(&xs, ring, PORT, DOMAIN, 0);
    fake_on_wait(xs_wait_hook, &xs);
    TEST_CHECK(xen_store_init(ring, PORT) == 0);
    backend = normal;
    front_states[0] = calls[0] = backend_at_closing[0] = '\0';
    probe_result = publish_result = connected_result = 0;
}

/* With a vif as the toolstack makes it. */
static void start(const char *backend_state)
{
    start_bare();
    xs_set(&xs, FRONT "/backend", BACKEND);
    xs_set(&xs, FRONT "/backend-id", "2");
    xs_set(&xs, FRONT "/state", "1");
    xs_set(&xs, BACKEND, "");
    xs_set_owner(&xs, BACKEND, "n2|r7");
    xs_set(&xs, BACKEND "/state", backend_state);
    xs.on_change = front_changed;
}

static void stop(void)
{
    TEST_CHECK(fake_pages_in_use() == 0);
    TEST_CHECK(fake_locks_held() == 0);
    xs_stop(&xs);
    free(ring);
}

static uint64_t in(uint64_t seconds)
{
    return fake_time() + seconds * SECOND;
}

static int connect(void)
{
    return xen_bus_connect(&device, &driver, calls, in(10));
}

/* ---- enumerating and opening ---- */

TEST(bus_enumerates_the_numbers_of_a_class)
{
    static const struct {
        const char *names[8];
        size_t size;
        int error;
        size_t count;
        uint32_t indices[4];
    } rows[] = {
        {{NULL}, 4, 0, 0, {0}},
        {{"0"}, 4, 0, 1, {0}},
        {{"0", "51712", "4294967295"}, 4, 0, 3, {0, 51712, UINT32_MAX}},
        {{"x", "1x", "01", "-1", "4294967296", "3", "99999999999999999999"}, 4, 0, 1, {3}},
        {{"1", "2", "3"}, 3, 0, 3, {1, 2, 3}},
        {{"1", "2", "3"}, 2, -ERANGE, 2, {1, 2}},
        {{"1"}, 0, -ERANGE, 0, {0}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t indices[4];
        size_t count = 77;
        int result;

        start_bare();
        xs_set(&xs, "device/vif", "");
        for (size_t n = 0; n < 8 && rows[i].names[n]; n++) {
            char path[64];

            snprintf(path, sizeof path, "device/vif/%s", rows[i].names[n]);
            xs_set(&xs, path, "");
        }
        result = xen_bus_enumerate("vif", indices, rows[i].size, &count);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        TEST_CHECK(count == rows[i].count, "row %zu: %zu", i, count);
        TEST_CHECK(!memcmp(indices, rows[i].indices, rows[i].count * sizeof *indices), "row %zu", i);
        stop();
    }
}

TEST(bus_enumerates_nothing_where_there_is_no_directory)
{
    uint32_t indices[4];
    size_t count = 9;
    char class[300];

    start_bare();
    TEST_CHECK(xen_bus_enumerate("vif", indices, 4, &count) == 0 && count == 0);
    memset(class, 'c', sizeof class);
    class[299] = '\0';
    TEST_CHECK(xen_bus_enumerate(class, indices, 4, &count) == -EINVAL);
    fake_pages_left(0);
    TEST_CHECK(xen_bus_enumerate("vif", indices, 4, &count) == -ENOMEM);
    stop();
}

TEST(bus_open_takes_only_a_backend_that_makes_sense)
{
    static char longest[XEN_STORE_PATH_MAX], too_long[XEN_STORE_PATH_MAX];
    static const struct {
        const char *backend, *id;
        int error;
    } rows[] = {
        {BACKEND, "2", 0},
        {longest, "2", 0},
        {BACKEND, "32751", 0},
        {NULL, "2", -ENODEV},
        {BACKEND, NULL, -ENODEV},
        {"/local/domain/2/backend/nothing", "2", -ENODEV},
        {"", "2", -EPROTO},
        {"/", "2", -EPROTO},
        {"local/domain/2/backend/vif/7/0", "2", -EPROTO},
        {BACKEND "/", "2", -EPROTO},
        {"/local//domain", "2", -EPROTO},
        {"/local/domain/2/back end", "2", -EPROTO},
        {"/local/domain/2/%s%n", "2", -EPROTO},
        {"/local/domain/2/\x01\xff", "2", -EPROTO},
        {too_long, "2", -EPROTO},
        {BACKEND, "32752", -EPROTO},
        {BACKEND, "65535", -EPROTO},
        {BACKEND, "65538", -EPROTO},
        {BACKEND, "18446744073709551618", -EPROTO},
        {BACKEND, "-1", -EPROTO},
        {BACKEND, "", -EPROTO},
        {BACKEND, "two", -EPROTO},
        {BACKEND, "2 ", -EPROTO},
    };

    memset(longest, 'b', XEN_STORE_PATH_MAX - 1 - strlen("/state"));
    memset(too_long, 'b', XEN_STORE_PATH_MAX - strlen("/state"));
    memcpy(longest, "/local/domain/7/", 16);
    memcpy(too_long, "/local/domain/7/", 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int result;

        start("2");
        xs_delete(&xs, FRONT "/backend");
        xs_delete(&xs, FRONT "/backend-id");
        if (rows[i].backend)
            xs_set(&xs, FRONT "/backend", rows[i].backend);
        if (rows[i].id)
            xs_set(&xs, FRONT "/backend-id", rows[i].id);
        xs_set(&xs, longest, "");
        xs_set(&xs, too_long, "");
        result = xen_bus_open(&device, "vif", 0);
        TEST_CHECK(result == rows[i].error, "row %zu: %d", i, result);
        TEST_CHECK(xs_watch_count(&xs) == (result ? 0 : 1), "row %zu", i);
        if (!result) {
            TEST_CHECK(device.backend_domain.n == atoi(rows[i].id) && device.index == 0 && device.trusted);
            TEST_CHECK(!strcmp(device.backend, rows[i].backend) && !strcmp(device.path, "device/vif/0"));
            xen_bus_close(&device);
            TEST_CHECK(xs_watch_count(&xs) == 0);
        }
        stop();
    }
}

TEST(bus_open_refuses_a_backend_path_with_a_nul_inside)
{
    start("2");
    xs_set_bytes(&xs, FRONT "/backend", BACKEND "\0x", sizeof BACKEND + 1);
    TEST_CHECK(xen_bus_open(&device, "vif", 0) == -EPROTO);
    stop();
}

TEST(bus_device_is_trusted_unless_the_toolstack_says_0)
{
    static const struct {
        const char *value;
        bool trusted;
    } rows[] = {{NULL, true}, {"1", true}, {"0", false}, {"", true}, {"00", true}, {"no", true}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start("2");
        if (rows[i].value)
            xs_set(&xs, FRONT "/trusted", rows[i].value);
        TEST_CHECK(xen_bus_open(&device, "vif", 0) == 0);
        TEST_CHECK(device.trusted == rows[i].trusted, "row %zu", i);
        xen_bus_close(&device);
        stop();
    }
}

TEST(bus_open_of_a_device_that_is_not_there_says_so)
{
    char class[300];

    start("2");
    TEST_CHECK(xen_bus_open(&device, "vif", 1) == -ENODEV);
    TEST_CHECK(xen_bus_open(&device, "vbd", 0) == -ENODEV);
    memset(class, 'c', sizeof class);
    class[299] = '\0';
    TEST_CHECK(xen_bus_open(&device, class, 0) == -EINVAL);
    class[XEN_STORE_PATH_MAX - 12] = '\0'; /* device/…/0 fits, with a key it does not */
    TEST_CHECK(xen_bus_open(&device, class, 0) == -EINVAL);
    stop();
}

/* ---- states and values ---- */

TEST(bus_backend_state_is_unknown_when_it_makes_no_sense)
{
    static const struct {
        const char *value;
        enum xenbus_state state;
    } rows[] = {
        {"0", XenbusStateUnknown},          {"1", XenbusStateInitialising}, {"2", XenbusStateInitWait},
        {"4", XenbusStateConnected},        {"8", XenbusStateReconfigured}, {"9", XenbusStateUnknown},
        {"4294967298", XenbusStateUnknown}, {"", XenbusStateUnknown},       {"x", XenbusStateUnknown},
        {"-2", XenbusStateUnknown},         {"2 ", XenbusStateUnknown},     {NULL, XenbusStateUnknown},
    };

    start("2");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum xenbus_state state = XenbusStateClosed;

        if (rows[i].value)
            xs_set(&xs, BACKEND "/state", rows[i].value);
        else
            xs_delete(&xs, BACKEND);
        TEST_CHECK(xen_bus_backend_state(&device, &state) == 0);
        TEST_CHECK(state == rows[i].state, "row %zu: %u", i, state);
    }
    xen_bus_close(&device);
    stop();
}

static void flap(struct fake_xenstored *server, uint32_t type, const char *path, void *arg)
{
    (void)path, (void)arg;
    if (type != XS_READ)
        return;
    xs_set(server, BACKEND "/state", server->asked[XS_READ] % 2 ? "5" : "6");
    fake_time_advance(SECOND / 100);
}

TEST(bus_wait_ends_with_the_state_the_node_or_the_deadline)
{
    enum xenbus_state state = XenbusStateUnknown;
    uint64_t deadline;

    start("2");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateInitWait), 0, &state) == 0);
    TEST_CHECK(state == XenbusStateInitWait);
    deadline = in(3);
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateConnected), deadline, &state) == -ETIMEDOUT);
    TEST_CHECK(fake_time() == deadline && state == XenbusStateInitWait);
    xs_set(&xs, BACKEND "/state", "nonsense");
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateConnected), in(1), &state) == -ETIMEDOUT);
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateUnknown), in(1), &state) == 0);
    xs_delete(&xs, BACKEND);
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateConnected), XEN_FOREVER, &state) == -ENODEV);
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateUnknown), XEN_FOREVER, &state) == 0);
    xen_bus_close(&device);
    stop();
}

TEST(bus_wait_is_not_held_by_a_backend_that_changes_all_the_time)
{
    enum xenbus_state state;
    uint64_t deadline;

    start("2");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    xs.on_request = flap;
    deadline = in(2);
    TEST_CHECK(xen_bus_wait(&device, XEN_BUS_IN(XenbusStateConnected), deadline, &state) == -ETIMEDOUT);
    TEST_CHECK(fake_time() >= deadline && fake_time() < deadline + SECOND);
    xs.on_request = NULL;
    xen_bus_close(&device);
    stop();
}

TEST(bus_reads_and_writes_values_of_both_ends)
{
    char value[16], key[300];
    uint64_t number = 0;

    start("2");
    xs_set(&xs, BACKEND "/feature-x", "1");
    xs_set(&xs, FRONT "/mac", "00:16:3e:00:00:01");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    TEST_CHECK(xen_bus_read_backend_uint(&device, "feature-x", 1, &number) == 0 && number == 1);
    TEST_CHECK(xen_bus_read_backend_uint(&device, "feature-y", 1, &number) == -ENOENT);
    TEST_CHECK(xen_bus_read_front(&device, "mac", value, sizeof value) == -ERANGE);
    TEST_CHECK(xen_bus_write_front(&device, XEN_STORE_NONE, "mac", "%02x", 7u) == 0);
    TEST_CHECK(xen_bus_read_front(&device, "mac", value, sizeof value) == 0 && !strcmp(value, "07"));
    TEST_CHECK(xen_bus_read_backend(&device, "feature-x", value, sizeof value) == 0 && !strcmp(value, "1"));
    TEST_CHECK(xen_bus_read_backend(&device, "feature-y", value, sizeof value) == -ENOENT);
    xs_set_bytes(&xs, BACKEND "/ip", "1\0002", 3);
    TEST_CHECK(xen_bus_read_backend(&device, "ip", value, sizeof value) == -EINVAL);
    TEST_CHECK(xen_bus_read_backend(&device, "ip", value, 3) == -ERANGE);
    TEST_CHECK(xen_bus_write_front(&device, XEN_STORE_NONE, "mac", "%300s", "x") == -E2BIG);
    memset(key, 'k', sizeof key);
    key[299] = '\0';
    TEST_CHECK(xen_bus_write_front(&device, XEN_STORE_NONE, key, "1") == -EINVAL);
    TEST_CHECK(xen_bus_read_front(&device, key, value, sizeof value) == -EINVAL);
    TEST_CHECK(xen_bus_read_backend(&device, key, value, sizeof value) == -EINVAL);
    TEST_CHECK(xen_bus_read_backend_uint(&device, key, 1, &number) == -EINVAL);
    xen_bus_close(&device);
    stop();
}

/* ---- the life of a front-end ---- */

TEST(bus_connects_or_closes_whatever_the_backend_does)
{
    static const struct {
        const char *name, *first; /* the backend's state to begin with */
        struct behaviour backend;
        int probe, publish, connected;
        unsigned conflicts;
        int result;
        const char *calls, *states;
    } rows[] = {
        {"a good backend", "2", {.to = {[1] = "2", [4] = "4"}}, .result = 0, .calls = "puc", .states = "14"},
        {"one that starts slowly",
         "1",
         {.to = {[1] = "2", [4] = "4"}},
         .result = 0,
         .calls = "puc",
         .states = "14"},
        {"one closed before",
         "6",
         {.to = {[1] = "2", [4] = "4"}},
         .result = 0,
         .calls = "puc",
         .states = "14"},
        {"one still closing",
         "5",
         {.to = {[1] = "2", [4] = "4", [6] = "6"}, .once = {[1] = "5"}},
         .result = 0,
         .calls = "puc",
         .states = "1614"},
        {"one that closes twice",
         "5",
         {.to = {[1] = "2", [4] = "4", [6] = "6"}, .once = {[1] = "5", [6] = TWICE}},
         .result = 0,
         .calls = "puc",
         .states = "1614"},
        {"one that never stops closing", "5", {.to = {[1] = "5"}}, .result = -ETIMEDOUT, .states = "166"},
        {"one that is not ready", "1", {.to = {SILENT}}, .result = -ETIMEDOUT, .states = "16"},
        {"one in no state", "zero", {.to = {SILENT}}, .result = -ETIMEDOUT, .states = "16"},
        {"one that goes at once", "1", {.to = {[1] = GONE}}, .result = -ENODEV, .states = "1"},
        {"a device that goes at once", "1", {.to = {[1] = ALL_GONE}}, .result = -ENODEV, .states = "1"},
        {"one that goes while closing",
         "5",
         {.to = {[1] = "5", [6] = GONE}},
         .result = -ENODEV,
         .states = "16"},
        {"conflicts",
         "2",
         {.to = {[1] = "2", [4] = "4"}},
         .conflicts = 5,
         .result = 0,
         .calls = "puuuuuuc",
         .states = "14"},
        {"endless conflicts",
         "2",
         {.to = {[1] = "2", [4] = "4", [5] = "5", [6] = "6"}},
         .conflicts = 1000,
         .result = -EAGAIN,
         .calls = "puuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuux",
         .states = "156"},
        {"closing instead of connecting",
         "2",
         {.to = {[1] = "2", [4] = "5", [6] = "6"}},
         .result = -ECONNRESET,
         .calls = "pux",
         .states = "1456"},
        {"closed instead of connecting",
         "2",
         {.to = {[1] = "2", [4] = "6", [6] = "6"}},
         .result = -ECONNRESET,
         .calls = "pux",
         .states = "1456"},
        {"closing twice instead",
         "2",
         {.to = {[1] = "2", [4] = TWICE, [5] = TWICE, [6] = TWICE}},
         .result = -ECONNRESET,
         .calls = "pux",
         .states = "1456"},
        {"never connected",
         "2",
         {.to = {[1] = "2", [5] = "5", [6] = "6"}},
         .result = -ETIMEDOUT,
         .calls = "pux",
         .states = "1456"},
        {"unknown instead",
         "2",
         {.to = {[1] = "2", [4] = "0"}},
         .result = -ETIMEDOUT,
         .calls = "pux",
         .states = "1456"},
        {"garbage instead",
         "2",
         {.to = {[1] = "2", [4] = "44444444444444444444444444444"}},
         .result = -ETIMEDOUT,
         .calls = "pux",
         .states = "1456"},
        {"gone instead",
         "2",
         {.to = {[1] = "2", [4] = GONE}},
         .result = -ENODEV,
         .calls = "pux",
         .states = "1456"},
        {"a probe that fails",
         "2",
         {.to = {[1] = "2", [6] = "6"}},
         .probe = -ENOMEM,
         .result = -ENOMEM,
         .calls = "p",
         .states = "16"},
        {"a publication that fails",
         "2",
         {.to = {[1] = "2", [5] = "5", [6] = "6"}},
         .publish = -ENOSPC,
         .result = -ENOSPC,
         .calls = "pux",
         .states = "156"},
        {"a driver that does not like it",
         "2",
         {.to = {[1] = "2", [4] = "4", [5] = "5", [6] = "6"}},
         .connected = -EPROTO,
         .result = -EPROTO,
         .calls = "pucx",
         .states = "1456"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t begin;
        int result;

        start(rows[i].first);
        TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
        backend = rows[i].backend;
        front_states[0] = '\0';
        probe_result = rows[i].probe;
        publish_result = rows[i].publish;
        connected_result = rows[i].connected;
        xs.conflicts = rows[i].conflicts;
        begin = fake_time();
        result = connect();
        TEST_CHECK(result == rows[i].result, "%s: %d", rows[i].name, result);
        TEST_CHECK(!strcmp(calls, rows[i].calls ? rows[i].calls : ""), "%s: %s", rows[i].name, calls);
        TEST_CHECK(!strcmp(front_states, rows[i].states), "%s: %s", rows[i].name, front_states);
        TEST_CHECK(fake_time() <= begin + 10 * SECOND, "%s", rows[i].name);
        TEST_CHECK(result == -ETIMEDOUT || fake_time() == begin, "%s: in no time", rows[i].name);
        xen_bus_close(&device);
        TEST_CHECK(xs_watch_count(&xs) == 0);
        stop();
    }
}

static void take_time(struct fake_xenstored *server, uint32_t type, const char *path, void *arg)
{
    (void)server, (void)type, (void)path, (void)arg;
    fake_time_advance(SECOND / 10);
}

TEST(bus_connect_is_not_held_by_a_backend_that_closes_again_and_again)
{
    uint64_t deadline;

    start("5");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    backend = (struct behaviour){.to = {[1] = "5", [6] = "6"}};
    xs.on_request = take_time;
    deadline = in(10);
    TEST_CHECK(connect() == -ETIMEDOUT);
    TEST_CHECK(fake_time() >= deadline && fake_time() < deadline + SECOND);
    xs.on_request = NULL;
    xen_bus_close(&device);
    stop();
}

TEST(bus_publishes_values_and_state_together)
{
    start("2");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    publish_result = -ENOSPC;
    TEST_CHECK(connect() == -ENOSPC);
    TEST_CHECK(!xs_get(&xs, FRONT "/ring-ref"));
    publish_result = 0;
    TEST_CHECK(connect() == 0);
    TEST_CHECK(!strcmp(xs_get(&xs, FRONT "/ring-ref"), "8"));
    TEST_CHECK(!strcmp(xs_get(&xs, FRONT "/state"), "4"));
    xen_bus_close(&device);
    stop();
}

TEST(bus_disconnects_whatever_the_backend_does)
{
    static const struct {
        const char *name, *before; /* what the backend does on its own before; NULL: nothing */
        struct behaviour backend;
        const char *at_closing; /* the backend's state when the driver lets go */
        bool late;
    } rows[] = {
        {"a good backend", NULL, {.to = {[5] = "5", [6] = "6"}}, "6", false},
        {"one that began", "5", {.to = {[6] = "6"}}, "6", false},
        {"one that closed already", "6", {.to = {SILENT}}, "6", false},
        {"one that closed twice", TWICE, {.to = {[5] = TWICE, [6] = TWICE}}, "6", false},
        {"one that starts again at once", NULL, {.to = {[5] = "5", [6] = "2"}}, "2", false},
        {"one that does not answer", NULL, {.to = {SILENT}}, "4", true},
        {"one that stays closing", NULL, {.to = {[5] = "5"}}, "5", true},
        {"one that is gone", GONE, {.to = {SILENT}}, "none", false},
        {"one that goes at Closing", NULL, {.to = {[5] = GONE}}, "none", false},
        {"one that goes at Closed", NULL, {.to = {[5] = "5", [6] = GONE}}, "none", false},
        {"a device that goes at Closing", NULL, {.to = {[5] = ALL_GONE}}, "none", false},
        {"one that talks garbage", NULL, {.to = {[5] = "x", [6] = "y"}}, "y", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t deadline;

        start("2");
        TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
        TEST_REQUIRE(connect() == 0);
        backend = rows[i].backend;
        front_states[0] = calls[0] = '\0';
        if (rows[i].before)
            say(rows[i].before);
        deadline = in(5);
        xen_bus_disconnect(&device, &driver, calls, deadline);
        TEST_CHECK(!strcmp(calls, "x"), "%s: %s", rows[i].name, calls);
        TEST_CHECK(!strncmp(front_states, "56", 2), "%s: %s", rows[i].name, front_states);
        TEST_CHECK(!strcmp(backend_at_closing, rows[i].at_closing), "%s: %s", rows[i].name,
                   backend_at_closing);
        TEST_CHECK(fake_time() == (rows[i].late ? deadline : deadline - 5 * SECOND), "%s", rows[i].name);
        xen_bus_close(&device);
        stop();
    }
}

TEST(bus_reconnects_as_often_as_one_likes)
{
    start("2");
    TEST_REQUIRE(xen_bus_open(&device, "vif", 0) == 0);
    for (unsigned i = 0; i < 5; i++) {
        calls[0] = front_states[0] = '\0';
        TEST_CHECK(connect() == 0);
        xen_bus_disconnect(&device, &driver, calls, in(5));
        TEST_CHECK(!strcmp(calls, "pucx") && !strcmp(front_states, "1456"), "%s %s", calls, front_states);
    }
    xen_bus_close(&device);
    stop();
}

TEST(bus_calls_closing_exactly_for_what_was_probed_when_xenstored_fails_at_any_step)
{
    static const struct xs_fault faults[] = {
        {.kind = XS_FAULT_ERROR, .bytes = "EIO", .length = 4},
        {.kind = XS_FAULT_ERROR, .bytes = "ENOENT", .length = 7},
        {.kind = XS_FAULT_ERROR, .bytes = "EACCES", .length = 7},
        {.kind = XS_FAULT_ERROR, .bytes = "garbage", .length = 8},
        {.kind = XS_FAULT_PAYLOAD, .bytes = "", .length = 0},
        {.kind = XS_FAULT_PAYLOAD, .bytes = "\xff\xff\xff\xff", .length = 4},
        {.kind = XS_FAULT_TYPE, .number = XS_DEBUG},
        {.kind = XS_FAULT_ID, .number = 1},
        {.kind = XS_FAULT_LENGTH, .number = 70000},
        {.kind = XS_FAULT_GIVE_UP, .number = 1},
        {.kind = XS_FAULT_RSP_INDEX, .number = 4000},
    };

    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        for (unsigned reconnection = 0; reconnection < 2; reconnection++) {
            for (unsigned at = 1; at < 20; at++) {
                struct xs_fault fault = faults[f];
                int result;

                start("2");
                ring->server_features = XENSTORE_SERVER_FEATURE_ERROR | reconnection;
                fault.at = at;
                xs_arm(&xs, fault);
                result = xen_bus_open(&device, "vif", 0);
                if (!result) {
                    result = connect();
                    if (!result)
                        TEST_CHECK(!strchr(calls, 'x') && !strncmp(calls, "p", 1));
                    else
                        TEST_CHECK(!!strchr(calls, 'p') == !!strchr(calls, 'x'), "fault %zu at %u: %s %d", f,
                                   at, calls, result);
                    if (!result)
                        xen_bus_disconnect(&device, &driver, calls, in(5));
                    TEST_CHECK(!strchr(calls, 'x') || strchr(calls, 'x') == strrchr(calls, 'x'));
                    xen_bus_close(&device);
                }
                stop();
            }
        }
    }
}

int main(void)
{
    return tap_run();
}
