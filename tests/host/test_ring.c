/* links: ring.c */
#include "tap.h"

#include <errno.h>
#include <string.h>

#include <xenlib/ring.h>
#include <xensys/abi.h>

/* The other end is written with the macros of Xen's own header. */
#define xen_mb()  __sync_synchronize()
#define xen_wmb() __sync_synchronize()

struct blk_like_request {
    uint8_t bytes[112];
};
DEFINE_RING_TYPES(blk_like, struct blk_like_request, struct blk_like_request);

static _Alignas(4096) uint8_t page[4096];
static const uint32_t starts[] = {0, 1, 0x7fffff80u, 0xffffff00u, 0xfffffffeu, 0xffffffffu};
#define STARTS (sizeof starts / sizeof *starts)

struct pair {
    struct xen_ring front;
    struct netif_tx_back_ring back;
};

static struct pair pair_at(uint32_t first)
{
    struct pair pair;
    struct netif_tx_sring *shared = (struct netif_tx_sring *)page;

    memset(page, 0xa5, sizeof page);
    xen_ring_init(&pair.front, page, sizeof(union netif_tx_sring_entry), first);
    BACK_RING_ATTACH(&pair.back, shared, shared->rsp_prod, XEN_PAGE_SIZE);
    return pair;
}

static void put(struct pair *pair, uint16_t id)
{
    struct netif_tx_request request = {.gref = id + 1000u, .id = id, .size = (uint16_t)~id};

    xen_ring_put(&pair->front, &request, sizeof request);
}

/* The backend takes one request, and answers it. Its id, or -1 when there is none. */
static int answer(struct pair *pair)
{
    struct netif_tx_request request;

    if (!RING_HAS_UNCONSUMED_REQUESTS(&pair->back))
        return -1;
    RING_COPY_REQUEST(&pair->back, pair->back.req_cons, &request);
    pair->back.req_cons++;
    *RING_GET_RESPONSE(&pair->back, pair->back.rsp_prod_pvt) = (struct netif_tx_response){
        .id = request.id,
        .status = request.size == 0xffff - request.id && request.gref == request.id + 1000u,
    };
    pair->back.rsp_prod_pvt++;
    return request.id;
}

TEST(ring_has_as_many_slots_as_xens_macros_say)
{
    static const struct {
        uint32_t bytes, slots;
    } cases[] = {
        {sizeof(union netif_tx_sring_entry), __CONST_RING_SIZE(netif_tx, 4096)},
        {sizeof(union netif_rx_sring_entry), __CONST_RING_SIZE(netif_rx, 4096)},
        {sizeof(union blk_like_sring_entry), __CONST_RING_SIZE(blk_like, 4096)},
        {4032, 1},
        {2016, 2},
        {2017, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xen_ring ring;

        xen_ring_init(&ring, page, cases[i].bytes, 0);
        TEST_CHECK(ring.size == cases[i].slots, "slots of %u bytes: %u", cases[i].bytes, ring.size);
        TEST_CHECK(xen_ring_free(&ring) == cases[i].slots);
    }
}

TEST(init_clears_the_page_and_asks_for_the_first_events)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct pair pair = pair_at(starts[i]);
        const struct netif_tx_sring *shared = pair.back.sring;

        TEST_CHECK(shared->req_prod == starts[i] && shared->rsp_prod == starts[i]);
        TEST_CHECK(shared->req_event == starts[i] + 1 && shared->rsp_event == starts[i] + 1);
        for (size_t n = 16; n < sizeof page; n++)
            TEST_REQUIRE(!page[n], "byte %zu", n);
    }
}

TEST(requests_and_responses_pass_in_order_through_many_wraps)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct pair pair = pair_at(starts[i]);
        uint16_t sent = 0, seen = 0, back = 0;

        for (unsigned round = 0; round < 200; round++) {
            unsigned count = round * 7 % 257;
            uint32_t pending = 99999;

            if (count > xen_ring_free(&pair.front))
                count = xen_ring_free(&pair.front);
            for (unsigned n = 0; n < count; n++)
                put(&pair, sent++);
            xen_ring_publish(&pair.front);
            for (unsigned n = 0; n < (round % 4 ? count * 3 / 4 : 256); n++) {
                int id = answer(&pair);

                TEST_REQUIRE(id < 0 || id == seen, "start %x: %d, not %u", starts[i], id, seen);
                seen = (uint16_t)(seen + (id >= 0));
            }
            RING_PUSH_RESPONSES(&pair.back);
            TEST_REQUIRE(!xen_ring_pending(&pair.front, &pending));
            TEST_REQUIRE(pending == (uint16_t)(seen - back), "%u", pending);
            while (pending--) {
                struct netif_tx_response response;

                xen_ring_get(&pair.front, &response, sizeof response);
                TEST_REQUIRE(response.id == back && response.status == 1, "start %x", starts[i]);
                back++;
            }
            TEST_REQUIRE(xen_ring_free(&pair.front) == 256u - (uint16_t)(sent - back));
        }
        TEST_CHECK(sent > 2000);
    }
}

TEST(a_full_ring_has_no_room_until_a_response_is_taken)
{
    struct pair pair = pair_at(0xffffff80u);
    struct netif_tx_response response;
    uint32_t pending;

    for (uint16_t n = 0; n < 256; n++)
        put(&pair, n);
    TEST_CHECK(xen_ring_free(&pair.front) == 0);
    TEST_CHECK(xen_ring_publish(&pair.front));
    TEST_CHECK(xen_ring_outstanding(&pair.front) == 256);
    TEST_CHECK(answer(&pair) == 0);
    RING_PUSH_RESPONSES(&pair.back);
    TEST_CHECK(xen_ring_free(&pair.front) == 0);
    TEST_REQUIRE(!xen_ring_pending(&pair.front, &pending) && pending == 1);
    xen_ring_get(&pair.front, &response, sizeof response);
    TEST_CHECK(xen_ring_free(&pair.front) == 1);
    TEST_CHECK(xen_ring_outstanding(&pair.front) == 255);
}

TEST(publish_asks_for_an_event_only_where_the_backend_wants_one)
{
    static const struct {
        int32_t event; /* req_event, from the first of the requests published */
        bool notify;
    } cases[] = {
        {0, false}, {1, true},    {2, true},   {3, true},
        {4, false}, {100, false}, {-1, false}, {INT32_MIN, false},
    };

    for (size_t i = 0; i < STARTS; i++) {
        for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
            struct pair pair = pair_at(starts[i]);

            pair.back.sring->req_event = starts[i] + (uint32_t)cases[n].event;
            for (uint16_t id = 0; id < 3; id++)
                put(&pair, id);
            TEST_CHECK(xen_ring_publish(&pair.front) == cases[n].notify, "start %x event %d", starts[i],
                       cases[n].event);
            TEST_CHECK(!xen_ring_publish(&pair.front), "nothing new");
        }
    }
}

TEST(a_producer_that_claims_too_much_breaks_the_ring_for_good)
{
    /* 10 requests put, 6 of them published, 2 answered and taken: 4 are out. */
    static const struct {
        int64_t claim;
        bool good;
    } cases[] = {
        {0, true},   {1, true},    {4, true},     {5, false},          {8, false},
        {-1, false}, {256, false}, {257, false},  {0x7fffffff, false}, {0x80000000, false},
        {-2, false}, {255, false}, {-256, false},
    };

    for (size_t i = 0; i < STARTS; i++) {
        for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
            struct pair pair = pair_at(starts[i]);
            struct netif_tx_response response;
            uint32_t pending = 77;
            bool ready;

            for (uint16_t id = 0; id < 10; id++) {
                put(&pair, id);
                if (id == 5)
                    xen_ring_publish(&pair.front);
            }
            answer(&pair), answer(&pair);
            RING_PUSH_RESPONSES(&pair.back);
            TEST_REQUIRE(!xen_ring_pending(&pair.front, &pending) && pending == 2);
            xen_ring_get(&pair.front, &response, sizeof response);
            xen_ring_get(&pair.front, &response, sizeof response);

            pending = 77;
            pair.back.sring->rsp_prod = starts[i] + 2 + (uint32_t)cases[n].claim;
            if (cases[n].good) {
                TEST_CHECK(!xen_ring_pending(&pair.front, &pending) && pending == (uint32_t)cases[n].claim);
                continue;
            }
            TEST_CHECK(xen_ring_pending(&pair.front, &pending) == -EPROTO, "claim %lld",
                       (long long)cases[n].claim);
            TEST_CHECK(pending == 77);
            pair.back.sring->rsp_prod = starts[i] + 2;
            TEST_CHECK(xen_ring_pending(&pair.front, &pending) == -EPROTO, "it stays broken");
            TEST_CHECK(xen_ring_arm(&pair.front, 1, &ready) == -EPROTO);
        }
    }
}

TEST(arm_sees_what_came_before_the_backend_could_know)
{
    static const struct {
        uint32_t answered, ahead;
        bool ready;
    } cases[] = {{0, 1, false}, {1, 1, true}, {3, 1, true}, {2, 3, false}, {3, 3, true}, {4, 3, true}};

    for (size_t i = 0; i < STARTS; i++) {
        for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
            struct pair pair = pair_at(starts[i]);
            bool ready = !cases[n].ready;

            for (uint16_t id = 0; id < 6; id++)
                put(&pair, id);
            xen_ring_publish(&pair.front);
            for (uint32_t a = 0; a < cases[n].answered; a++)
                answer(&pair);
            RING_PUSH_RESPONSES(&pair.back);
            TEST_CHECK(!xen_ring_arm(&pair.front, cases[n].ahead, &ready));
            TEST_CHECK(ready == cases[n].ready, "answered %u ahead %u", cases[n].answered, cases[n].ahead);
        }
    }
}

TEST(the_backend_notifies_when_the_armed_response_comes_and_not_before)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct pair pair = pair_at(starts[i]);
        bool ready, notify;

        for (uint16_t id = 0; id < 6; id++)
            put(&pair, id);
        xen_ring_publish(&pair.front);
        TEST_CHECK(!xen_ring_arm(&pair.front, 3, &ready) && !ready);
        for (unsigned n = 1; n <= 6; n++) {
            answer(&pair);
            RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&pair.back, notify);
            TEST_CHECK(notify == (n == 3), "response %u", n);
        }
    }
}

TEST(arm_refuses_an_impossible_producer)
{
    struct pair pair = pair_at(0xfffffff0u);
    bool ready = false;

    put(&pair, 1);
    xen_ring_publish(&pair.front);
    pair.back.sring->rsp_prod += 2;
    TEST_CHECK(xen_ring_arm(&pair.front, 1, &ready) == -EPROTO);
    TEST_CHECK(!ready);
}

TEST(a_response_that_was_taken_does_not_change_any_more)
{
    struct pair pair = pair_at(5);
    struct netif_tx_response response;
    uint32_t pending;

    put(&pair, 42);
    xen_ring_publish(&pair.front);
    answer(&pair);
    RING_PUSH_RESPONSES(&pair.back);
    TEST_REQUIRE(!xen_ring_pending(&pair.front, &pending) && pending == 1);
    xen_ring_get(&pair.front, &response, sizeof response);
    memset(page + 64, 0xff, sizeof page - 64);
    TEST_CHECK(response.id == 42 && response.status == 1);
}

int main(void)
{
    return tap_run();
}
